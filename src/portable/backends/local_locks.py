"""Locks on open files and folders (`flock`), waited for until a moment: no write lands when nobody waits for it any more."""

import errno
import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from portable.clock import boottime

ALONE: Final = fcntl.LOCK_EX
SHARED: Final = fcntl.LOCK_SH
_PAUSE: Final = 0.002
"""Seconds between two attempts."""
_LATE: Final = (errno.ETIMEDOUT, "other writers or a slow disk took all of its time; nothing was written")


@contextmanager
def held(descriptor: int, lock: int, until: float) -> Iterator[None]:
    """Hold a lock, `ALONE` or `SHARED`, on what is open. Raises: TimeoutError (see `check_time`), OSError (no locks there)."""
    while True:
        try:
            fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            check_time(until)
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        # Closing is not enough: a process that was forked meanwhile has the descriptor too, and would go on holding the lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def turn(threads: threading.Lock, until: float) -> Iterator[None]:
    """Hold a lock of this process's own, for which its threads wait without asking again and again. Raises: TimeoutError."""
    if not threads.acquire(timeout=max(until - boottime(), 0.0)):
        raise TimeoutError(*_LATE)
    try:
        yield
    finally:
        threads.release()


def check_time(until: float) -> None:
    """Raise TimeoutError once the clock of `boottime` shows `until`."""
    if boottime() >= until:
        raise TimeoutError(*_LATE)
