"""What ranged reads of a large object cost in bytes, counted at the host's side."""

import random
from dataclasses import dataclass

from portable.backends.recording import RecordingBackend
from portable.format.layout import FINAL_OVERHEAD, REGULAR_OVERHEAD, Body
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import header_length
from portable.volume.cache import RecentReaders
from tests.volume.on_demand import KEY, OnDemand

LENGTH = 10 * 2**30 + 12_345
RANGE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Count:
    """Bytes that reads asked the host for."""

    ranges: int
    frames: int
    """The stored bytes of the frames that the ranges touch."""
    once: int
    """Header and final frame."""
    fetched: int
    requests: int

    @property
    def exact(self) -> bool:
        """Whether nothing was fetched but those."""
        return self.fetched == self.frames + self.once


def counted(ranges: int = 50, seed: int = 1) -> Count:
    """Read ranges at random places, every other one aligned to its own length, and count."""
    keys = VolumeKeys.generate("bench")
    store = RecordingBackend(OnDemand(keys, LENGTH), url="memory://on-demand")
    body = Body.of_plaintext(LENGTH, keys.frame_length)
    recent, chance, frames = RecentReaders(store, keys), random.Random(seed), 0
    for number in range(ranges):
        start = chance.randrange(LENGTH - RANGE)
        start -= start % RANGE if number % 2 else 0
        if recent.read(KEY, start, start + RANGE) != bytes(RANGE):
            raise AssertionError("a range is not what was written")
        frames += len(body.cover(start, start + RANGE).regular) * (keys.frame_length + REGULAR_OVERHEAD)
    once = header_length(keys) + FINAL_OVERHEAD + body.tail
    return Count(ranges, frames, once, sum(call.size for call in store.calls), len(store.calls))
