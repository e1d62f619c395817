"""Sends the parts of one upload: several at once from threads of its own, or one after another from the caller's thread.

A part lies in a buffer. The buffer is filled again only when the host has what was in it: when `Upload.part` has returned. The
first part that fails ends the rest; whoever is the last to touch the upload then aborts it.
"""

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from portable.backends.protocol import Upload
from portable.errors import Cancelled, PortableError
from portable.forks import Birthplace

_GRACE: Final = 0.5
"""Seconds that a program which is to end waits at most for parts on their way."""
_PATIENCE: Final = 2.0
"""Seconds that the end of the process waits at most for uploads that nobody finished to be aborted."""


class Sender(Protocol):
    """Takes the parts of one upload, which begins with the first of them. Used from one thread at a time."""

    def buffer(self, room: int) -> memoryview:
        """Return at least `room` bytes in which no part lies that is still to be sent; wait for one.

        Raises: what `Upload.part` raised for an earlier part.
        """

    def send(self, number: int, part: memoryview) -> None:
        """Send part `number`, which lies at the front of what `buffer` gave, and is left alone until `buffer` gives it again.

        Raises: what `Backend.begin` raises, and what `Upload.part` raised for this part or an earlier one.
        """

    def finish(self) -> Upload:
        """Return the upload when all parts that were sent are at the host. Raises: what `Upload.part` raised for one."""

    def discard(self) -> None:
        """Let the parts on their way arrive, send no others, and abort the upload. What fails in that leaves it unfinished."""

    def stop(self) -> None:
        """Do as `discard` does, but wait only a moment for parts on their way: the program is to end."""

    def abandon(self) -> None:
        """Have the upload discarded, and wait for nothing: safe in a destructor."""


class InTurn:
    """Sends each part before the next is made, from the caller's thread: all lie in one buffer."""

    def __init__(self, begin: Callable[[], Upload]) -> None:
        self._begin = begin
        self._upload: Upload | None = None
        self._buffer = bytearray()

    def buffer(self, room: int) -> memoryview:
        """See `Sender.buffer`."""
        if len(self._buffer) < room:
            self._buffer = bytearray(room)
        return memoryview(self._buffer)

    def send(self, number: int, part: memoryview) -> None:
        """See `Sender.send`."""
        if self._upload is None:
            self._upload = self._begin()
        self._upload.part(number, part)

    def finish(self) -> Upload:
        """See `Sender.finish`."""
        if self._upload is None:
            raise RuntimeError("an upload without a part cannot be finished")
        return self._upload

    def discard(self) -> None:
        """See `Sender.discard`."""
        if self._upload is not None:
            _abort(self._upload)

    def stop(self) -> None:
        """See `Sender.stop`: none is on its way."""
        self.discard()

    def abandon(self) -> None:
        """See `Sender.abandon`. Its caller is never gone while a part is on its way."""


class AtOnce:
    """Sends up to `parallel` parts at once, each from a thread of its own, while the caller fills one buffer more.

    The threads have ended when `finish` or `discard` returns, and soon after `abandon`.
    """

    def __init__(self, begin: Callable[[], Upload], parallel: int) -> None:
        self._begin, self._parallel = begin, parallel
        self._line: _Line | None = None
        self._buffer = bytearray()
        self._buffers = 0
        self._sent = 0

    def buffer(self, room: int) -> memoryview:
        """See `Sender.buffer`."""
        free = self._free()
        self._buffer = free if len(free) >= room else bytearray(room)
        return memoryview(self._buffer)

    def send(self, number: int, part: memoryview) -> None:
        """See `Sender.send`."""
        if self._line is None:
            self._line = _Line(self._begin())
        self._line.check()
        if self._sent < self._parallel:
            self._line.hire()
        self._line.parts.put((number, part, self._buffer))
        self._sent += 1

    def finish(self) -> Upload:
        """See `Sender.finish`."""
        if self._line is None:
            raise RuntimeError("an upload without a part cannot be finished")
        self._line.end()
        self._line.wait()
        self._line.check()
        return self._line.upload

    def discard(self) -> None:
        """See `Sender.discard`."""
        if self._line is not None:
            self._line.drop()
            self._line.wait()

    def stop(self) -> None:
        """See `Sender.stop`: what takes longer is aborted by the threads, or left to the end of the process."""
        if self._line is not None:
            self._line.drop()
            self._line.wait(time.monotonic() + _GRACE)

    def abandon(self) -> None:
        """See `Sender.abandon`."""
        if self._line is not None:
            self._line.drop()

    def _free(self) -> bytearray:
        """Return a buffer that is free, a new and empty one where there may be more of them; wait for one otherwise."""
        if self._line is not None:
            self._line.check()
            with contextlib.suppress(Empty):
                return self._line.free.get_nowait()
        if self._line is None or self._buffers <= self._parallel:
            self._buffers += 1
            return bytearray()
        found = self._line.free.get()
        self._line.check()
        return found


class _Line:
    """An upload and the threads that send its parts. It knows nothing of its caller, who may be gone before they are.

    Each thread ends when it takes the None that `end` puts behind the last part. The last one to end aborts the upload, if a
    part failed or the upload was dropped.
    """

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.parts: SimpleQueue[tuple[int, memoryview, bytearray] | None] = SimpleQueue()
        self.free: SimpleQueue[bytearray] = SimpleQueue()
        self._failure: BaseException | None = None
        self._dropped = False
        self._aborted = False
        self._threads: list[threading.Thread] = []
        self._at_work = 0
        self._born = Birthplace()
        # Reentrant, because a destructor may drop this upload in whatever thread the garbage is collected.
        self._lock = threading.RLock()

    def hire(self) -> None:
        """Start one thread more; go on with fewer where the system gives none. Raises: RuntimeError (it gives no first one)."""
        thread = threading.Thread(target=self._work, name="portable-part", daemon=True)
        with self._lock:
            self._at_work += 1
        _lines.add(self)
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._at_work -= 1
            if not self._threads:
                raise
            return
        self._threads.append(thread)

    def check(self) -> None:
        """Raise what a part failed with, if one did."""
        if self._failure is not None:
            raise self._failure
        if self._dropped:
            raise Cancelled("the process ended, or the file was discarded, before all of the object was written: nothing was")

    def end(self) -> None:
        """Take no more parts."""
        self.parts.put(None)

    def drop(self) -> None:
        """Send no more parts, and have the upload aborted by the last thread. Waits for nothing.

        Does nothing in a forked child: the threads, and the upload, are its parent's.
        """
        if self._born.left:
            return
        with self._lock:
            self._dropped = True
        self.end()

    def wait(self, give_up: float | None = None) -> None:
        """Wait until the threads have ended, or the monotonic clock shows `give_up`; abort the upload if no thread did."""
        if self._born.left:
            return
        for thread in self._threads:
            thread.join(None if give_up is None else max(0.0, give_up - time.monotonic()))
        self._abort_if_last()

    def _work(self) -> None:
        while (task := self.parts.get()) is not None:
            number, part, buffer = task
            if self._failure is None and not self._dropped:
                try:
                    self.upload.part(number, part)
                except BaseException as error:  # noqa: BLE001 - raised in the thread of the caller, by `check`
                    self._failure = error
            self.free.put(buffer)
        self.end()  # for the other threads
        with self._lock:
            self._at_work -= 1
        self._abort_if_last()

    def _abort_if_last(self) -> None:
        with self._lock:
            if self._at_work:
                return
            aborts = (self._dropped or self._failure is not None) and not self._aborted
            self._aborted = self._aborted or aborts
        if aborts:
            _abort(self.upload)
        _lines.discard(self)


_lines: set[_Line] = set()
"""Uploads with threads at work."""


@atexit.register
def _drop_what_is_left() -> None:
    """Have what was never finished aborted before the process ends, which ends the threads wherever they are."""
    left, give_up = tuple(_lines), time.monotonic() + _PATIENCE
    for line in left:
        line.drop()
    for line in left:
        line.wait(give_up)


def _abort(upload: Upload) -> None:
    # What led here is the news, and a failing abort must not hide it: the upload is left unfinished.
    with contextlib.suppress(PortableError):
        upload.abort()
