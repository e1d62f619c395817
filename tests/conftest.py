"""Servers, one of each for a test run, started when a test first asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Azurite, SeaweedFS


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pins and configuration of the machine out of every test, and those of a test out of the machine."""
    monkeypatch.setenv("PORTABLE_STATE", str(tmp_path / "portable-state"))
    for variable in ("CONFIG", "CATALOG", "AUTHORITY", "KEYRING", "PATIENCE", "PASSPHRASE", "PASSPHRASE_FILE", "IDENTITY"):
        monkeypatch.delenv(f"PORTABLE_{variable}", raising=False)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """An S3 server."""
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """An Azure storage account."""
    with Azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def bucket(seaweedfs: SeaweedFS) -> Iterator[str]:
    """Name a bucket of the S3 server that only this test uses."""
    name = seaweedfs.make_bucket()
    yield name
    seaweedfs.remove_bucket(name)


@pytest.fixture
def container(azurite: Azurite) -> Iterator[str]:
    """Name a container of the Azure account that only this test uses."""
    name = azurite.make_container()
    yield name
    azurite.remove_container(name)
