"""How long calls are repeated, how often, and what ends them."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from portable.backends.protocol import ABSENT
from portable.backends.repetition import Budget
from portable.backends.retrying import RetryingBackend
from portable.errors import AlreadyExists, Cancelled, ConfigurationError, OutcomeUnknown, Throttled, Unavailable
from tests.backends.faulty import URL, Fault, FaultyHost, retrying, times

FAILED = Fault(lambda: Unavailable("HTTP 500"))
LOST = Fault(lambda: Unavailable("connection reset"), takes_effect=True)


def slow(seconds: float, fault: Fault = FAILED) -> Fault:
    def error() -> BaseException:
        time.sleep(seconds)
        return fault.error()

    return Fault(error, takes_effect=fault.takes_effect)


@contextmanager
def taking(least: float, most: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert least <= time.monotonic() - begun < most


def test_a_call_ends_within_its_bound_however_slow_each_attempt_is() -> None:
    host = FaultyHost(*times(100, slow(0.2)), bound=0.2)
    with taking(0.4, 0.65), pytest.raises(Unavailable):
        retrying(host, bound=0.6, pause=0.01).put("key", b"")
    assert len(host.calls) in (2, 3)


def test_attempts_of_an_unavailable_host_grow_apart() -> None:
    host = FaultyHost(*times(1000, FAILED), bound=0.1)
    with taking(0.05, 0.6), pytest.raises(Unavailable):
        retrying(host, bound=0.5, pause=0.02).get("key")
    assert 3 <= len(host.calls) <= 40


def test_no_look_is_taken_that_might_end_late() -> None:
    host = FaultyHost(LOST, slow(0.3, Fault(lambda: AlreadyExists("stands there"))), bound=0.4)
    with pytest.raises(OutcomeUnknown, match="no time"):
        retrying(host, bound=0.6).put("key", b"", expect=ABSENT)
    assert host.calls == ["put", "put"]


def test_an_attempt_that_may_outlast_the_bound_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="bound"):
        RetryingBackend(FaultyHost(bound=2.0), url=URL, bound=1.0)


def test_the_host_is_left_alone_for_as_long_as_it_asks() -> None:
    host = FaultyHost(Fault(lambda: Throttled("slow down", 0.3)))
    with taking(0.3, 2.0):
        retrying(host).put("key", b"")


def test_a_host_that_asks_for_more_time_than_there_is_ends_the_call_at_once() -> None:
    host = FaultyHost(Fault(lambda: Throttled("slow down", 29.5)))
    with taking(0.0, 1.0), pytest.raises(Throttled) as caught:
        retrying(host).put("key", b"")
    assert caught.value.retry_after == 29.5
    assert host.calls == ["put"]


def test_many_threads_do_not_hammer_a_host_that_fails() -> None:
    host = FaultyHost(*times(100_000, FAILED))
    backend = RetryingBackend(host, url=URL, bound=30.0, pause=0.0, budget=Budget(20))

    def read(_: int) -> None:
        with pytest.raises(Unavailable):
            backend.get("key")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(read, range(64)))
    assert len(host.calls) == 64 + 20


def test_successes_earn_repetitions() -> None:
    budget = Budget(2)
    host = FaultyHost(FAILED, FAILED, FAILED)
    backend = RetryingBackend(host, url=URL, bound=30.0, pause=0.0, budget=budget)
    with pytest.raises(Unavailable):
        backend.put("key", b"")
    assert budget.tokens == 0
    for _ in range(2):
        backend.put("key", b"")
    assert budget.tokens == 1
    host.faults = [FAILED]
    backend.put("key", b"")
    for _ in range(10):
        backend.put("key", b"")
    assert budget.tokens == 2


def test_a_repetition_that_time_does_not_allow_takes_nothing_from_the_budget() -> None:
    budget = Budget(2)
    host = FaultyHost(Fault(lambda: Throttled("slow down", 100.0)))
    with pytest.raises(Throttled):
        RetryingBackend(host, url=URL, bound=30.0, budget=budget).get("key")
    assert budget.tokens == 2


def test_closing_ends_every_wait() -> None:
    waiting = threading.Barrier(5)

    def throttled() -> BaseException:
        waiting.wait(5)
        return Throttled("slow down", 20.0)

    host = FaultyHost(*times(4, Fault(throttled)))
    backend = retrying(host)

    def write(number: int) -> None:
        with pytest.raises(Cancelled, match=URL):
            backend.put(f"{number}", b"")

    with taking(0.0, 5.0), ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write, number) for number in range(4)]
        waiting.wait(5)
        backend.close()
        for each in writes:
            each.result(5)
    assert host.closed
    assert host.calls == ["put"] * 4


def test_an_interrupt_ends_a_call_and_leaves_the_backend_usable() -> None:
    host = FaultyHost(FAILED, Fault(KeyboardInterrupt))
    backend = retrying(host)
    with pytest.raises(KeyboardInterrupt):
        backend.put("key", b"data")
    assert host.calls == ["put", "put"]
    assert backend.put("key", b"data", expect=ABSENT).size == 4


def test_an_interrupt_ends_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    host = FaultyHost(Fault(lambda: Throttled("slow down", 20.0)))
    backend = retrying(host)

    def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, taking(0.0, 1.0):
        patched.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backend.put("key", b"data")
    assert host.calls == ["put"]
    assert backend.put("key", b"data", expect=ABSENT).size == 4


def test_an_interrupted_listing_can_be_begun_again() -> None:
    host = FaultyHost(Fault(KeyboardInterrupt))
    backend = retrying(host)
    with pytest.raises(KeyboardInterrupt):
        list(backend.list())
    assert list(backend.list()) == []
