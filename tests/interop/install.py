"""Install the JavaScript Encryption SDK into the project's `.tools/interop`: `python -m tests.interop.install`.

The versions are those of the lock file beside this module. Running it again does nothing.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.servers import programs

FOLDER: Final = Path(__file__).resolve().parents[2] / ".tools" / "interop"
MANIFESTS: Final = [Path(__file__).with_name(name) for name in ("package.json", "package-lock.json")]


def is_installed() -> bool:
    """Tell whether what the manifests name was installed to the end."""
    return (FOLDER / "node_modules").is_dir() and all(
        (FOLDER / manifest.name).exists() and (FOLDER / manifest.name).read_bytes() == manifest.read_bytes()
        for manifest in MANIFESTS
    )


def install() -> None:
    """Install what the lock file names. Raises: subprocess.CalledProcessError, ServerError (no Node.js)."""
    if is_installed():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for manifest in MANIFESTS:
        shutil.copy(manifest, FOLDER / manifest.name)
    try:
        subprocess.run(
            [*programs.npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
            cwd=FOLDER,
            check=True,
            stdout=sys.stderr,
        )
    except BaseException:
        shutil.rmtree(FOLDER, ignore_errors=True)  # half an installation would pass for one
        raise


if __name__ == "__main__":
    install()
