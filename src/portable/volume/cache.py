"""Readers of the objects that were read last, so that one more range of such an object costs its frames and nothing else.

A reader has authenticated the header and the final frame of one version. It is used again only for that version: the host
confirms with each range that the version still stands (If-Match), or, where a range needs no request, is asked for the ETag.
"""

import contextlib
import threading
from collections import OrderedDict
from typing import Final, NoReturn

from portable.backends.protocol import Backend
from portable.errors import IntegrityError, NotFound, ObjectChanged
from portable.keys.volume_keys import VolumeKeys
from portable.volume.reading import SealedReader

OBJECTS: Final = 64
ROOM: Final = 16 * 1024 * 1024
"""Bytes of plaintext that the final frames of the readers may hold together."""


class RecentReaders:
    """Reads ranges of the objects of one sealed store, and keeps the readers of at most `objects` of them.

    Safe to use from several threads. What is kept opens objects, so it stays in this process.
    """

    def __init__(self, backend: Backend, keys: VolumeKeys, *, objects: int = OBJECTS, room: int = ROOM) -> None:
        self._backend = backend
        self._keys = keys
        self._objects = objects
        self._room = room
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
        kept = self._find(key)
        if kept is not None:
            # Anything that an older reader stumbles over is no evidence before the object has been opened anew.
            with contextlib.suppress(ObjectChanged, IntegrityError, NotFound):
                if self._asks_the_host(kept, start, stop) or self._backend.stat(key).etag == kept.info.etag:
                    return kept.read(start, stop)
            self._drop(key)
        reader = SealedReader(self._backend, self._keys, key)
        data = reader.read(start, stop)
        self._keep(key, reader)
        return data

    def clear(self) -> None:
        """Let go of every reader."""
        with self._lock:
            self._kept.clear()

    def _asks_the_host(self, reader: SealedReader, start: int, stop: int | None) -> bool:
        """Whether the range reaches into a frame that is regular in every layout of the object's length."""
        regular = max(0, reader.info.size - 1) // self._keys.frame_length * self._keys.frame_length
        return start < regular and (stop is None or start < stop)

    def _find(self, key: str) -> SealedReader | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: str, reader: SealedReader) -> None:
        self._drop(key)
        if self._weight(reader) > self._room:
            return
        with self._lock:
            self._kept[key] = reader
            while len(self._kept) > self._objects or sum(map(self._weight, self._kept.values())) > self._room:
                self._kept.popitem(last=False)

    def _drop(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def _weight(self, reader: SealedReader) -> int:
        """Return the most that the reader's final frame may hold: writers fill it, or leave it empty, at a multiple."""
        size, frame_length = reader.info.size, self._keys.frame_length
        return size % frame_length or min(size, frame_length)
