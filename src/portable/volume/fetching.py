"""Threads in which one volume fetches and decrypts: the cipher and the network both leave the interpreter to others."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from portable.forks import Birthplace

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")

Task = Callable[[], None]


class Fetching:
    """Runs the tasks of a call side by side, at most `requests` at a time, of which the caller's thread does one.

    The threads are made when they are first needed, shared by the calls of a volume, and gone when `close` returns. Safe to use
    from several threads, and by a task: because a caller works on its own tasks, it never waits for a free thread.
    """

    def __init__(self, requests: int) -> None:
        self._helpers: Final = requests - 1
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._born = Birthplace()

    def __reduce__(self) -> NoReturn:
        raise TypeError("Fetching holds threads: it can be neither pickled nor copied")

    def run(self, tasks: Iterable[Task]) -> None:
        """Do all the tasks; a single one in the caller's thread.

        Raises: what the first task raised that failed. Then no other is begun, and those under way are not waited for.
        """
        batch = _Batch(tasks)
        helpers = [self._submit(batch.work) for _ in range(min(self._helpers, batch.waiting - 1))]
        try:
            batch.work()
            batch.wait()
        finally:
            batch.cancel()
            for helper in helpers:
                if helper is not None:
                    helper.cancel()

    def begin(self, task: Callable[[], T]) -> "Future[T] | None":
        """Begin a task in another thread, or return None where there is none: after `close`, or for one request at a time."""
        return self._submit(task) if self._helpers else None

    def stop(self) -> None:
        """Begin nothing any more; what is under way goes on. Does nothing in a forked process: the threads are its parent's."""
        if self._born.left:
            return
        with self._lock:
            self._closed = True
            executor = self._executor
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Begin nothing any more, and return when the threads have ended: at the latest when their requests time out."""
        self.stop()
        if self._executor is not None and not self._born.left:
            self._executor.shutdown()

    def _submit(self, task: Callable[[], T]) -> "Future[T] | None":
        self._born.check("a volume")
        with self._lock:
            if self._closed:
                return None
            if self._executor is None:
                # Here, because whoever reads one small object after another needs no thread, and does not wait for this.
                from concurrent.futures import ThreadPoolExecutor

                self._executor = ThreadPoolExecutor(self._helpers, thread_name_prefix="portable-read")
            try:
                return self._executor.submit(task)
            except RuntimeError:  # the interpreter ends: no thread can be made any more
                return None


class _Batch:
    """The tasks of one call, for whichever thread is free."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = deque(tasks)
        self._left = len(self._tasks)
        self._failure: BaseException | None = None
        self._changed = threading.Condition(threading.Lock())

    @property
    def waiting(self) -> int:
        """How many tasks nobody has begun."""
        return len(self._tasks)

    def work(self) -> None:
        """Do tasks until none is left to begin."""
        while True:
            try:
                task = self._tasks.popleft()
            except IndexError:
                return
            try:
                task()
            except BaseException as error:  # noqa: BLE001 -- raised again where the batch is waited for
                self._ended(error)
            else:
                self._ended(None)

    def wait(self) -> None:
        """Return when all tasks are done. Raises: what the first one raised that failed, at once."""
        with self._changed:
            while self._left and self._failure is None:
                self._changed.wait()
            failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # an error that holds the frame that holds it is not freed with its last user

    def cancel(self) -> None:
        """Let nobody begin another task."""
        self._tasks.clear()

    def _ended(self, failure: BaseException | None) -> None:
        with self._changed:
            self._left -= 1
            if failure is not None and self._failure is None:
                self._failure = failure
                self._tasks.clear()
            if not self._left or self._failure is not None:
                self._changed.notify_all()
