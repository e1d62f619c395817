"""Stores in memory for tests of reads: counted, replaced, altered, slow."""

import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Fetched
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume

FRAME = 4096
HEADER = 554
KEYS = VolumeKeys.generate("lake", frame_length=FRAME)


@dataclass(frozen=True, slots=True)
class Get:
    """A request for stored bytes [start, stop) of an object."""

    key: str
    start: int
    stop: int | None
    thread: str


class WatchedStore(MemoryBackend):
    """A store that keeps a record of its requests, and can be told what to do before it answers one."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        super().__init__(Location(url=f"memory://{uuid.uuid4().hex}"))
        self.gets: list[Get] = []
        self.stats = 0
        self.seconds = seconds
        """How long an answer takes."""
        self.before: Callable[[Get], None] = lambda _: None
        self.most = self._now = 0
        """Requests that were under way at once."""
        self._counting = threading.Lock()

    @property
    def requests(self) -> int:
        """All reads so far."""
        return len(self.gets) + self.stats

    @property
    def asked(self) -> int:
        """Stored bytes that were asked for so far, by requests that say how many."""
        return sum(get.stop - get.start for get in self.gets if get.stop is not None)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        get = Get(key, start, stop, threading.current_thread().name)
        with self._counting:
            self.gets.append(get)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.before(get)
            if self.seconds:
                time.sleep(self.seconds)
            return super().get(key, start, stop, if_match=if_match)
        finally:
            with self._counting:
                self._now -= 1

    def stat(self, key: str):
        """See `Backend.stat`."""
        self.stats += 1
        return super().stat(key)

    def forget(self) -> None:
        """Begin to count anew."""
        self.gets, self.stats, self.most = [], 0, 0


def content(size: int, seed: int = 0) -> bytes:
    """Return bytes of which no two frames are equal."""
    return random.Random(seed).randbytes(size)


def holding(data: dict[str, bytes], *, keys: VolumeKeys | None = KEYS, **options) -> tuple[Volume, WatchedStore]:
    """Return a volume that holds the data, and its store; `keys` None for a clear one."""
    store = WatchedStore()
    writer = Volume(store, keys)
    for key, value in data.items():
        writer.write(key, value)
    store.forget()
    return Volume(store, keys, **options), store
