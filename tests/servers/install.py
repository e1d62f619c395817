"""Install Azurite into the project's `.tools/azurite`: `python -m tests.servers.install`.

The versions are those of the lock file beside this module. Running it again does nothing.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers import programs

MANIFESTS = [Path(__file__).with_name(name) for name in ("package.json", "package-lock.json")]


def is_installed() -> bool:
    """Tell whether the version that the manifest names is in place."""
    installed = programs.AZURITE_FOLDER / "node_modules" / "azurite" / "package.json"
    if not (installed.exists() and programs.AZURITE_MAIN.exists()):
        return False
    wanted = json.loads(MANIFESTS[0].read_text())["dependencies"]["azurite"]
    return bool(json.loads(installed.read_text())["version"] == wanted)


def install() -> None:
    """Install what the lock file names. Raises: subprocess.CalledProcessError, ServerError (no Node.js)."""
    if is_installed():
        return
    programs.AZURITE_FOLDER.mkdir(parents=True, exist_ok=True)
    for manifest in MANIFESTS:
        shutil.copy(manifest, programs.AZURITE_FOLDER / manifest.name)
    subprocess.run(
        [*programs.npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
        cwd=programs.AZURITE_FOLDER,
        check=True,
        stdout=sys.stderr,
    )


if __name__ == "__main__":
    install()
