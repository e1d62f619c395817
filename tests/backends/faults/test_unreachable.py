"""Hosts that cannot be reached, and credentials that end: the right error, within the bound."""

import socket
from collections.abc import Callable

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Backend
from portable.backends.registry import open_backend
from portable.errors import Denied, Unavailable
from tests.backends.faults.conftest import BRIEF, Host, within
from tests.servers.faults import Refuse, Rule, Status

VARIABLES = {
    "FAULTS_AWS_ACCESS_KEY_ID": "AK",
    "FAULTS_AWS_SECRET_ACCESS_KEY": "hidden",
    "FAULTS_AZURE_STORAGE_ACCOUNT": "account",
    "FAULTS_AZURE_STORAGE_KEY": "aGlkZGVu",
}
CALLS: dict[str, Callable[[Backend], object]] = {
    "get": lambda backend: backend.get("key"),
    "put": lambda backend: backend.put("key", b"data"),
    "conditional put": lambda backend: backend.put("key", b"data", expect=ABSENT),
    "list": lambda backend: list(backend.list()),
    "delete": lambda backend: backend.delete("key"),
    "part": lambda backend: backend.begin("key").part(0, b"data"),
}

RESOLVER = 5.0
"""Seconds that the system's resolver may take, whatever a client asks for."""


@pytest.fixture
def closed_port() -> int:
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(params=["s3://bucket", "az://container"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return str(request.param)


def try_all(backend: Backend, bound: float) -> None:
    for name, call in CALLS.items():
        with within(1.25 * bound), pytest.raises(Unavailable) as caught:
            call(backend)
        assert "hidden" not in str(caught.value), name
    backend.close()


@pytest.mark.parametrize("call", ["put", "list"])
def test_a_name_that_does_not_resolve(url: str, call: str) -> None:
    location = Location(url, endpoint="http://no-such-host.invalid", credentials="env:FAULTS_")
    backend = open_backend(location, bound=1.0)
    with within(1.25 + RESOLVER), pytest.raises(Unavailable):
        CALLS[call](backend)
    backend.close()


def test_a_port_that_refuses(url: str, closed_port: int) -> None:
    location = Location(url, endpoint=f"http://127.0.0.1:{closed_port}", credentials="env:FAULTS_")
    try_all(open_backend(location, bound=0.5), 0.5)


def test_a_proxy_that_is_not_there(url: str, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTS_PROXY", f"http://user:hidden@127.0.0.1:{closed_port}")
    location = Location(url, endpoint="http://no-such-host.invalid", credentials="env:FAULTS_")
    try_all(open_backend(location, bound=0.5), 0.5)


def test_a_host_that_drops_every_connection(host: Host) -> None:
    host.proxy.rules = [Rule(Refuse())]
    with within(1.25 * BRIEF), pytest.raises(Unavailable):
        host.open(BRIEF).put("key", b"data")


EXPIRED = {"s3": Status(403, "ExpiredToken"), "azure": Status(401, "InvalidAuthenticationInfo")}


@pytest.mark.parametrize("call", ["get", "put", "conditional put", "list", "part"])
def test_credentials_that_end_in_the_middle_are_denied_at_once_and_named(host: Host, call: str) -> None:
    backend = host.open()
    backend.put("key", b"data")
    upload = backend.begin("staged") if call == "part" else None
    sent = len(host.proxy.seen())
    host.proxy.rules = [Rule(EXPIRED[host.kind])]
    with within(0), pytest.raises(Denied, match="expired" if host.kind == "s3" else "credentials are not valid"):
        upload.part(0, b"data") if upload else CALLS[call](backend)
    assert len(host.proxy.seen()) == sent + 1
