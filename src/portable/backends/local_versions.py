"""The version of a file, told by what the file system keeps of it.

An ETag holds inode, size, mtime and ctime. Nobody can set a ctime, so a write in place shows in it, also one that leaves the
size alone and sets mtime back. But the clock that stamps ctimes may stand still for a while: on Linux before 6.13 for one tick
of the kernel (1 to 10 ms), and on some file systems for a second. Two changes within that time carry one stamp. So an ETag is
handed out only when that moment is over. What is promised: a write in place that begins after an ETag was handed out changes
it. That holds on a file system whose stamps come from this machine's clock, unless that clock is set back, and for writes by
system calls: what is written through a memory map shows when the kernel notices it.

The versions that this package writes differ besides in their mtimes, in nanoseconds.
"""

import os
import sys
import time
from datetime import UTC, datetime
from typing import Final

from portable.backends.protocol import Attributes, Stat

_CLOCK: Final = 5 if sys.platform == "linux" else time.CLOCK_REALTIME
"""CLOCK_REALTIME_COARSE (linux/time.h): what stamps files, so a ctime is never ahead of it but where stamps are finer."""
_SECOND: Final = 1_000_000_000
_PAUSE: Final = 0.001
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""The times a file may have go far beyond those of `datetime`. A day is left, so that these can be told in every zone."""


def described(key: str, found: os.stat_result, details: dict[str, str] | None = None) -> Stat:
    """Describe a file, not before its last change is over: this may take a tick of the kernel's clock."""
    _wait_past(found.st_ctime_ns)
    etag = f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}"'
    return Stat(key, found.st_size, moment(found.st_mtime), etag, Attributes(), details or {})


def moment(seconds: float) -> datetime:
    """Return a time since 1970 in UTC; one that no `datetime` holds becomes about the first or the last."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return _LAST if seconds > 0 else _FIRST


def stamp(descriptor: int) -> None:
    """Set a file's mtime to now, in nanoseconds: inodes are used again, and a tick is long."""
    now = time.time_ns()
    os.utime(descriptor, ns=(now, now))


def _wait_past(changed: int) -> None:
    # A stamp of whole seconds is one of a file system that keeps no more, or else one in a billion.
    granule = _SECOND if changed % _SECOND == 0 else 1
    while _now() // granule == changed // granule:
        time.sleep(_PAUSE)


def _now() -> int:
    return time.clock_gettime_ns(_CLOCK)
