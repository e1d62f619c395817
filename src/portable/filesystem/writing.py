"""Files to write as fsspec's users know them: told to a callback, deferred to the end of a transaction, or as text."""

import contextlib
import io
import sys
from typing import Any, BinaryIO, Protocol

from fsspec.callbacks import Callback
from typing_extensions import Buffer

from portable.errors import PortableError


class Writable(Protocol):
    """An object that is being written: `close` makes it visible, `discard` drops it."""

    def write(self, data: Buffer, /) -> int:
        """Take bytes."""

    def close(self) -> None:
        """Write the object."""

    def discard(self) -> None:
        """Write nothing."""


class Told(io.RawIOBase):
    """A local file that tells a callback how far it has been read, also where a write begins again at its start."""

    def __init__(self, stream: BinaryIO, callback: Callback) -> None:
        super().__init__()
        self._stream = stream
        self._callback = callback
        callback.set_size(stream.seek(0, io.SEEK_END))
        stream.seek(0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in bytes."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._stream.tell()

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer, and tell the callback."""
        read = int(self._stream.readinto(buffer))  # type: ignore[attr-defined]  # BinaryIO lacks what every file opened here has
        self._callback.absolute_update(self._stream.tell())
        return read


class Deferred(io.BufferedIOBase):
    """A file of a transaction: `close` only ends the writing, `commit` makes the object visible (`fsspec.transaction`).

    Closed while an exception is handled that came up after it was opened, it writes nothing, as any file opened to write.
    """

    def __init__(self, file: Writable) -> None:
        super().__init__()
        self._file = file
        self._handled = sys.exception()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take bytes."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._file.write(data)

    def close(self) -> None:
        """End the writing."""
        if not self.closed and sys.exception() not in (None, self._handled):
            self._file.close()  # discards, and says so
        super().close()

    def commit(self) -> None:
        """Write the object. Raises: what closing a file opened to write raises."""
        self._file.close()

    def discard(self) -> None:
        """Write nothing."""
        self._file.discard()
        super().close()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.discard()
        self.close()


class Compressed(io.BufferedIOBase):
    """Bytes that `codec` compresses into `file`; closing closes both, and what was not closed is not written."""

    def __init__(self, file: Writable, codec: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._codec = codec

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take bytes."""
        return self._codec.write(data)

    def close(self) -> None:
        """Write the object. Raises: what closing a file opened to write raises."""
        if not self.closed:
            super().close()
            try:
                self._codec.close()
            except BaseException:
                self._file.discard()
                raise
            self._file.close()

    def discard(self) -> None:
        """Write nothing."""
        if not self.closed:
            super().close()
            self._end()
            self._file.discard()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        """Leave `file` to its own destructor, which discards it: the destructor of `io.IOBase` would close it."""
        if not self.closed:
            self._end()

    def _end(self) -> None:
        """End what the codec wrote, so that it writes no more. The file may have failed, and says so where it matters."""
        with contextlib.suppress(PortableError, ValueError):
            self._codec.close()


class Discarding(io.TextIOWrapper):
    """Text to write; what a `with` block leaves by an exception, what fails and what is never closed is not written."""

    buffer: Any

    def close(self) -> None:
        """Write the object. Raises: what closing a file opened to write raises; nothing is written if text is left over."""
        if self.closed:
            return
        try:
            self.flush()
        except BaseException:
            self.buffer.discard()
            raise
        super().close()

    def discard(self) -> None:
        """Write nothing."""
        self.buffer.discard()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        """Leave the file beneath to its own destructor, which discards it and warns: that of `io.IOBase` would close it."""
        # It warns of bytes only, so the last text goes to it; where it is closed or has failed, it has said so.
        with contextlib.suppress(PortableError, ValueError):
            self.flush()
