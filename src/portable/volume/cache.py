"""Readers of the objects that were read last, so that one more range of such an object costs its frames and nothing else.

A reader has authenticated the header and the final frame of one version. It is used again only for that version: the host
confirms with each range that the version still stands (If-Match), or, where a range needs no request, is asked for the ETag.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar

from portable.backends.protocol import Backend
from portable.errors import IntegrityError, NotFound, ObjectChanged
from portable.format.layout import Body
from portable.keys.volume_keys import VolumeKeys
from portable.volume.fetching import Fetching
from portable.volume.planning import Range, Reading
from portable.volume.reading import SealedReader

T = TypeVar("T")

OBJECTS: Final = 64
ROOM: Final = 16 * 1024 * 1024
"""Bytes of their objects that the readers may hold together."""


class RecentReaders:
    """Reads ranges of the objects of one sealed store, and keeps the readers of at most `objects` of them.

    Safe to use from several threads. What is kept opens objects, so it stays in this process.
    """

    def __init__(
        self,
        backend: Backend,
        keys: VolumeKeys,
        *,
        objects: int = OBJECTS,
        room: int = ROOM,
        fetching: Fetching | None = None,
        reading: Reading | None = None,
    ) -> None:
        self._backend = backend
        self._keys = keys
        self._objects = objects
        self._room = room
        self._fetching = fetching or Fetching(1)
        self._reading = reading or Reading(ahead=0, tail=0)
        ahead = self._reading.ahead
        self._ahead = Body.of_plaintext(ahead, keys.frame_length).stored_length if ahead else 0
        self._kept: OrderedDict[str, SealedReader] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<RecentReaders {len(self._kept)} at {self._backend!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("RecentReaders hold keys: they can be neither pickled nor copied")

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return plaintext bytes [start, stop) of the object's present version, clamped to the object.

        Raises: what making a `SealedReader` and its `read` raise.
        """
        return self._of_now(key, [(start, stop)], lambda reader: reader.read(start, stop))

    def read_ranges(self, key: str, ranges: Sequence[Range]) -> list[bytes]:
        """Return the bytes of each range, all of the object's present version. Raises: as `read`."""
        return self._of_now(key, ranges, lambda reader: reader.read_ranges(ranges))

    def reader(self, key: str, *, tail: int = 0) -> SealedReader:
        """Return a reader of the object's present version that holds the last `tail` bytes, or all that the first request gave.

        Raises: what making a `SealedReader` raises.
        """
        kept = self._find(key)
        if kept is not None:
            with contextlib.suppress(ObjectChanged, IntegrityError, NotFound):
                if kept.extend(tail) or self._stands(key, kept):
                    self._keep(key, kept)
                    return kept
            self.forget(key)
        reader = self._open(key, tail=tail)
        self._keep(key, reader)
        return reader

    def forget(self, key: str) -> None:
        """Let go of the reader of the object at `key`."""
        with self._lock:
            self._kept.pop(key, None)

    def clear(self) -> None:
        """Let go of every reader."""
        with self._lock:
            self._kept.clear()

    def _of_now(self, key: str, ranges: Sequence[Range], read: Callable[[SealedReader], T]) -> T:
        kept = self._find(key)
        if kept is not None:
            # Anything that an older reader stumbles over is no evidence before the object has been opened anew.
            with contextlib.suppress(ObjectChanged, IntegrityError, NotFound):
                if kept.needs_host(ranges) or self._stands(key, kept):
                    return read(kept)
            self.forget(key)
        # What counts from the end comes with the final frame: footers and indexes are asked for in this way.
        tail = max((-start for start, _ in ranges if start < 0), default=0)
        reader = self._open(key, tail=min(tail, self._reading.piece))
        found = read(reader)
        self._keep(key, reader)
        return found

    def _open(self, key: str, *, tail: int) -> SealedReader:
        return SealedReader(
            self._backend, self._keys, key, ahead=self._ahead, tail=tail, fetching=self._fetching, reading=self._reading
        )

    def _stands(self, key: str, reader: SealedReader) -> bool:
        return self._backend.stat(key).etag == reader.info.etag

    def _find(self, key: str) -> SealedReader | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: str, reader: SealedReader) -> None:
        with self._lock:
            self._kept.pop(key, None)
            if reader.weight > self._room:
                return
            self._kept[key] = reader
            while len(self._kept) > self._objects or sum(each.weight for each in self._kept.values()) > self._room:
                self._kept.popitem(last=False)
