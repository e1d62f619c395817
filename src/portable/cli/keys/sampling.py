"""A random sample of a volume's objects, read to their ends."""

import random
from collections.abc import Iterable
from typing import Any, TypeVar

from portable.errors import PortableError
from portable.volume import Volume
from portable.volume.reading import chunks

T = TypeVar("T")


def sample_of(items: Iterable[T], size: int) -> list[T]:
    """Return `size` items, or all where there are fewer, each as likely as any other; holds no more than it returns.

    Source: Vitter, Random Sampling with a Reservoir (1985), algorithm R.
    """
    chance = random.SystemRandom()
    held: list[T] = []
    for position, item in enumerate(items):
        if position < size:
            held.append(item)
        elif (place := chance.randrange(position + 1)) < size:
            held[place] = item
    return held


def read_sample(volume: Volume, size: int) -> list[dict[str, Any]]:
    """Read up to `size` objects of the volume, whole. Returns key, bytes of plaintext read, and the problem or None, of each.

    Raises: what listing raises (Denied, Unavailable).
    """
    return [_read(volume, info.key) for info in sample_of(volume.list(), size)]


def _read(volume: Volume, key: str) -> dict[str, Any]:
    read = 0
    try:
        for chunk in chunks(volume.reader(key)):
            read += len(chunk)
    except PortableError as error:
        return {"key": key, "bytes": read, "problem": f"{error.kind}: {error}"}
    return {"key": key, "bytes": read, "problem": None}
