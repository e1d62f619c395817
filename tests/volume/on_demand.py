"""A store that holds one large object of a sealed volume without holding it: zeros, encrypted when they are asked for."""

from datetime import UTC, datetime
from typing import Final

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Fetched, Stat
from portable.errors import NotFound, PreconditionFailed
from portable.format.layout import FINAL_OVERHEAD, REGULAR_OVERHEAD, Body
from portable.format.message import Encryptor
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata, seal

KEY: Final = "telemetry/2031.parquet"


class OnDemand(MemoryBackend):
    """Answers ranges of one message of `length` plaintext bytes at `KEY`; `replace` puts another message there."""

    def __init__(self, keys: VolumeKeys, length: int) -> None:
        super().__init__(Location(url="memory://on-demand"))
        self._keys, self._body = keys, Body.of_plaintext(length, keys.frame_length)
        self._version = 0
        self.replace()

    def replace(self) -> None:
        """Put a new message of the same length in the place of the old one."""
        self._version += 1
        self._header = seal(self._keys, KEY, Metadata()).encryptor.header

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        if key != KEY:
            raise NotFound(f"{key!r} in {self.url}: nothing is there")
        size = len(self._header) + self._body.stored_length
        return Stat(key, size, datetime(2031, 1, 1, tzinfo=UTC), f'"{self._version}"')

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        stat = self.stat(key)
        if if_match not in (None, stat.etag):
            raise PreconditionFailed(f"get {key!r} in {self.url}: another version stands there")
        stop = stat.size if stop is None else min(stop, stat.size)
        return Fetched(self._stored(min(start, stop), stop), stat)

    def _stored(self, start: int, stop: int) -> bytes:
        """Return bytes [start, stop) of the message: the header, and then the frames that they touch, each made by a pass."""
        head, step = len(self._header), self._keys.frame_length + REGULAR_OVERHEAD
        if start >= stop:
            return b""
        if stop <= head:
            return self._header[start:stop]
        first, last = max(0, start - head) // step, min((stop - 1 - head) // step, self._body.frames)
        made = b"".join(self._frame(index) for index in range(first, last + 1))
        if start < head:
            return (self._header + made)[start:stop]
        origin = head + first * step
        return made[start - origin : stop - origin]

    def _frame(self, index: int) -> bytes:
        writer = Encryptor.resume(self._header, self._keys.wrapping_key_for, index)
        if index < self._body.frames:
            return bytes(writer.update(bytes(self._keys.frame_length)))
        writer.update(bytes(self._body.tail))
        final = bytes(writer.finish())
        assert len(final) == FINAL_OVERHEAD + self._body.tail
        return final
