"""Files to write as fsspec's users know them: told to a callback, deferred to the end of a transaction, or as text."""

import io
from typing import Any, BinaryIO, Protocol

from fsspec.callbacks import Callback
from typing_extensions import Buffer


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
    """A file of a transaction: `close` only ends the writing, `commit` makes the object visible (`fsspec.transaction`)."""

    def __init__(self, file: Writable) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Take bytes."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self._file.write(data)

    def commit(self) -> None:
        """Write the object. Raises: what closing a file opened to write raises."""
        self._file.close()

    def discard(self) -> None:
        """Write nothing."""
        self._file.discard()


class Compressed(io.BufferedIOBase):
    """Bytes that `codec` compresses into `file`; closing closes both."""

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
            self._codec.close()
            self._file.close()

    def discard(self) -> None:
        """Write nothing."""
        if not self.closed:
            super().close()
            self._codec.close()
            self._file.discard()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.discard()
        self.close()


class Discarding(io.TextIOWrapper):
    """Text to write; leaving a `with` block by an exception writes nothing."""

    def __exit__(self, kind: object, *rest: Any) -> None:
        if kind is not None and (discard := getattr(self.buffer, "discard", None)):
            discard()
        super().__exit__(None, None, None)
