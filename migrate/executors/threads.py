"""Threads that work on items, a bounded number of them in flight."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WINDOW: Final = 4
"""Items in flight for each thread: enough that no thread waits while the coordinator writes."""


class Threads(Generic[T, R]):
    """Runs `work` over items in `workers` threads.

    For one coordinator, which hands out items and gathers results by turns; only `work` runs in the threads. What `work`
    raises ends the run: `feed` raises it, once everything that came before has been gathered. An interrupt of the coordinator
    leaves nothing that `drain` would wait for in vain.
    """

    def __init__(self, work: Callable[[T], R], *, workers: int) -> None:
        self._work = work
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="migrate")
        self._window = workers * WINDOW
        self._in_flight: dict[Future[R], None] = {}
        self._error: BaseException | None = None

    def feed(self, items: Iterator[T]) -> bool:
        """Take items and hand them out until the window is full; return whether any is in flight.

        Raises: what `work` raised.
        """
        if self._error is not None:
            raise self._error
        while len(self._in_flight) < self._window:
            try:
                item = next(items)
            except StopIteration:
                break
            self._in_flight[self._pool.submit(self._work, item)] = None
        return bool(self._in_flight)

    def gather(self, seconds: float) -> list[R]:
        """Return what is done, after waiting up to `seconds` for a first result."""
        results: list[R] = []
        # What was cancelled is done, and `wait` would not say so.
        done = {future for future in self._in_flight if future.done()} or wait(self._in_flight, seconds, FIRST_COMPLETED).done
        for future in done:
            if future.cancelled():
                continue
            if (error := future.exception()) is None:
                results.append(future.result())
            else:
                self._error = self._error or error
        # Last, so that what an interrupt leaves undone here is gathered again.
        self._in_flight = {future: None for future in self._in_flight if future not in done}
        return results

    def drain(self) -> list[R]:
        """End the run: drop what has not started, wait for what has, and return its results."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        results: list[R] = []
        while self._in_flight:
            results += self.gather(1.0)
        self._pool.shutdown()
        return results
