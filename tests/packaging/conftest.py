"""The distribution as a user gets it: built from the checkout, installed into an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Run to the end and return standard output; a failure shows what the command printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PORTABLE_"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, CHECKOUT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (wheel,) = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel in it and, behind it, the packages of the environment that runs the tests.

    A `.pth` line adds a folder without reading that folder's own `.pth` files, so the editable checkout stays out of reach.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    interpreter = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", interpreter, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    installed = run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    behind = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    Path(installed, "dependencies.pth").write_text("".join(f"{path}\n" for path in behind))
    return folder


@pytest.fixture
def python(environment: Path, tmp_path: Path) -> Callable[[str], str]:
    """Runs Python source in the environment, from a folder outside of the checkout; returns what it printed."""

    def python(source: str) -> str:
        return run(environment / "bin" / "python", "-c", source, cwd=tmp_path).strip()

    return python
