"""Works through items of the journal: threads do the work, one coordinator makes what they report durable.

A result counts only once it is recorded. When a run ends early, for whatever reason, what has started is waited for and
recorded, and what has not started stays as it was.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from migrate.executors import Threads
from migrate.trouble import Trouble
from portable.errors import Denied, UnlockFailed

WORKERS: Final = 8
"""Threads, where nothing else is asked for."""
RECORD_COUNT: Final = 100
RECORD_SECONDS: Final = 0.25
"""Results are recorded once there are so many, or the oldest has waited so long."""

PATIENCE: Final = 20
"""Objects in a row with such trouble after which the rest is not tried."""
AT_ONCE: Final = (Denied, UnlockFailed)
"""Trouble at the target that ends a run in which nothing has succeeded yet without waiting for more of it."""


class Result(Protocol):
    """What became of one item."""

    @property
    def trouble(self) -> Trouble | None:
        """Why it failed, where that may concern more than this object."""


T = TypeVar("T")
R = TypeVar("R", bound=Result)


def work_through(
    items: Iterator[T],
    work: Callable[[T], R | None],
    record: Callable[[Sequence[R]], None],
    *,
    workers: int,
    abandon: threading.Event,
    stop: threading.Event | None = None,
) -> bool:
    """Run `work` over the items in `workers` threads and `record` their results in batches; return False if `stop` ended it.

    `record` runs in this thread; results are lost only if it raises. `work` returns None for an item that it leaves as it is.
    `abandon` is set when the run ends, so that work under way can end too.

    Raises: what `work` and `record` raise, and what hosts answered when it seems to concern every object.
    """
    threads: Threads[T, R | None] = Threads(work, workers=workers)
    batch = _Batch(record)
    patience = _Patience()
    try:
        while not (stop is not None and stop.is_set()) and threads.feed(items):
            results = [result for result in threads.gather(RECORD_SECONDS) if result is not None]
            batch.add(results)
            batch.record_if_due()
            patience.judge(results)
    finally:
        abandon.set()
        batch.add([result for result in threads.drain() if result is not None])
        batch.record()
    return not (stop is not None and stop.is_set())


class _Batch(Generic[R]):
    """Results that wait to be recorded together."""

    def __init__(self, record: Callable[[Sequence[R]], None]) -> None:
        self._record = record
        self._waiting: list[R] = []
        self._since = 0.0

    def add(self, results: Sequence[R]) -> None:
        if results and not self._waiting:
            self._since = time.monotonic()
        self._waiting += results

    def record_if_due(self) -> None:
        if len(self._waiting) >= RECORD_COUNT or (self._waiting and time.monotonic() - self._since >= RECORD_SECONDS):
            self.record()

    def record(self) -> None:
        if self._waiting:
            # Kept until it is recorded: an interrupt within leads here a second time, and recording again changes nothing.
            self._record(self._waiting)
            self._waiting = []


class _Patience:
    """Tells objects that a host refuses one by one from a host that refuses them all."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._succeeded = False

    def judge(self, results: Sequence[Result]) -> None:
        """Raise what the host answered once it seems to concern every object."""
        for trouble in (result.trouble for result in results):
            if trouble is None:
                self._in_a_row = 0
                self._succeeded = True
                continue
            self._in_a_row += 1
            at_once = trouble.side == "target" and isinstance(trouble.error, AT_ONCE) and not self._succeeded
            if at_once or self._in_a_row >= PATIENCE:
                raise type(trouble.error)(f"stopped, because the {trouble.side} seems to refuse every object: {trouble.error}")
