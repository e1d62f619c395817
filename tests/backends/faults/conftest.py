"""Real servers behind a proxy that fails by rule, and backends that reach them through it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.registry import OPENERS, open_backend
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Exchange, Fault, Rule

BOUND = 3.0
"""Seconds: of a call, and three times that of an attempt."""
BRIEF = 1.2
"""The same for a call that is repeated until its bound, because what it meets stays."""
SLACK = 1.0
"""Seconds that a call may take beyond its bound, on a machine with other work to do."""

_REQUESTS = {
    "s3": {
        "begin": ("POST", r"[?&]uploads"),
        "commit": ("POST", r"uploadId="),
        "delete": ("DELETE", r"/key(\?|$)"),
        "get": ("GET", r"/key(\?|$)"),
        "list": ("GET", r"list-type=2"),
        "part": ("PUT", r"partNumber="),
        "put": ("PUT", r"/key(\?(?!.*partNumber)|$)"),
        "stat": ("HEAD", r"/key(\?|$)"),
    },
    "azure": {
        "commit": ("PUT", r"comp=blocklist"),
        "delete": ("DELETE", r"/key(\?|$)"),
        "get": ("GET", r"/key(\?|$)"),
        "list": ("GET", r"comp=list(&|$)"),
        "part": ("PUT", r"comp=block(&|$)"),
        "put": ("PUT", r"/key(\?(?!.*comp=)|$)"),
        "stat": ("HEAD", r"/key(\?|$)"),
    },
}
"""The request of each call, on `key`: its method, and what its target matches."""


@dataclass
class Host:
    """A container at a real server: reached through the proxy, or past it by another client."""

    kind: str
    proxy: FaultProxy
    url: str
    direct: Backend
    """Another client of the same container, which no fault meets."""
    _opened: list[Backend] = field(default_factory=list)

    def open(self, bound: float = BOUND) -> Backend:
        """Open the container as programs do, through the proxy."""
        return self._keep(open_backend(self._location, bound=bound))

    def open_inner(self, bound: float = BOUND) -> Backend:
        """Open the host's own backend, which sends every request once, through the proxy."""
        return self._keep(OPENERS[self._location.scheme](self._location, bound))

    def fail(self, request: str, fault: Fault, **options: int | Callable[[], object]) -> None:
        """Let requests of this kind (of `put`, `get` ...) meet a fault; `options` are those of a `Rule`."""
        method, target = _REQUESTS[self.kind][request]
        self.proxy.rules.append(Rule(fault, method=method, target=target, **options))  # type: ignore[arg-type]

    def sent(self, request: str) -> list[Exchange]:
        """Return the requests of this kind that reached the proxy."""
        return self.proxy.seen(*_REQUESTS[self.kind][request])

    def close(self) -> None:
        for backend in (*self._opened, self.direct):
            backend.close()

    @property
    def _location(self) -> Location:
        return Location(self.url, endpoint=self.proxy.endpoint, credentials="env:FAULTS_")

    def _keep(self, backend: Backend) -> Backend:
        self._opened.append(backend)
        return backend


@pytest.fixture(params=["s3", "azure"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of host in turn."""
    return str(request.param)


@pytest.fixture
def host(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Put a proxy before an empty container of each kind."""
    server = request.getfixturevalue("seaweedfs" if kind == "s3" else "azurite")
    name = request.getfixturevalue("bucket" if kind == "s3" else "container")
    for variable, value in server.env("FAULTS_").items():
        monkeypatch.setenv(variable, value)
    url = f"{'s3' if kind == 's3' else 'az'}://{name}"
    with FaultProxy(server.endpoint) as proxy:
        host = Host(kind, proxy, url, open_backend(Location(url, credentials="env:FAULTS_"), bound=20.0))
        yield host
        host.close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Check that what is inside takes no longer than this, and the slack."""
    began = time.monotonic()
    yield
    elapsed = time.monotonic() - began
    assert elapsed <= seconds + SLACK, f"{elapsed:.2f} s, which is over {seconds} s"
