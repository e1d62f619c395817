"""Which process an object was made in, so that a forked child does not use what belongs to its parent.

A child has copies of its parent's connections, which would mix the answers to both, and of its locks, which a thread that the
child does not have may hold for ever. So whatever holds connections is refused there, before it is touched, and a lock of what
is not refused is a `ForkSafeLock`.
"""

import os
import threading
from typing import Final
from weakref import WeakSet

from portable.errors import ForkedProcess


class _Forks:
    """How many forks lie between the first process and this one."""

    passed = 0


class ForkSafeLock:
    """Holds a lock that is new in a forked child: what another thread of the parent held there, nobody would ever release.

    What it guards must be fit for use at every moment between two statements, since a child may be forked at any. Not to be
    held by the thread that forks.
    """

    __slots__ = ("__weakref__", "own")

    def __init__(self) -> None:
        # The lock itself is what a `with` statement takes: an interrupt between taking and guarding would leave it taken.
        self.own = threading.Lock()
        _LOCKS.add(self)

    def renew(self) -> None:
        """Replace what the parent may hold. Called in a child, before anything else runs there."""
        self.own = threading.Lock()


_LOCKS: Final[WeakSet[ForkSafeLock]] = WeakSet()


def _forked() -> None:
    _Forks.passed += 1
    for lock in _LOCKS:
        lock.renew()


os.register_at_fork(after_in_child=_forked)


class Birthplace:
    """The process that made an object. A check costs the comparison of two numbers, and no call of the system."""

    __slots__ = ("_passed",)

    def __init__(self) -> None:
        self._passed: Final = _Forks.passed

    @property
    def left(self) -> bool:
        """Whether this process was forked since."""
        return self._passed != _Forks.passed

    def check(self, what: object) -> None:
        """Raise ForkedProcess, which names `what` the object is, if this process was forked since."""
        if self._passed != _Forks.passed:
            raise ForkedProcess(
                f"{what} was opened before this process was forked, and cannot be used in it: start processes by "
                "multiprocessing's 'spawn' or 'forkserver', or open it anew here"
            )
