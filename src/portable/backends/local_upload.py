"""A staged upload to a folder: one temporary file that the parts fill."""

import os
from typing import TYPE_CHECKING, Final

from typing_extensions import Buffer

from portable.backends.local_files import write_at
from portable.backends.parts import check_parts
from portable.backends.protocol import ANY, Expectation, Stat
from portable.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from portable.backends.local import LocalBackend

PART_SIZE: Final = 8 << 20
"""Bytes: part n lies at n times this, so every part but the last has exactly this size."""


class LocalUpload:
    """A temporary file that grows by parts until it takes its name."""

    def __init__(self, backend: "LocalBackend", key: str, temporary: str, descriptor: int) -> None:
        self._backend, self._key, self._temporary, self._descriptor = backend, key, temporary, descriptor
        self._sizes: dict[int, int] = {}
        self._is_open = True

    def part(self, number: int, data: Buffer) -> None:
        """See `Upload.part`. Raises ConfigurationError for a part larger than the part size."""
        view = memoryview(data).cast("B")
        if view.nbytes > PART_SIZE:
            raise ConfigurationError(
                f"part {number} of {self._key!r} in {self._backend.url}: {view.nbytes} bytes, over {PART_SIZE}"
            )
        try:
            write_at(self._descriptor, view, number * PART_SIZE)
        except OSError as error:
            raise Unavailable(f"part {number} of {self._key!r} in {self._backend.url}: {error.strerror}") from None
        self._sizes[number] = view.nbytes

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`. Raises ConfigurationError where a part is missing, or one before the last is short."""
        numbers = sorted(self._sizes)
        check_parts(numbers, key=self._key, url=self._backend.url)
        if any(self._sizes[number] != PART_SIZE for number in numbers[:-1]):
            raise ConfigurationError(
                f"commit {self._key!r} in {self._backend.url}: every part but the last has {PART_SIZE} bytes"
            )
        os.ftruncate(self._descriptor, numbers[-1] * PART_SIZE + self._sizes[numbers[-1]])
        stat = self._backend.publish(self._temporary, self._descriptor, self._key, expect)
        self._close()
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        if self._is_open:
            self._close()
            self._backend.discard(self._temporary)

    def _close(self) -> None:
        self._is_open = False
        os.close(self._descriptor)
