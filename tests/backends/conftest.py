"""The conformance suite's fixtures: a test that asks for `store` or `backend` runs once for each host of the table."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portable.backends.protocol import Backend
from tests.backends.hosts import CONTAINERS, HOSTS, WITH_DEBIAN_PACKAGES, Store, refusal

__all__ = ["Store", "refusal"]


MARKS = {
    **dict.fromkeys(WITH_DEBIAN_PACKAGES, pytest.mark.hosts),
    # aiohttp advises azure-core against bodies of more than 1 MiB as bytes, which neither adlfs nor we choose.
    "fsspec-adlfs": pytest.mark.filterwarnings("ignore:Sending a large body directly with raw bytes:ResourceWarning"),
}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in HOSTS])
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of host in turn."""
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Open an empty store of the kind, of this test alone."""
    host = HOSTS[kind]
    server = request.getfixturevalue(host.server) if host.server else None
    with CONTAINERS[host.scheme](server, tmp_path) as container:
        for name, value in container.environment.items():
            monkeypatch.setenv(name, value)
        opened = Store(kind, container)
        yield opened
        opened.backend.close()


@pytest.fixture
def backend(store: Store) -> Backend:
    """Open an empty store of the kind, at its root."""
    return store.backend
