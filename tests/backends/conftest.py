"""Stores of every kind, each empty and used by one test."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.registry import open_backend
from tests.servers import Azurite, SeaweedFS

HOSTS = ("memory", "local", "s3", "azure")


@dataclass
class Store:
    """A kind of host, a function that opens a location in the test's own container, and a backend on its root."""

    kind: str
    open: Callable[[str], Backend]
    """Takes a prefix."""
    missing: Callable[[], Backend]
    """Opens a container that does not exist."""

    def __post_init__(self) -> None:
        self.backend = self.open("")


def azure_environment(server: Azurite, monkeypatch: pytest.MonkeyPatch, prefix: str = "TEST_") -> str:
    for name, value in server.env(prefix).items():
        monkeypatch.setenv(name, value)
    return f"env:{prefix}"


def s3_environment(server: SeaweedFS, monkeypatch: pytest.MonkeyPatch, prefix: str = "TEST_") -> str:
    for name, value in server.env(prefix).items():
        monkeypatch.setenv(name, value)
    return f"env:{prefix}"


def opener(base: str, credentials: str = "default") -> Callable[[str], Backend]:
    return lambda prefix: open_backend(Location(f"{base}/{prefix}", credentials=credentials), bound=20.0)


@pytest.fixture(params=HOSTS)
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of host in turn."""
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Open an empty store of the kind."""
    if kind == "memory":
        name = f"t-{uuid.uuid4().hex}"
        made = Store(kind, opener(f"memory://{name}"), lambda: opener(f"memory://{name}-other")(""))
    elif kind == "local":
        (tmp_path / "root").mkdir()

        def local(prefix: str) -> Backend:
            folder = tmp_path / "root" / prefix
            folder.mkdir(parents=True, exist_ok=True)
            return open_backend(Location(f"file://{folder}"))

        made = Store(kind, local, lambda: open_backend(Location(f"file://{tmp_path}/missing")))
    elif kind == "s3":
        server: SeaweedFS = request.getfixturevalue("seaweedfs")
        credentials = s3_environment(server, monkeypatch)
        bucket = request.getfixturevalue("bucket")
        made = Store(kind, opener(f"s3://{bucket}", credentials), lambda: opener("s3://missing-bucket", credentials)(""))
    else:
        account: Azurite = request.getfixturevalue("azurite")
        credentials = azure_environment(account, monkeypatch)
        container = request.getfixturevalue("container")
        made = Store(kind, opener(f"az://{container}", credentials), lambda: opener("az://missing", credentials)(""))
    yield made
    made.backend.close()


@pytest.fixture
def backend(store: Store) -> Backend:
    """Open an empty store of the kind, at its root."""
    return store.backend
