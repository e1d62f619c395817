"""A caller's buffer is its own again as soon as the call ends, however it ends: what is put there next never reaches a host."""

import hashlib
import random
import threading

import pytest

from portable.backends import parts
from portable.errors import Unavailable
from tests.backends.faults.conftest import Host
from tests.servers.faults import CutRequest, Exchange, HoldUpload, LoseResponse, Status

LENGTH = 12 << 20
"""Bytes: more than the sockets between client and proxy hold."""
POISON = b"\xee"


@pytest.fixture(scope="module")
def original() -> bytes:
    return random.Random(1).randbytes(LENGTH)


def assert_clean(exchanges: list[Exchange], original: bytes) -> None:
    """Check that every body that was sent is the original, or cut from it."""
    assert exchanges
    for exchange in exchanges:
        assert exchange.body_sha256 == hashlib.sha256(original[: exchange.length]).hexdigest(), exchange.length


@pytest.mark.parametrize("call", ["put", "part"])
def test_nothing_is_read_after_a_call_timed_out(
    host: Host, call: str, original: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SLOWEST", 1 << 30)  # a part has its time by its length, which is long to wait for
    released = threading.Event()
    host.fail(call, HoldUpload(200_000, released))
    backend, buffer = host.open(bound=1.0), bytearray(original)
    upload = backend.begin("key") if call == "part" else None
    with pytest.raises(Unavailable):
        backend.put("key", buffer) if upload is None else upload.part(0, buffer)
    buffer[:] = POISON * LENGTH
    released.set()
    exchanges = host.sent(call)
    assert_clean(exchanges, original)
    assert all(exchange.length < LENGTH for exchange in exchanges)


@pytest.mark.parametrize("call", ["put", "part"])
@pytest.mark.parametrize("fault", [CutRequest(1_000_000), LoseResponse(), Status(503, "SlowDown")], ids=str)
def test_a_repeated_body_is_the_same(host: Host, call: str, fault: object, original: bytes) -> None:
    host.fail(call, fault, times=2)
    body = original[: 2 << 20]
    backend, buffer = host.open(bound=30.0), bytearray(body)
    if call == "put":
        backend.put("key", buffer)
        buffer[:] = POISON * len(body)
    else:
        upload = backend.begin("key")
        upload.part(0, buffer)
        buffer[:] = POISON * len(body)
        upload.commit()
    assert_clean(host.sent(call), body)
    assert len(host.sent(call)) == 3
    assert bytes(host.direct.get("key").data) == body


def test_a_pool_of_buffers_can_be_used_at_once_again(host: Host) -> None:
    """Buffers that are written again the moment that a call ended, by several threads, under faults."""
    size = 1 << 20
    backend = host.open(bound=30.0)
    for number in range(20):  # every second request
        fault = [CutRequest(300_000), LoseResponse(), Status(500, "InternalError")][number % 3]
        host.fail("part", fault, skip=number + 1, times=1)
    upload = backend.begin("key")

    def stage(worker: int) -> None:
        buffer = bytearray(size)
        for number in range(worker * 6, worker * 6 + 6):
            buffer[:] = bytes([number]) * size
            upload.part(number, buffer)

    threads = [threading.Thread(target=stage, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clean = {hashlib.sha256(bytes([number]) * size).hexdigest() for number in range(24)}
    sent = [exchange for exchange in host.sent("part") if exchange.length == size]
    assert {exchange.body_sha256 for exchange in sent} == clean
