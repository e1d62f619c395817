"""The budget of requests: how many a second a host is asked, by a clock of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.pacing import BURST, Pace, Turns
from portable.backends.protocol import ANY
from portable.backends.repetition import Budget, Repetition
from portable.backends.retry_rules import rule
from portable.backends.traits import Contract, Rates
from portable.backends.wire import Answer
from portable.errors import Throttled
from tests.backends.s3_opening import Place
from tests.servers import SeaweedFS
from tests.servers.fault_proxy import FaultProxy


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def paced(rates: Rates, clock: Clock, most: float = 10.0) -> Pace:
    return Pace(rates, url="s3://lake", most=most, now=clock, sleep=clock.sleep)


@given(st.floats(0.5, 500), st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_no_second_has_more_requests_than_the_rate_and_one_burst(rate: float, idle: list[float]) -> None:
    turns, now, sent = Turns(rate), 50.0, list[float]()
    for seconds in idle:
        now += seconds
        due = now + turns.wait(now)
        turns.take(now)
        sent.append(due)
    for first in sent:
        within = sum(first <= moment < first + 1 for moment in sent)
        assert within <= rate * (1 + BURST) + 1.001


@given(st.integers(1, 100))
def test_a_steady_caller_gets_the_whole_rate(rate: int) -> None:
    clock = Clock()
    pace = paced(Rates(writes=rate), clock)
    for _ in range(10 * rate):
        pace("put", "key", reads=False)
    assert clock.now - 100.0 <= 10


def test_reads_and_writes_have_budgets_of_their_own() -> None:
    clock = Clock()
    pace = paced(Rates(writes=1), clock)
    for _ in range(1000):
        pace("get", "key", reads=True)
    assert clock.now == 100.0
    for _ in range(3):
        pace("put", "key", reads=False)
    assert clock.now == pytest.approx(102.0)


def test_a_turn_that_is_too_far_away_is_not_waited_for_and_nothing_is_taken() -> None:
    clock = Clock()
    pace = paced(Rates(reads=1), clock, most=2.0)
    for _ in range(3):
        pace("get", "key", reads=True)
    clock.now = 100.0  # as if all had asked at once
    with pytest.raises(Throttled, match=r"get 'key' in s3://lake.*budget") as refused:
        pace("get", "key", reads=True)
    assert refused.value.retry_after == pytest.approx(1.0)
    clock.now += 1.0
    pace("get", "key", reads=True)
    assert clock.now == pytest.approx(103.0)


def test_a_request_that_was_not_let_through_is_repeated_when_it_may() -> None:
    clock = Clock()
    pace = paced(Rates(writes=1), clock, most=0.0)
    repeat = Repetition(attempt=1.0, bound=60.0, pause=0.001, budget=Budget(), url="s3://lake")
    pace("put", "key", reads=False)
    slept = list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.sleep(seconds)

    repeat._sleep = sleep  # type: ignore[assignment]  # by the test's clock
    repeat(rule("put", ANY), lambda _: pace("put", "key", reads=False))
    assert slept[0] >= 1.0


@pytest.fixture
def limited(seaweedfs: SeaweedFS, bucket: str) -> Iterator[tuple[FaultProxy, Place]]:
    with FaultProxy(seaweedfs.endpoint) as proxy:
        yield proxy, Place(seaweedfs, bucket, "seaweedfs")


def test_every_request_of_a_store_is_counted_those_of_boto3_too(limited: tuple[FaultProxy, Place]) -> None:
    proxy, place = limited
    contract = Contract(rates=Rates(reads=10, writes=10))
    with place.open(endpoint=proxy.endpoint, contract=contract) as backend:
        for number in range(14):
            backend.put(f"{number}", b"")
        for _ in range(7):
            assert sum(1 for _ in backend.list()) == 14
            list(backend.unfinished())  # by boto3
    for method in ("PUT", "GET"):
        at = sorted(exchange.at for exchange in proxy.seen(method))
        assert len(at) == 14
        assert at[-1] - at[0] >= (14 - 10) / 10 - 0.15, method  # the first has a connection to wait for


def test_the_wait_is_a_part_of_the_time_of_a_request(
    limited: tuple[FaultProxy, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place = limited
    with place.open(bound=8.0, contract=Contract(rates=Rates(reads=10, writes=10))) as backend:
        wire, sent = backend._wire._wire, list[float]()
        send = wire.send

        def noted(*given: Any, **named: Any) -> Answer:
            sent.append(named["seconds"])
            return send(*given, **named)

        monkeypatch.setattr(wire, "send", noted)
        monkeypatch.setattr(backend._wire, "_pace", lambda *_, **__: 1.5)
        backend.put("key", b"")
        assert sent == [8.0 - 1.5]
        timeouts = backend._client().meta.config
        assert timeouts.connect_timeout + timeouts.read_timeout == 8.0 - 8.0 / 4
