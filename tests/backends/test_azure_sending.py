"""How requests go out to Azure: each once, within its time, with what the store was opened with."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portable.backends import azure_listing, azure_wire
from portable.backends.azure import AzureBackend, open_azure
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Matches
from portable.errors import Denied, NotFound, PreconditionFailed, Throttled, Unavailable
from tests.backends.answering import Answering, Asked, Says
from tests.servers import Azurite

STANDING = {"ETag": '"1"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AzureBackend]]:
    """Open a store at an endpoint, with a token that was given."""
    monkeypatch.setenv("OURS_AZURE_STORAGE_ACCOUNT", "account")
    monkeypatch.setenv("OURS_AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=a-secret")
    backends = []

    def make(endpoint: str, bound: float = 5.0, **variables: str) -> AzureBackend:
        for name, value in variables.items():
            monkeypatch.setenv(f"OURS_{name}", value)
        backends.append(open_azure(Location("az://container", endpoint=endpoint, credentials="env:OURS_"), bound))
        return backends[-1]

    yield make
    for backend in backends:
        backend.close()


def everything(backend: AzureBackend) -> dict[str, Callable[[], object]]:
    """Every call that sends one request."""
    return {
        "get": lambda: backend.get("key"),
        "get a range": lambda: backend.get("key", 1, 2),
        "get an awkward key": lambda: backend.get("a//b/"),
        "stat": lambda: backend.stat("key"),
        "put": lambda: backend.put("key", b"data"),
        "create": lambda: backend.put("key", b"data", expect=ABSENT),
        "replace": lambda: backend.put("key", b"data", expect=Matches('"1"')),
        "delete": lambda: backend.delete("key"),
        "list": lambda: list(backend.list()),
        "unfinished": lambda: list(backend.unfinished()),
        "part": lambda: backend.begin("key").part(0, b"data"),
        "staged": lambda: backend.begin("key").staged(),
        "resume": lambda: backend.resume("key", "0" * 32),
        "tier": lambda: backend.features.tier("key"),
        "snapshots": lambda: backend.features.snapshots("key"),
        "tags": lambda: backend.features.tags("key"),
        "set tags": lambda: backend.features.set_tags("key", {}),
        "lease": lambda: backend.features.lease("key").__enter__(),
    }


CALLS = list(everything(None))  # type: ignore[arg-type]  # for the names alone


@pytest.mark.parametrize("call", CALLS)
def test_a_failing_host_is_asked_once(opened: Callable[..., AzureBackend], call: str) -> None:
    with Answering(lambda _: Says(503, {"x-ms-error-code": "InternalError"})) as host:
        with pytest.raises(Unavailable) as caught:
            everything(opened(host.endpoint))[call]()
        assert len(host.asked) == 1
        assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("call", CALLS)
def test_a_throttling_host_is_asked_once_and_its_wish_told(opened: Callable[..., AzureBackend], call: str) -> None:
    with Answering(lambda _: Says(503, {"x-ms-error-code": "ServerBusy", "Retry-After": "7"})) as host:
        with pytest.raises(Throttled) as caught:
            everything(opened(host.endpoint))[call]()
        assert caught.value.retry_after == 7
        assert len(host.asked) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_cut_connection_is_not_tried_again(opened: Callable[..., AzureBackend], call: str) -> None:
    with Answering(lambda _: Says(200, {"Content-Length": "5", "Connection": "close", **STANDING})) as host:
        if call not in ("stat", "tier"):  # a head has no body that could be cut
            with pytest.raises((Unavailable, Denied)):
                everything(opened(host.endpoint))[call]()
            assert len(host.asked) == 1


@pytest.mark.parametrize("call", [call for call in CALLS if "lease" not in call])
def test_a_silent_host_is_given_up_within_the_bound(opened: Callable[..., AzureBackend], call: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        backend = opened(f"http://127.0.0.1:{silent.getsockname()[1]}", bound=0.6)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            everything(backend)[call]()
        assert time.monotonic() - began < 0.6 + 0.4


@pytest.mark.parametrize("call", CALLS)
def test_a_stores_proxy_is_used_for_every_request(opened: Callable[..., AzureBackend], call: str) -> None:
    with Answering(lambda _: Says(403, {"x-ms-error-code": "AuthorizationFailure"})) as proxy:
        backend = opened("http://account.invalid", PROXY=proxy.endpoint)
        with pytest.raises(Denied):
            everything(backend)[call]()
        assert [asked.target.startswith("http://account.invalid/container") for asked in proxy.asked] == [True]


def test_a_general_proxy_is_not_used_where_a_store_asks_for_none(
    opened: Callable[..., AzureBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Answering(lambda _: Says(403, {})) as host:
        backend = opened(host.endpoint, PROXY="none")
        for call in ("get", "tier"):
            with pytest.raises(Denied):
                everything(backend)[call]()
        assert len(host.asked) == 2


def test_a_refusal_is_understood_also_where_the_range_is_shorter_than_it(opened: Callable[..., AzureBackend]) -> None:
    with Answering(lambda _: Says(404, {"x-ms-error-code": "BlobNotFound"}, b"<Error/>" * 100)) as host:
        backend = opened(host.endpoint)
        with pytest.raises(NotFound):
            backend.get("key", 0, 1)
        with pytest.raises(PreconditionFailed):
            backend.get("key", 0, 1, if_match='"1"')
        backend.delete("key")
    with Answering(lambda _: Says(404, {"x-ms-error-code": "ContainerNotFound"})) as host, pytest.raises(NotFound):
        opened(host.endpoint).delete("key")


def test_another_version_than_was_asked_for_is_refused_also_where_the_host_ignores_the_condition(
    opened: Callable[..., AzureBackend],
) -> None:
    with Answering(lambda _: Says(200, STANDING, b"data")) as host:
        backend = opened(host.endpoint)
        assert bytes(backend.get("key", if_match='"1"').data) == b"data"
        for start, stop in ((0, None), (0, 0)):  # nothing is asked of an empty range but the version
            with pytest.raises(PreconditionFailed, match=r"get|stat"):
                backend.get("key", start, stop, if_match='"2"')


@pytest.mark.parametrize("call", ["get", "stat", "put"])
@pytest.mark.parametrize("told", [{"ETag": ""}, {"ETag": None}, {"Last-Modified": "yesterday"}])
def test_an_answer_that_does_not_tell_the_version_is_not_understood(
    opened: Callable[..., AzureBackend], call: str, told: dict[str, str | None]
) -> None:
    headers = {name: value for name, value in {**STANDING, **told}.items() if value is not None}
    with Answering(lambda asked: Says(201 if asked.method == "PUT" else 200, headers)) as host:
        with pytest.raises(Unavailable, match="cannot be understood"):
            everything(opened(host.endpoint))[call]()
        assert len(host.asked) == 1


@pytest.mark.parametrize("call", ["put", "delete", "part"])
def test_a_refusal_that_does_not_end_is_cut_off(opened: Callable[..., AzureBackend], call: str) -> None:
    with Answering(lambda _: Says(500, {}, bytes(200 << 10))) as host, pytest.raises(Unavailable, match="over 65536 bytes"):
        everything(opened(host.endpoint))[call]()


@pytest.mark.parametrize("call", ["list", "unfinished", "staged"])
def test_a_page_that_does_not_end_is_cut_off(
    opened: Callable[..., AzureBackend], call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_wire, "PAGE_ROOM", 100 << 10)
    with Answering(lambda _: Says(200, {}, bytes(200 << 10))) as host, pytest.raises(Unavailable, match="over 102400 bytes"):
        everything(opened(host.endpoint))[call]()


def listing(names: list[str], marker: str = "") -> Says:
    blobs = "".join(
        f"<Blob><Name Encoded='true'>{name}</Name><Properties><Last-Modified>{STANDING['Last-Modified']}</Last-Modified>"
        f"<Etag>1</Etag><Content-Length>1</Content-Length></Properties></Blob>"
        for name in names
    )
    body = f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    return Says(200, {"Content-Type": "application/xml"}, body.encode())


def test_a_listing_that_never_ends_is_stopped(opened: Callable[..., AzureBackend]) -> None:
    with Answering(lambda _: listing(["a"], "again")) as host:
        with pytest.raises(Unavailable, match="repeats"):
            list(opened(host.endpoint).list())
        assert len(host.asked) == 2


def test_a_name_that_is_no_xml_hides_no_other(opened: Callable[..., AzureBackend]) -> None:
    names = ["%01", "a%0Ab", "a%2F%2Fb", "%EF%BF%BF", "plain"]
    with Answering(lambda _: listing(names)) as host:
        assert [stat.key for stat in opened(host.endpoint).list()] == ["\x01", "a\nb", "a//b", "\uffff", "plain"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'<?xml version="1.0" encoding="none"?><html/>',
        b"<html/>",
        listing(["a"]).body.replace(b"h>1<", b"h>-1<"),
    ],
)
def test_an_answer_that_is_no_listing_is_no_answer(opened: Callable[..., AzureBackend], body: bytes) -> None:
    with Answering(lambda _: Says(200, {}, body)) as host, pytest.raises(Unavailable, match="no listing"):
        list(opened(host.endpoint).list())


def test_pages_come_in_the_order_of_utf_16(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_listing, "PAGE_SIZE", 2)
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_azure(Location(f"az://{container}", credentials="env:TEST_"), 20.0)
    names = ["\uff5e", "😀", "a", "é", "z"]
    for name in names:
        backend.put(name, b"")
    assert [stat.key for stat in backend.list()] == sorted(names, key=lambda name: name.encode("utf-16-be"))
    backend.close()


def test_a_request_names_its_version_and_carries_the_token(opened: Callable[..., AzureBackend]) -> None:
    def answer(asked: Asked) -> Says:
        return Says(201, STANDING)

    with Answering(answer) as host:
        opened(host.endpoint).put("a b", b"data", expect=ABSENT)
        asked: Any = host.asked[0]
        assert asked.target == "/container/a%20b?sv=1&sig=a-secret"
        assert asked.headers["x-ms-version"] == "2023-11-03"
        assert asked.headers["x-ms-blob-type"] == "BlockBlob"
        assert asked.headers["if-none-match"] == "*"


def test_a_page_that_was_lost_is_asked_for_again_by_who_goes_on(opened: Callable[..., AzureBackend]) -> None:
    pages = [listing(["a"], "1"), Says(503, {}), listing(["b"])]
    with Answering(lambda _: pages.pop(0)) as host:
        entries = opened(host.endpoint).list()
        assert next(entries).key == "a"
        with pytest.raises(Unavailable):
            next(entries)
        assert [stat.key for stat in entries] == ["b"]
        assert [("marker=1" in asked.target) for asked in host.asked] == [False, True, True]
