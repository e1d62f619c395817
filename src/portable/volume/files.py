"""An object as a Python binary file."""

import atexit
import io
import os
import threading
import time
from typing import Final

from typing_extensions import Buffer

from portable.forks import Birthplace
from portable.volume.fetching import Fetching
from portable.volume.info import ObjectInfo
from portable.volume.planning import Reading
from portable.volume.positions import Positions
from portable.volume.prefetching import Prefetching
from portable.volume.reading import Reader

_QUIET = 0.25
"""Seconds without a call from another thread, after which none is expected any more."""
_PATIENCE = 3.0
"""Seconds that the end of the process waits for that at most."""
_GRAIN: Final = 64 * 1024
"""Bytes that `read1` gives at most, where it is not said how many."""
_LINE: Final = 8 * 1024
"""Bytes in which the end of a line is looked for at a time."""


class _OtherThreads:
    """Holds the end of the process until threads of other libraries have let go of our files.

    pyarrow reads and closes Python files in threads of its own, and still closes some after it has given its result. Until
    Python 3.14, a thread that asks for the interpreter while it ends is unwound through C++ code, which aborts the process.
    """

    def __init__(self) -> None:
        self._last = 0.0
        atexit.register(self.wait)

    def seen(self) -> None:
        """Note a call, if it comes from another thread than the main one."""
        if threading.current_thread() is not threading.main_thread():
            self._last = time.monotonic()

    def wait(self) -> None:
        """Return once there was no such call for a while."""
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < min(self._last + _QUIET, give_up):
            time.sleep(_QUIET / 10)


_other_threads = _OtherThreads()


class ReadableObject(io.BufferedIOBase):
    """A reader as a seekable, buffered file. Each call is safe to make from any thread, but not from a forked process.

    A read from somewhere costs what it asks for, rounded up to frames. Once it is read from front to back, the next windows are
    fetched in advance. Threads that each seek and then read do not get into each other's way (see `Positions`).
    """

    mode: Final = "rb"

    def __init__(self, reader: Reader, fetching: Fetching, reading: Reading) -> None:
        super().__init__()
        self.info: Final[ObjectInfo] = reader.info
        self._reader = reader
        self._bytes = Prefetching(reader, fetching, reading)
        self._positions = Positions()
        self._ended = 0
        """Where the last read through `_bytes` ended; whoever reads elsewhere has jumped."""
        self._lock = threading.RLock()
        self._born = Birthplace()

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self.info.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        self._check_usable()
        return self._positions.here

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position in bytes; never waits for another thread. Raises: ValueError for one before the start."""
        self._check_usable()
        position = {os.SEEK_SET: 0, os.SEEK_CUR: self._positions.here, os.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise ValueError(f"cannot seek to {position}")
        self._positions.move(position)
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, or those up to the object's end; all of them without a size. Raises: as `Reader.read`."""
        self._check_usable()
        length = self.size if size is None or size < 0 else size
        own = self._positions.own()
        if own is not None and self._positions.contended:
            # Others have moved elsewhere: nobody reads from front to back, and each fetches by itself, at the same time.
            return self._ends(own, self._reader.read(own, max(own, min(own + length, self.size))))
        with self._lock:
            return self._moved(self._bytes.read(self._begin(own), length))

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, at least one unless the object ends: those at hand, else what one request gives."""
        self._check_usable()
        with self._lock:
            start = self._begin(self._positions.own())
            return self._moved(self._bytes.some(start, size if size >= 0 else _GRAIN))

    def peek(self, size: int = 0, /) -> bytes:
        """Return bytes from the position on, at least one unless the object ends, and do not move."""
        self._check_usable()
        with self._lock:
            return self._bytes.some(self._begin(self._positions.here), max(size, _LINE))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to the next line feed, and with it, or at most `size`."""
        self._check_usable()
        with self._lock:
            self._begin(self._positions.own())
            left = self.size if size is None or size < 0 else size
            parts: list[bytes] = []
            while left > 0:
                piece = self._bytes.some(self._ended, min(left, _LINE))
                end = piece.find(b"\n") + 1
                parts.append(self._moved(piece[:end] if end else piece))
                left -= len(parts[-1])
                if end or not piece:
                    break
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer as far as the object reaches, and return how many bytes that are."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readinto1(self, buffer: Buffer, /) -> int:
        """Do as `readinto`, with what `read1` gives."""
        view = memoryview(buffer).cast("B")
        data = self.read1(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file; closing it again does nothing. What is fetched in advance is not waited for."""
        if not self.closed:
            super().close()
            if not self._born.left:  # there, a thread that this process does not have may hold the lock
                with self._lock:
                    self._bytes.close()
        _other_threads.seen()

    def _begin(self, own: int | None) -> int:
        """Return where a read begins: where its thread has moved, else where the file stands. Under the lock."""
        start = self._positions.shared() if own is None else own
        if start != self._ended:
            self._bytes.jump(start)
            self._ended = start
        return start

    def _moved(self, data: bytes) -> bytes:
        self._ended += len(data)
        return self._ends(self._ended - len(data), data)

    def _ends(self, start: int, data: bytes) -> bytes:
        self._positions.stand(start + len(data))
        _other_threads.seen()
        return data

    def _check_usable(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
        self._born.check("a file of a volume")
