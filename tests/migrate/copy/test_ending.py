"""How a run ends: at its end, early because a host refuses everything, or because somebody stops it."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import _base as futures
from dataclasses import dataclass

import pytest

from migrate.copy import copy_objects
from migrate.executors.threads import WINDOW, Threads
from migrate.receipts import PATIENCE, work_through
from migrate.states import Sum
from migrate.trouble import ATTEMPTS
from portable.errors import Denied, Unavailable
from tests.migrate.copy.places import Exchange, Verb


@dataclass(frozen=True)
class Squared:
    number: int
    trouble: None = None


def test_a_bounded_number_of_items_is_in_flight() -> None:
    taken, finished, most, lock = 0, 0, 0, threading.Lock()

    def items():
        nonlocal taken, most
        for number in range(1_000):
            with lock:
                taken += 1
                most = max(most, taken - finished)
            yield number

    def work(number: int) -> Squared:
        nonlocal finished
        with lock:
            finished += 1
        return Squared(number**2)

    recorded: list[int] = []
    done = work_through(
        items(),
        work,
        lambda results: recorded.extend(result.number for result in results),
        workers=3,
        abandon=threading.Event(),
    )
    assert done
    assert sorted(recorded) == [number**2 for number in range(1_000)]
    assert most <= 3 * WINDOW + 1


def test_what_work_raises_ends_the_run_after_everything_done_is_recorded() -> None:
    recorded: list[int] = []

    def work(number: int) -> Squared:
        if number == 50:
            raise ZeroDivisionError
        return Squared(number)

    abandon = threading.Event()
    with pytest.raises(ZeroDivisionError):
        work_through(
            iter(range(1_000)), work, lambda results: recorded.extend(r.number for r in results), workers=1, abandon=abandon
        )
    assert set(range(50)) <= set(recorded)
    assert len(recorded) < 100
    assert abandon.is_set()


def test_an_interrupt_while_recording_loses_no_result() -> None:
    recorded: list[int] = []

    def record(results: Sequence[Squared]) -> None:
        if not recorded:
            recorded.append(-1)
            raise KeyboardInterrupt
        recorded.extend(result.number for result in results)

    with pytest.raises(KeyboardInterrupt):
        work_through(iter(range(1_000)), Squared, record, workers=2, abandon=threading.Event())
    assert {0, 1, 2, 3} <= set(recorded)


def test_results_are_recorded_soon_even_when_they_come_slowly() -> None:
    started = time.monotonic()
    times: list[float] = []

    def work(number: int) -> Squared:
        time.sleep(0.2)
        return Squared(number)

    work_through(iter(range(5)), work, lambda _: times.append(time.monotonic() - started), workers=1, abandon=threading.Event())
    assert times[0] < 0.8
    assert len(times) >= 2


def test_draining_drops_what_has_not_started() -> None:
    gate = threading.Event()
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        gate.wait(10)
        return number

    threads = Threads(work, workers=1)
    assert threads.feed(iter(range(10)))
    while not started:
        time.sleep(0.001)
    gate.set()
    assert sorted(threads.drain()) == started
    assert threads.drain() == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_while_results_are_gathered_loses_none_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    interrupts = iter([KeyboardInterrupt])

    class Interrupted(Future[int]):
        def exception(self, timeout: float | None = None) -> BaseException | None:
            if moment == "before" and (interrupt := next(interrupts, None)):
                raise interrupt
            error = super().exception(timeout)
            if interrupt := next(interrupts, None):
                raise interrupt
            return error

    monkeypatch.setattr(futures, "Future", Interrupted)
    threads = Threads(lambda number: number, workers=1)
    assert threads.feed(iter([7]))
    with pytest.raises(KeyboardInterrupt):
        threads.gather(10.0)
    assert threads.drain() == [7]


def test_an_outage_is_waited_out(exchange: Exchange) -> None:
    exchange.put("key", b"data")
    exchange.take_inventory()
    puts = Verb("put")
    puts.fail("key", *[Unavailable("503")] * (ATTEMPTS - 1))
    copy_objects(exchange.journal, exchange.source, exchange.meddled_target(puts))
    assert exchange.states() == {"key": "copied"}
    assert len(puts.keys) == ATTEMPTS


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_host_that_stays_away_ends_the_run_early(exchange: Exchange, side: str) -> None:
    keys = [f"{number:03}" for number in range(200)]
    for key in keys:
        exchange.put(key, b"data")
    exchange.take_inventory()
    away = Verb("get" if side == "source" else "put")
    away.fail_always(Unavailable("no answer"), *keys)
    source = exchange.meddled_source(away) if side == "source" else exchange.source
    target = exchange.meddled_target(away) if side == "target" else exchange.target
    with pytest.raises(Unavailable, match=f"the {side} seems to refuse every object: no answer"):
        copy_objects(exchange.journal, source, target, workers=2)
    states = list(exchange.states().values())
    assert PATIENCE <= states.count("failed") < 40
    assert states.count("failed") + states.count("pending") == 200
    assert exchange.journal.totals().reconciled


def test_a_target_that_denies_the_first_writes_ends_the_run_at_once(exchange: Exchange) -> None:
    keys = [f"{number:03}" for number in range(100)]
    for key in keys:
        exchange.put(key, b"data")
    exchange.take_inventory()
    puts = Verb("put")
    puts.fail_always(Denied("this credential may not write"), *keys)
    with pytest.raises(Denied, match="this credential may not write"):
        copy_objects(exchange.journal, exchange.source, exchange.meddled_target(puts), workers=1)
    assert list(exchange.states().values()).count("failed") <= WINDOW + 1


def test_a_target_that_denies_one_key_does_not_end_the_run(exchange: Exchange) -> None:
    for number in range(50):
        exchange.put(f"{number:02}", b"data")
    exchange.take_inventory()
    puts = Verb("put")
    puts.fail_always(Denied("locked"), "20", "21")
    summary = copy_objects(exchange.journal, exchange.source, exchange.meddled_target(puts), workers=1)
    assert (summary.copied.objects, summary.failed.objects) == (48, 2)


def test_refusals_between_successes_do_not_end_the_run(exchange: Exchange) -> None:
    keys = [f"{number:02}" for number in range(3 * PATIENCE)]
    for key in keys:
        exchange.put(key, b"data")
    exchange.take_inventory()
    gets = Verb("get")
    gets.fail_always(Denied("locked"), *keys[::2])
    summary = copy_objects(exchange.journal, exchange.meddled_source(gets), exchange.target, workers=1)
    assert summary.failed.objects == summary.copied.objects == len(keys) // 2


def test_stopping_keeps_every_receipt_and_leaves_the_rest_pending(exchange: Exchange) -> None:
    for number in range(300):
        exchange.put(f"{number}", b"data")
    exchange.take_inventory()
    stop = threading.Event()

    def stop_after_some(verb: str, key: str) -> None:
        if len(exchange.target_keys()) >= 30:
            stop.set()

    summary = copy_objects(exchange.journal, exchange.source, exchange.meddled_target(stop_after_some), workers=2, stop=stop)

    assert summary.stopped
    states = exchange.states()
    assert {key for key, state in states.items() if state == "copied"} == exchange.target_keys()
    assert 30 <= summary.copied.objects < 300
    assert set(states.values()) == {"copied", "pending"}

    assert not copy_objects(exchange.journal, exchange.source, exchange.target).stopped
    assert exchange.journal.totals().by_state["copied"] == Sum(300, 1_200)


def test_a_large_object_is_abandoned_between_two_parts_when_the_run_is_stopped(exchange: Exchange) -> None:
    exchange.put("key", bytes(40 << 20))
    exchange.take_inventory()
    stop = threading.Event()
    reads = []

    def stop_at_second_read(verb: str, key: str) -> None:
        reads.append(verb)
        if stop.is_set():
            time.sleep(0.6)
        stop.set()

    summary = copy_objects(exchange.journal, exchange.meddled_source(stop_at_second_read), exchange.target, stop=stop)
    assert summary.stopped
    assert len(reads) < 5, "of five parts"
    assert exchange.states() == {"key": "pending"}
    assert exchange.target_keys() == set()
