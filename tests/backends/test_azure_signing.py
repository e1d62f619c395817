"""What lets requests through at Azure, and when it is renewed."""

import time
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import ClientAuthenticationError

from portable.backends.azure import AzureBackend, open_azure
from portable.backends.azure_signing import Signer
from portable.backends.credentials import AzureCredentials
from portable.backends.location import Location
from portable.errors import Denied
from tests.backends.answering import Answering, Asked, Says
from tests.servers import Azurite

KEY = "c2VjcmV0LWtleQ=="


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr("portable.backends.azure_signing.time", SimpleNamespace(time=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that signatures are dated by."""
    return Clock(monkeypatch)


class Identity:
    """A credential of azure-identity, whose tokens last for `seconds`."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.asked, self._clock, self._seconds = 0, clock, seconds

    def get_token(self, scope: str) -> SimpleNamespace:
        assert scope == "https://storage.azure.com/.default"
        self.asked += 1
        return SimpleNamespace(token=f"token-{self.asked}", expires_on=int(self._clock.now + self._seconds))


def test_a_signed_token_is_used_again_and_renewed_long_before_it_ends(clock: Clock) -> None:
    signer = Signer("container", AzureCredentials("account", "http://host", key=KEY), url="az://container")
    first, headers = signer.signature()
    assert headers == {}
    ends = datetime.fromisoformat(parse_qs(first)["se"][0]).timestamp()
    assert 7_190 < ends - clock.now <= 7_200
    assert "st" not in parse_qs(first)
    assert parse_qs(first)["sp"] == ["rcwdl"]
    clock.now += 3_590
    assert signer.signature()[0] == first
    clock.now += 20
    renewed, _ = signer.signature()
    assert datetime.fromisoformat(parse_qs(renewed)["se"][0]).timestamp() > ends


def test_a_given_token_is_used_as_it_is(clock: Clock) -> None:
    signer = Signer("container", AzureCredentials("account", "http://host", sas="sv=1&sig=2"), url="az://container")
    clock.now += 1e9
    assert signer.signature() == ("sv=1&sig=2", {})


@pytest.mark.parametrize(("lasts", "used"), [(3_600, 3_300), (400, 200), (60, 30)])
def test_an_access_token_is_asked_for_again_before_it_ends(clock: Clock, lasts: float, used: float) -> None:
    identity = Identity(clock, lasts)
    signer = Signer("container", AzureCredentials("account", "https://host", identity=identity), url="az://container")
    for _ in range(3):
        query, headers = signer.signature()
        assert (query, headers["Authorization"]) == ("", "Bearer token-1")
        assert headers["x-ms-date"].endswith("GMT")
    clock.now += used - 2
    assert signer.signature()[1]["Authorization"] == "Bearer token-1"
    clock.now += 4
    assert signer.signature()[1]["Authorization"] == "Bearer token-2"
    assert identity.asked == 2


def test_an_identity_that_finds_nothing_is_denied() -> None:
    def get_token(_: str) -> None:
        raise ClientAuthenticationError("secret words of the library")

    credentials = AzureCredentials("account", "https://host", identity=SimpleNamespace(get_token=get_token))
    with pytest.raises(Denied) as caught:
        Signer("container", credentials, url="az://container").signature()
    assert "secret" not in str(caught.value)


@pytest.fixture
def reader(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureBackend]:
    """Open a container with a token that may only read and list."""
    for name, value in azurite.reader_env("READ_").items():
        monkeypatch.setenv(name, value)
    backend = open_azure(Location(f"az://{container}", credentials="env:READ_"), 10.0)
    yield backend
    backend.close()


def test_a_readers_token_reads_and_does_not_write(reader: AzureBackend, azurite: Azurite, container: str) -> None:
    azurite.client.get_blob_client(container, "key").upload_blob(b"data")
    assert bytes(reader.get("key").data) == b"data"
    assert [stat.key for stat in reader.list()] == ["key"]
    assert list(reader.unfinished()) == []
    for write in (lambda: reader.put("key", b""), lambda: reader.delete("key"), lambda: reader.begin("key").part(0, b"x")):
        with pytest.raises(Denied):
            write()


def test_an_access_token_is_sent_in_a_header_and_never_in_a_url(clock: Clock) -> None:
    standing = {"ETag": '"1"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}

    def answer(asked: Asked) -> Says:
        return Says(200, standing, b"data") if asked.headers.get("authorization") == "Bearer token-1" else Says(401, {})

    with Answering(answer) as host:
        credentials = AzureCredentials("account", host.endpoint, identity=Identity(clock, 3_600))
        backend = AzureBackend(Location("az://container"), credentials, bound=5.0)
        assert bytes(backend.get("key").data) == b"data"
        assert host.asked[0].target == "/container/key"
        backend.close()
