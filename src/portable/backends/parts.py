"""What every staged upload checks before it stages and commits."""

from collections.abc import Mapping
from typing import Final

from portable.errors import ConfigurationError

SLOWEST: Final = 1 << 20
"""Bytes a second: over a slower connection, a large part may not get through in its time."""


def part_seconds(length: int, bound: float, most: int = 0) -> float:
    """Return how long the request of a part may take: the bound of any request, or longer, as its length asks.

    No part is a mutation that a reader sees, so no lease is waiting for it. `most` is how long the host lets a request
    take, in seconds; 0 for any time.
    """
    seconds = max(bound, length / SLOWEST)
    return min(seconds, most) if most else seconds


def check_part(number: int, length: int, *, part_size: int, max_parts: int, key: str, url: str) -> None:
    """Raise ConfigurationError for a part of `length` bytes that no upload here can have."""
    if not 0 <= number < max_parts:
        raise ConfigurationError(f"part {number} of {key!r} in {url}: parts are counted from 0 to {max_parts - 1}")
    if length > part_size:
        raise ConfigurationError(f"part {number} of {key!r} in {url}: {length} bytes, over {part_size}")


def check_parts(numbers: list[int], *, key: str, url: str) -> None:
    """Raise ConfigurationError unless the (sorted) part numbers are 0, 1, ... without a gap, and at least one."""
    if not numbers or numbers != list(range(len(numbers))):
        raise ConfigurationError(
            f"commit {key!r} in {url}: parts 0 to {max(numbers, default=0)} are needed, staged are {len(numbers)}"
        )


def check_sizes(sizes: Mapping[int, int], part_size: int, *, key: str, url: str) -> None:
    """Raise ConfigurationError as `check_parts` does, and unless every part but the last has `part_size` bytes."""
    numbers = sorted(sizes)
    check_parts(numbers, key=key, url=url)
    if any(sizes[number] != part_size for number in numbers[:-1]):
        raise ConfigurationError(f"commit {key!r} in {url}: every part but the last has {part_size} bytes")
