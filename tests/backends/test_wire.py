"""Requests over connections that are kept: what is sent, when it ends, and which connections serve again."""

import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from portable.backends.target import target_of
from portable.backends.transport import Transport
from portable.backends.wire import Answer, Wire, allowance
from portable.errors import ConfigurationError, Denied, Unavailable
from tests.backends.answering import Answering, Asked, Says


def echo(asked: Asked) -> Says:
    return Says(200, {"X-Method": asked.method, "X-Target": asked.target}, asked.body)


@pytest.fixture
def host() -> Iterator[Answering]:
    """A host that sends back what it got."""
    with Answering(echo) as host:
        yield host


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Direct connections."""
    wire = Wire(Transport(), url="az://container")
    yield wire
    wire.close()


def send(wire: Wire, target: str, body: bytes | None = None, method: str = "PUT", **options: float | None) -> Answer:
    given = {"seconds": 10.0, **options}
    return wire.send(method, target_of(target), {"name": "value"}, body, operation="put", key="key", **given)  # type: ignore[arg-type]


@contextmanager
def scripted(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """Run `serve` on each connection, in a thread of its own; gives the endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                serve(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(5)
                    connections.append(connection)
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Write a file of the authority."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return str(tmp_path / "authority.pem")


def over_tls(authority: trustme.CA, serve: Callable[[ssl.SSLSocket], object]) -> Callable[[socket.socket], object]:
    """Return what runs `serve` behind TLS, with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def secured(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as over:
            serve(over)

    return secured


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 5_000_000])
def test_what_is_sent_arrives_and_what_is_answered_comes_back(wire: Wire, host: Answering, size: int) -> None:
    body = os.urandom(size)
    for data in (body, bytearray(body), memoryview(body)):
        answer = send(wire, f"{host.endpoint}/a%20b?c=d", data)
        assert (answer.status, bytes(answer.body)) == (200, body)
        assert answer.headers["x-target"] == "/a%20b?c=d"
        assert host.asked[-1].headers["name"] == "value"
        assert host.asked[-1].headers["content-length"] == str(size)
        assert f"http://{host.asked[-1].headers['host']}" == host.endpoint


def test_a_request_without_a_body_has_no_length(wire: Wire, host: Answering) -> None:
    send(wire, host.endpoint + "/a", method="GET")
    assert "content-length" not in host.asked[-1].headers
    assert send(wire, host.endpoint + "/a", method="HEAD").body == b""


def test_a_connection_serves_again(wire: Wire, host: Answering) -> None:
    for _ in range(5):
        send(wire, host.endpoint + "/a", b"data")
    assert host.connections == 1


def test_threads_have_connections_of_their_own(wire: Wire, host: Answering) -> None:
    def one(number: int) -> bool:
        body = b"%d" % number * 1_000
        return bytes(send(wire, host.endpoint + "/a", body).body) == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(100)))
    assert host.connections <= 8


def test_a_connection_that_the_host_closed_is_not_used(wire: Wire) -> None:
    def one_each(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with scripted(one_each) as endpoint:
        for _ in range(3):
            assert send(wire, endpoint + "/").status == 200
            time.sleep(0.05)


@pytest.mark.parametrize("says", [b"connection: close\r\n", b"keep-alive: timeout=1\r\n"])
def test_a_connection_that_the_host_will_close_is_not_used(wire: Wire, says: bytes) -> None:
    connections = []

    def forever(connection: socket.socket) -> None:
        connections.append(connection)
        while connection.recv(65_536):
            connection.sendall(b"HTTP/1.1 200 OK\r\n%scontent-length: 0\r\n\r\n" % says)

    with scripted(forever) as endpoint:
        for _ in range(3):
            send(wire, endpoint + "/")
        assert len(connections) == 3
        wire.close()


def test_what_came_unasked_is_not_taken_for_an_answer(wire: Wire) -> None:
    def twice(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nplanted")

    with scripted(twice) as endpoint:
        for _ in range(2):
            assert bytes(send(wire, endpoint + "/").body) == b"1"


def test_what_came_unasked_in_one_record_of_tls_is_not_taken_for_an_answer(authority: trustme.CA, bundle: str) -> None:
    def twice(connection: ssl.SSLSocket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        time.sleep(0.05)  # so that the body is received where it belongs, and not with the head
        connection.sendall(b"1" * 1_000 + b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nplanted")
        connection.recv(65_536)

    wire = Wire(Transport(ca_bundle=bundle), url="az://container")
    with scripted(over_tls(authority, twice)) as endpoint:
        for _ in range(2):
            assert bytes(send(wire, endpoint.replace("http:", "https:") + "/").body) == b"1" * 1_000
    wire.close()


def test_a_connection_over_tls_serves_again(authority: trustme.CA, bundle: str) -> None:
    connections = []

    def forever(connection: ssl.SSLSocket) -> None:
        connections.append(connection)
        while connection.recv(65_536):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + bytes(100_000))

    wire = Wire(Transport(ca_bundle=bundle), url="az://container")
    with scripted(over_tls(authority, forever)) as endpoint:
        for _ in range(5):
            assert bytes(send(wire, endpoint.replace("http:", "https:") + "/").body) == bytes(100_000)
        assert len(connections) == 1
        wire.close()


def test_an_early_refusal_is_heard(wire: Wire) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 403 No\r\nx-ms-error-code: AuthenticationFailed\r\ncontent-length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass

    with scripted(refuse) as endpoint:
        assert send(wire, endpoint + "/", bytes(8 << 20)).status == 403
        wire.close()


def test_nothing_is_sent_twice(wire: Wire) -> None:
    seen = []

    def cut(connection: socket.socket) -> None:
        seen.append(connection.recv(65_536))

    with scripted(cut) as endpoint:
        with pytest.raises(Unavailable, match="put 'key' in az://container: the connection was cut"):
            send(wire, endpoint + "/")
        assert len(seen) == 1


@pytest.mark.parametrize("trickle", [0.0, 0.05])
def test_a_request_ends_in_its_time(wire: Wire, trickle: float) -> None:
    done = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while trickle and not done.wait(trickle):
            connection.sendall(b"x")
        done.wait(5)

    with scripted(slow) as endpoint:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            send(wire, endpoint + "/", seconds=0.4)
        assert time.monotonic() - began < 0.8
        done.set()


def test_a_host_that_takes_no_bytes_is_given_up(wire: Wire) -> None:
    done = threading.Event()
    with scripted(lambda _: done.wait(5)) as endpoint:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            send(wire, endpoint + "/", bytes(64 << 20), seconds=0.4)
        assert time.monotonic() - began < 0.8
        done.set()


def test_a_stall_ends_a_request_and_a_flow_does_not(wire: Wire) -> None:
    def flow(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.05)
            connection.sendall(b"x")
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        connection.recv(65_536)

    with scripted(flow) as endpoint:
        assert bytes(send(wire, endpoint + "/", stall=0.25).body) == b"x" * 10
        with pytest.raises(Unavailable, match="timed out"):
            send(wire, endpoint + "/", stall=0.25)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_head_of_an_answer_does_not_come_a_byte_at_a_time(wire: Wire, method: str) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(65_536)
        for byte in b"HTTP/1.1 200 OK\r\nname: " + b"a" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with scripted(trickle) as endpoint:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            send(wire, endpoint + "/", method=method, stall=0.25)
        assert time.monotonic() - began < 0.6


def test_only_what_has_a_body_to_come_may_outlast_its_bound() -> None:
    assert allowance("GET", 20.0) == (3600.0, 5.0)
    assert allowance("HEAD", 20.0) == (20.0, 5.0)
    for method in ("PUT", "POST", "DELETE"):
        assert allowance(method, 20.0) == (20.0, 20.0)


def test_an_interrupted_request_leaves_no_connection_behind(
    wire: Wire, host: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(wire, host.endpoint + "/a", b"first")
    from portable.backends.wire_connection import Connection

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "receive", interrupt)
        with pytest.raises(KeyboardInterrupt):
            send(wire, host.endpoint + "/a", b"second")
    assert bytes(send(wire, host.endpoint + "/a", b"third").body) == b"third"
    assert host.connections == 2


def test_a_body_beyond_its_room_is_refused(wire: Wire, host: Answering) -> None:
    with pytest.raises(Unavailable, match="over 10 bytes"):
        send(wire, host.endpoint + "/a", bytes(11), room=10)
    assert bytes(send(wire, host.endpoint + "/a", bytes(10), room=10).body) == bytes(10)


def test_a_forked_process_makes_connections_of_its_own(wire: Wire, host: Answering) -> None:
    send(wire, host.endpoint + "/a", b"parent")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if bytes(send(wire, host.endpoint + "/a", b"child").body) == b"child" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bytes(send(wire, host.endpoint + "/a", b"parent again").body) == b"parent again"
    assert host.connections == 2


def test_no_thread_of_a_forked_process_takes_a_connection_of_the_parent(
    wire: Wire, host: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portable.backends.wire_connection import Connection

    send(wire, host.endpoint + "/a", b"parent")
    child = os.fork()
    if child == 0:
        try:
            closed, close = threading.Event(), Connection.close

            def slowly(connection: Connection) -> None:
                closed.wait(0.3)  # the other thread comes meanwhile
                close(connection)

            monkeypatch.setattr(Connection, "close", slowly)
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda body: bytes(send(wire, host.endpoint + "/a", body).body), (b"1", b"2")))
            os._exit(0 if answers == [b"1", b"2"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bytes(send(wire, host.endpoint + "/a", b"parent again").body) == b"parent again"
    assert host.connections == 3


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_process_that_is_forked_while_a_thread_holds_a_lock_goes_on(wire: Wire, host: Answering, scheme: str) -> None:
    held = (wire._lock if scheme == "http" else wire._route._lock).own  # a fork cannot be timed otherwise
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            taken.set()
            done.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(5)
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        try:
            with suppress(Unavailable):  # of a host that knows no TLS
                send(wire, host.endpoint.replace("http:", f"{scheme}:") + "/a", b"child")
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    done.set()
    holder.join()


def test_a_closed_wire_keeps_no_connections(host: Answering) -> None:
    wire = Wire(Transport(), url="az://container")
    send(wire, host.endpoint + "/a")
    wire.close()
    send(wire, host.endpoint + "/a")
    send(wire, host.endpoint + "/a")
    assert host.connections == 3


def test_a_header_that_cannot_be_sent_is_refused_before_anything_is_sent(wire: Wire, host: Answering) -> None:
    with pytest.raises(ConfigurationError, match="put 'key' in az://container"):
        wire.send("PUT", target_of(host.endpoint + "/"), {"name": "a\r\nother: b"}, None, seconds=1, operation="put", key="key")
    assert host.connections == 0


def test_a_proxy_is_asked_for_the_whole_url(host: Answering) -> None:
    wire = Wire(Transport(proxy=host.endpoint.replace("http://", "http://us%40er:secret@")), url="az://container")
    answer = send(wire, "http://somewhere.invalid:8080/a?b")
    assert answer.headers["x-target"] == "http://somewhere.invalid:8080/a?b"
    assert host.asked[-1].headers["host"] == "somewhere.invalid:8080"
    assert host.asked[-1].headers["proxy-authorization"] == "Basic dXNAZXI6c2VjcmV0"
    wire.close()


@pytest.mark.parametrize(("status", "refusal"), [(407, Denied), (502, Unavailable)])
def test_a_tunnel_is_asked_for_and_its_refusal_told(status: int, refusal: type[Exception]) -> None:
    seen = []

    def refuse(connection: socket.socket) -> None:
        seen.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)

    with scripted(refuse) as endpoint:
        wire = Wire(Transport(proxy=endpoint), url="az://container")
        with pytest.raises(refusal, match=r"az://container.*the proxy"):
            send(wire, "https://somewhere.invalid/a")
    assert seen[0].startswith(b"CONNECT somewhere.invalid:443 HTTP/1.1\r\nHost: somewhere.invalid:443\r\n")


def test_a_proxy_behind_tls_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="proxy"):
        Wire(Transport(proxy="https://user:secret@proxy:1"), url="az://container")


def test_a_certificate_is_checked_with_the_authorities_that_were_named(authority: trustme.CA, bundle: str) -> None:
    def ok(connection: ssl.SSLSocket) -> None:
        while connection.recv(65_536):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    with scripted(over_tls(authority, ok)) as endpoint:
        target = endpoint.replace("http:", "https:") + "/a"
        stranger = Wire(Transport(), url="az://container")
        with pytest.raises(ConfigurationError, match="certificate is not trusted"):
            send(stranger, target)
        trusting = Wire(Transport(ca_bundle=bundle), url="az://container")
        for _ in range(2):
            assert bytes(send(trusting, target, b"body").body) == b"ok"
        with pytest.raises(ConfigurationError, match="certificate is not trusted"):
            send(trusting, target.replace("127.0.0.1", "localhost"))
        trusting.close()
