"""Names are resolved within the time of the request, and every address of a name is tried."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from portable.backends.resolving import connected
from portable.backends.target import target_of
from portable.backends.transport import Transport
from portable.backends.wire import Wire
from portable.errors import Unavailable


@pytest.fixture
def port() -> Iterator[int]:
    """Listen on a port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    real = socket.getaddrinfo

    def resolved(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        if host != "name.invalid":
            return real(host, port, *arguments, **named)
        return [found for address in addresses for found in real(address, port, *arguments, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def test_every_address_of_a_name_is_tried(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with connected("name.invalid", port, 5.0) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
    with connected("127.0.0.1", port, 5.0) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)


def test_an_address_that_does_not_answer_leaves_the_next_ones_their_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.1")
    real, given = socket.create_connection, list[float]()

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        given.append(timeout)
        if address[0] != "127.0.0.1":
            time.sleep(timeout)
            raise TimeoutError
        return real(address, timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    with connected("name.invalid", port, 0.9) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
    assert given == pytest.approx([0.3, 0.3, 0.3], rel=0.3)
    with connected("127.0.0.1", port, 0.9):
        assert given[3:] == pytest.approx([0.9], rel=0.1)


def test_the_last_refusal_is_told(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2")
    with pytest.raises(ConnectionRefusedError):
        connected("name.invalid", port, 5.0)
    resolve_to(monkeypatch)
    with pytest.raises(OSError, match="no address"):
        connected("name.invalid", port, 5.0)


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(socket.gaierror):
        connected("nothing.invalid", 80, 20.0)
    with pytest.raises(UnicodeError):
        connected(f"{'a' * 70}.invalid", 80, 20.0)


def test_a_process_that_may_start_no_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuses)
    with pytest.raises(OSError, match="cannot be resolved: can't start new thread"):
        connected("name.invalid", 80, 5.0)
    with pytest.raises(Unavailable, match="get 'key' in s3://bucket"):
        send(Wire(Transport(), url="s3://bucket"))


def send(wire: Wire) -> None:
    wire.send("GET", target_of("http://name.invalid/key"), {}, seconds=1.0, operation="get", key="key")


def test_a_resolver_that_does_not_answer_ends_no_request_late(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def waits(*_: Any, **__: Any) -> Any:
        answers.wait(30)
        raise socket.gaierror("nothing")

    monkeypatch.setattr(socket, "getaddrinfo", waits)
    wire, begun = Wire(Transport(), url="s3://bucket"), time.monotonic()
    with pytest.raises(Unavailable, match="timed out"):
        send(wire)
    assert time.monotonic() - begun < 5
    answers.set()
    for thread in threading.enumerate():
        if thread.name == "resolve name.invalid":
            thread.join()
