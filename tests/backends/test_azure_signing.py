"""What lets requests through at Azure, and when it is renewed."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import ClientAuthenticationError

from portable.backends.azure import AzureBackend, open_azure
from portable.backends.azure_signing import Signer
from portable.backends.credentials import AzureCredentials
from portable.backends.location import Location
from portable.backends.raw_azure import RawAzure
from portable.backends.wire import Answer
from portable.errors import ConfigurationError, Denied, Unavailable
from tests.filesystem.forking import in_child
from tests.servers import Azurite

KEY = "c2VjcmV0LWtleQ=="
SECONDS = 5.0
"""That a request may take."""


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        told = SimpleNamespace(time=lambda: self.now, monotonic=lambda: self.now)
        monkeypatch.setattr("portable.backends.azure_signing.time", told)


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
    first, headers, took = signer.signature(SECONDS)
    assert (headers, took) == ({}, 0.0)
    ends = datetime.fromisoformat(parse_qs(first)["se"][0]).timestamp()
    assert 7_190 < ends - clock.now <= 7_200
    assert "st" not in parse_qs(first)
    assert parse_qs(first)["sp"] == ["rcwdl"]
    clock.now += 3_590
    assert signer.signature(SECONDS)[0] == first
    clock.now += 20
    renewed, *_ = signer.signature(SECONDS)
    assert datetime.fromisoformat(parse_qs(renewed)["se"][0]).timestamp() > ends


def test_a_given_token_is_used_as_it_is(clock: Clock) -> None:
    signer = Signer("container", AzureCredentials("account", "http://host", sas="sv=1&sig=2"), url="az://container")
    clock.now += 1e9
    assert signer.signature(SECONDS) == ("sv=1&sig=2", {}, 0.0)


@pytest.mark.parametrize(("lasts", "used"), [(3_600, 3_300), (400, 200), (60, 30)])
def test_an_access_token_is_asked_for_again_before_it_ends(clock: Clock, lasts: float, used: float) -> None:
    identity = Identity(clock, lasts)
    signer = Signer("container", AzureCredentials("account", "https://host", identity=identity), url="az://container")
    for _ in range(3):
        query, headers, _ = signer.signature(SECONDS)
        assert (query, headers["Authorization"]) == ("", "Bearer token-1")
        assert headers["x-ms-date"].endswith("GMT")
    clock.now += used - 2
    assert signer.signature(SECONDS)[1]["Authorization"] == "Bearer token-1"
    clock.now += 4
    assert signer.signature(SECONDS)[1]["Authorization"] == "Bearer token-2"
    assert identity.asked == 2


def test_an_identity_that_finds_nothing_is_denied() -> None:
    def get_token(_: str) -> None:
        raise ClientAuthenticationError("secret words of the library")

    credentials = AzureCredentials("account", "https://host", identity=SimpleNamespace(get_token=get_token))
    with pytest.raises(Denied) as caught:
        Signer("container", credentials, url="az://container").signature(SECONDS)
    assert "secret" not in str(caught.value)


def test_an_access_token_is_never_sent_without_tls(clock: Clock) -> None:
    credentials = AzureCredentials("account", "http://127.0.0.1:1", identity=Identity(clock, 3_600))
    open_by: list[Callable[[], object]] = [
        lambda: AzureBackend(Location("az://container"), credentials, bound=5.0),
        lambda: RawAzure("container", credentials, url="az://container", allow=lambda: 5.0),
    ]
    for opening in open_by:
        with pytest.raises(ConfigurationError, match="TLS alone"):
            opening()


def test_a_key_that_is_not_base64_is_named_as_such_and_not_shown() -> None:
    credentials = AzureCredentials("account", "https://host", key="c2VjcmV0L")
    use_by: list[Callable[[], object]] = [
        lambda: Signer("container", credentials, url="az://container").signature(SECONDS),
        lambda: RawAzure("container", credentials, url="az://container", allow=lambda: 5.0),
    ]
    for using in use_by:
        with pytest.raises(ConfigurationError, match="AZURE_STORAGE_KEY") as caught:
            using()
        assert "c2VjcmV0L" not in str(caught.value)


class Slow(Identity):
    """An identity that takes its time: until a test lets it go on, or the whole `seconds` at once by the clock."""

    def __init__(self, clock: Clock, lasts: float, seconds: float = 0.0) -> None:
        super().__init__(clock, lasts)
        self.takes = seconds
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.let_go.set()

    def get_token(self, scope: str) -> SimpleNamespace:
        self.begun.set()
        assert self.let_go.wait(10)
        self._clock.now += self.takes
        return super().get_token(scope)


def signing_with(identity: Identity) -> Signer:
    return Signer("container", AzureCredentials("account", "https://host", identity=identity), url="az://container")


def test_the_time_that_a_token_takes_is_the_requests_own(clock: Clock) -> None:
    signer = signing_with(Slow(clock, 3_600, seconds=2.0))
    assert signer.signature(SECONDS)[2] == pytest.approx(2.0)
    assert signer.signature(SECONDS)[2] == 0.0


def test_nothing_is_sent_where_a_token_took_all_the_time_and_the_next_request_has_it(clock: Clock) -> None:
    identity = Slow(clock, 3_600, seconds=SECONDS)
    signer = signing_with(identity)
    with pytest.raises(Unavailable, match="in time"):
        signer.signature(SECONDS)
    assert signer.signature(SECONDS)[1]["Authorization"] == "Bearer token-1"
    assert identity.asked == 1


@pytest.mark.parametrize(("seconds", "left"), [(2.0, [3.0]), (5.0, [])])
def test_a_request_has_the_time_that_its_token_left_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds: float, left: list[float]
) -> None:
    given = []

    def send(*_: object, seconds: float, **__: object) -> Answer:
        given.append(seconds)
        return Answer(202, {}, b"")

    monkeypatch.setattr("portable.backends.wire.Wire.send", send)
    credentials = AzureCredentials("account", "https://host", identity=Slow(clock, 3_600, seconds))
    backend = AzureBackend(Location("az://container"), credentials, bound=5.0)
    with nullcontext() if left else pytest.raises(Unavailable, match="in time"):
        backend.delete("key")
    assert given == pytest.approx(left)


def test_while_one_thread_renews_the_others_go_on_with_a_token_that_is_valid(clock: Clock) -> None:
    identity = Slow(clock, 3_600)
    signer = signing_with(identity)
    signer.signature(SECONDS)
    clock.now += 3_400  # to be renewed, but not ended
    identity.begun.clear()
    identity.let_go.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(signer.signature, SECONDS)
        assert identity.begun.wait(10)
        assert signer.signature(SECONDS)[1]["Authorization"] == "Bearer token-1"
        identity.let_go.set()
        assert renewing.result()[1]["Authorization"] == "Bearer token-2"
    assert signer.signature(SECONDS)[1]["Authorization"] == "Bearer token-2"


def test_while_one_thread_gets_a_token_the_others_wait_no_longer_than_they_may(clock: Clock) -> None:
    identity = Slow(clock, 3_600)
    signer = signing_with(identity)
    identity.let_go.clear()
    with ThreadPoolExecutor(1) as pool:
        getting = pool.submit(signer.signature, SECONDS)
        assert identity.begun.wait(10)
        with pytest.raises(Unavailable, match="in time"):
            signer.signature(0.1)
        identity.let_go.set()
        assert getting.result()[1]["Authorization"] == "Bearer token-1"


def test_a_process_that_was_forked_while_a_thread_got_a_token_gets_its_own(clock: Clock) -> None:
    identity = Slow(clock, 3_600)
    signer = signing_with(identity)
    identity.let_go.clear()

    def act() -> str:
        # Its own, as the thread may hold the locks of these; and one for both, so that what has begun goes on.
        identity.begun = identity.let_go = threading.Event()
        return signer.signature(SECONDS)[1]["Authorization"]

    with ThreadPoolExecutor(1) as pool:
        getting = pool.submit(signer.signature, SECONDS)
        assert identity.begun.wait(10)
        assert in_child(act) == "Bearer token-1"
        identity.let_go.set()
        assert getting.result()[1]["Authorization"] == "Bearer token-1"


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
