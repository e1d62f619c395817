"""Hosts that ask for fewer requests: what they ask for is honoured, and ends."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from portable.backends.protocol import Backend
from portable.backends.repetition import BUDGET
from portable.errors import Throttled, Unavailable
from tests.backends.faults.conftest import BOUND, Host, within
from tests.servers.faults import Exchange, Status

BODY = b"body " * 1000


def commit(backend: Backend) -> None:
    upload = backend.begin("key")
    upload.part(0, BODY)
    upload.commit()


CALLS: dict[str, Callable[[Backend], object]] = {
    "put": lambda backend: backend.put("key", BODY),
    "get": lambda backend: backend.get("key"),
    "stat": lambda backend: backend.stat("key"),
    "delete": lambda backend: backend.delete("key"),
    "part": commit,
    "commit": commit,
    "list": lambda backend: list(backend.list()),
}
UNSEEN = {("s3", "put"), ("s3", "get"), ("s3", "stat"), ("s3", "delete"), ("azure", "get"), ("azure", "stat")}
"""Calls whose client hides the headers of an answer: there Retry-After cannot be honoured, and full jitter does instead."""


def pauses(exchanges: list[Exchange]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(exchanges)]


@pytest.mark.parametrize(("request_kind", "status"), [*((call, 503) for call in CALLS), ("part", 429)])
def test_a_host_that_says_when_to_come_back_is_left_alone_until_then(host: Host, request_kind: str, status: int) -> None:
    host.direct.put("key", BODY)
    host.fail(request_kind, Status(status, "ServerBusy", {"Retry-After": "1"}), times=1)
    CALLS[request_kind](host.open(bound=6.0))
    first, *later = pauses(host.sent(request_kind))
    if (host.kind, request_kind) not in UNSEEN:
        assert first >= 1.0
    assert later == []


def test_a_storm_that_does_not_end_is_throttled_within_the_bound(host: Host) -> None:
    host.fail("put", Status(503, "SlowDown"))
    with within(BOUND), pytest.raises(Throttled):
        host.open().put("key", BODY)
    assert 2 <= len(host.sent("put")) <= 30


def test_a_pause_longer_than_the_bound_is_told_to_the_caller(host: Host) -> None:
    host.fail("part", Status(503, "ServerBusy", {"Retry-After": "60"}))
    with within(BOUND), pytest.raises(Throttled) as caught:
        CALLS["part"](host.open())
    assert caught.value.retry_after == 60
    assert len(host.sent("part")) == 1


def test_many_callers_share_a_budget_of_repetitions(host: Host) -> None:
    """A host that is down is not hit by every caller's every attempt."""
    host.fail("put", Status(503, "SlowDown"))
    backend, callers = host.open(), 40

    def call(_: int) -> None:
        with pytest.raises(Unavailable):
            backend.put("key", b"")

    with within(BOUND), ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    assert len(host.sent("put")) <= callers + BUDGET
