"""The fault proxy, in front of a server of the standard library that keeps what it is sent."""

import gc
import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import (
    CutRequest,
    Fault,
    FlipRequest,
    FlipResponse,
    Latency,
    LoseResponse,
    Refuse,
    Reset,
    Rewrite,
    Rule,
    SlowBody,
    SlowUpload,
    Stall,
    Status,
    StoreNothing,
    Truncate,
)

BODY = bytes(range(256)) * 1024


class Keeper(ThreadingHTTPServer):
    """PUT keeps a body, GET gives it back."""

    daemon_threads = True

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *arguments: object) -> None:
        """Say nothing of connections that were cut."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Keeper

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        if len(taken := self.rfile.read(length)) == length:
            self.server.kept[self.path] = taken
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(self.server.kept.get(self.path, b""))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    with Keeper() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(keeper: Keeper) -> Iterator[FaultProxy]:
    with FaultProxy(f"http://127.0.0.1:{keeper.server_address[1]}/base") as opened:
        yield opened


def call(
    proxy: FaultProxy, method: str, path: str = "/a", data: bytes | None = None, seconds: float = 5.0
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=seconds)
    try:
        connection.request(method, path, data)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_a_rule_everything_passes(proxy: FaultProxy, keeper: Keeper) -> None:
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=5)
    for _ in range(3):
        connection.request("PUT", "/a", BODY)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert answer.headers["X-Host"] == urlsplit(proxy.endpoint).netloc
    connection.close()
    assert call(proxy, "GET") == (200, BODY)
    assert proxy.endpoint.endswith("/base")
    first, *_ = proxy.seen("PUT")
    assert (first.length, first.body_sha256, first.status) == (len(BODY), hashlib.sha256(BODY).hexdigest(), 200)


def test_a_rule_chooses_requests_and_is_used_up(proxy: FaultProxy) -> None:
    proxy.rules = [Rule(Status(503, "SlowDown", {"Retry-After": "1"}), method="GET", target=r"\?list", skip=1, times=2)]
    statuses = [call(proxy, "GET", path)[0] for path in ("/a", "/b?list", "/b?list", "/a", "/b?list", "/b?list")]
    assert statuses == [200, 200, 503, 200, 503, 200]


@pytest.mark.parametrize("fault", [Refuse(), LoseResponse(), CutRequest(1000)], ids=lambda fault: type(fault).__name__)
def test_a_reset_reaches_the_client(fault: Fault, proxy: FaultProxy, keeper: Keeper) -> None:
    keeper.kept["/a"] = b"before"
    proxy.rules = [Rule(fault)]
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)):
        call(proxy, "PUT", data=BODY)
    (exchange,) = proxy.seen()
    assert exchange.status is None
    assert (keeper.kept["/a"] == BODY) is isinstance(fault, LoseResponse)


@pytest.mark.parametrize("fault", [Reset(1000), Truncate(1000)])
def test_an_answer_is_cut(fault: Fault, proxy: FaultProxy, keeper: Keeper) -> None:
    keeper.kept["/a"] = BODY
    proxy.rules = [Rule(fault)]
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)) as caught:
        call(proxy, "GET")
    assert isinstance(caught.value, http.client.IncompleteRead) is isinstance(fault, Truncate)


@pytest.mark.parametrize("fault", [Stall(), Stall(1000), Latency(1.0)])
def test_an_answer_does_not_come(fault: Fault, proxy: FaultProxy, keeper: Keeper) -> None:
    keeper.kept["/a"] = BODY
    proxy.rules = [Rule(fault)]
    with pytest.raises(TimeoutError):
        call(proxy, "GET", seconds=0.2)
    proxy.wait_idle()


@pytest.mark.parametrize(("fault", "method"), [(SlowBody(len(BODY) * 2), "GET"), (SlowUpload(len(BODY) * 2), "PUT")])
def test_a_body_is_slow(fault: Fault, method: str, proxy: FaultProxy, keeper: Keeper) -> None:
    keeper.kept["/a"] = BODY
    proxy.rules = [Rule(fault)]
    began = time.monotonic()
    assert call(proxy, method, data=BODY if method == "PUT" else None)[0] == 200
    assert 0.4 < time.monotonic() - began < 2.0
    assert keeper.kept["/a"] == BODY


def test_one_bit_flips(proxy: FaultProxy, keeper: Keeper) -> None:
    flipped = BODY[:70000] + bytes([BODY[70000] ^ 1]) + BODY[70001:]
    proxy.rules = [Rule(FlipRequest(70000), method="PUT")]
    call(proxy, "PUT", data=BODY)
    assert keeper.kept["/a"] == flipped
    assert proxy.seen()[0].body_sha256 == hashlib.sha256(BODY).hexdigest()
    proxy.rules = [Rule(FlipResponse(70000))]
    assert call(proxy, "GET")[1] == BODY


def test_an_answer_is_made_up(proxy: FaultProxy, keeper: Keeper) -> None:
    proxy.rules = [Rule(StoreNothing(201), method="PUT"), Rule(Rewrite(lambda target, _: target.encode()), method="GET")]
    assert call(proxy, "PUT", data=BODY) == (201, b"")
    assert keeper.kept == {}
    assert call(proxy, "GET", "/b") == (200, b"/b")


@pytest.mark.parametrize("attempt", range(5))
def test_connections_that_come_as_the_proxy_closes_are_closed(keeper: Keeper, attempt: int) -> None:
    with FaultProxy(f"http://127.0.0.1:{keeper.server_address[1]}") as proxy:
        address = (urlsplit(proxy.endpoint).hostname, urlsplit(proxy.endpoint).port)
        clients = [socket.create_connection(address, timeout=5) for _ in range(20)]
    for client in clients:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        client.close()
    gc.collect()  # what was not closed warns, which is an error


def test_nothing_is_left_behind(keeper: Keeper) -> None:
    before = threading.active_count()
    with FaultProxy(f"http://127.0.0.1:{keeper.server_address[1]}") as proxy:
        proxy.rules = [Rule(Stall())]
        idle = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=5)
        idle.request("GET", "/a")
        address = urlsplit(proxy.endpoint)
    idle.close()
    assert threading.active_count() <= before + 1  # the server's own, of the connection
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(address.netloc, timeout=5).request("GET", "/a")
