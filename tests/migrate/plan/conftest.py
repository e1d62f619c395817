import shutil
from pathlib import Path

import pytest

from portable.keys.authority import Authority
from tests.migrate.plan.places import Site, make_keyring


@pytest.fixture(scope="session")
def custody(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Authority]:
    """A folder with a keyring and its authority, made once."""
    folder = tmp_path_factory.mktemp("custody")
    return folder, make_keyring(folder)


@pytest.fixture
def authority(custody: tuple[Path, Authority]) -> Authority:
    return custody[1]


@pytest.fixture
def site(custody: tuple[Path, Authority], tmp_path: Path) -> Site:
    """A migration between two stores in memory."""
    shutil.copytree(custody[0], tmp_path / "site")
    return Site(tmp_path / "site")
