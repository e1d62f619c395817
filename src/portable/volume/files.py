"""An object as a Python binary file."""

import atexit
import io
import os
import threading
import time
from typing import BinaryIO, cast

from typing_extensions import Buffer

from portable.volume.reading import Reader

_BUFFER = 1024 * 1024
_QUIET = 0.25
"""Seconds without a call from another thread, after which none is expected any more."""
_PATIENCE = 3.0
"""Seconds that the end of the process waits for that at most."""


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


class ReadableObject(io.RawIOBase):
    """A reader as a seekable raw file."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader
        self._position = 0

    def buffered(self, size: int = _BUFFER) -> BinaryIO:
        """Return the file with a read buffer of `size` bytes."""
        return cast("BinaryIO", io.BufferedReader(self, size))

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position in bytes. Raises: ValueError for one before the start."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._reader.info.size}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}")
        self._position = base + offset
        return self._position

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        super().close()
        _other_threads.seen()

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer as far as the object reaches, and return how many bytes that are."""
        view = memoryview(buffer).cast("B")
        data = self._reader.read(self._position, self._position + len(view))
        view[: len(data)] = data
        self._position += len(data)
        _other_threads.seen()
        return len(data)
