"""Threads that work on items, a bounded number of them in flight."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

WINDOW: Final = 4
"""Items in flight for each thread: enough that no thread waits while the coordinator writes."""


class Threads(Generic[T, R]):
    """Runs `work` over items in `workers` threads.

    For one coordinator, which hands out items and gathers results by turns; only `work` runs in the threads. What `work`
    raises ends the run: `feed` raises it, once everything that came before has been gathered.
    """

    def __init__(self, work: Callable[[T], R], *, workers: int) -> None:
        self._work = work
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="migrate")
        self._window = workers * WINDOW
        self._done: SimpleQueue[Future[R]] = SimpleQueue()
        self._error: BaseException | None = None
        self.in_flight = 0

    def feed(self, items: Iterator[T]) -> bool:
        """Take items and hand them out until the window is full; return whether any is in flight.

        Raises: what `work` raised.
        """
        if self._error is not None:
            raise self._error
        while self.in_flight < self._window:
            try:
                item = next(items)
            except StopIteration:
                break
            self._pool.submit(self._work, item).add_done_callback(self._done.put)
            self.in_flight += 1
        return self.in_flight > 0

    def gather(self, seconds: float) -> list[R]:
        """Return what is done, after waiting up to `seconds` for a first result."""
        results: list[R] = []
        wait = True
        while self.in_flight:
            try:
                future = self._done.get(wait, seconds)
            except Empty:
                break
            wait = False
            self.in_flight -= 1
            try:
                results.append(future.result())
            except CancelledError:
                pass
            except BaseException as error:  # noqa: BLE001 - kept, and raised by the next `feed`
                self._error = self._error or error
        return results

    def drain(self) -> list[R]:
        """End the run: drop what has not started, wait for what has, and return its results."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        results: list[R] = []
        while self.in_flight:
            results += self.gather(1.0)
        self._pool.shutdown()
        return results
