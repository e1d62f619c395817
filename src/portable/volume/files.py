"""An object as a Python binary file."""

import io
import os
from typing import BinaryIO, cast

from typing_extensions import Buffer

from portable.volume.reading import Reader

_BUFFER = 1024 * 1024


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

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer as far as the object reaches, and return how many bytes that are."""
        view = memoryview(buffer).cast("B")
        data = self._reader.read(self._position, self._position + len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
