"""The reading side of a volume: what stands at a key now, read as one version."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from portable.backends.protocol import Backend
from portable.errors import ObjectChanged, PortableError
from portable.keys.volume_keys import VolumeKeys
from portable.volume.cache import RecentReaders
from portable.volume.fetching import Fetching
from portable.volume.files import ReadableObject
from portable.volume.info import ObjectInfo
from portable.volume.planning import Range, Reading, Stretch, plan
from portable.volume.reading import ClearReader, Reader, SealedReader

T = TypeVar("T")

Request = tuple[str, int, int | None]
"""Bytes [start, stop) of the object at a key; None for its end, and negative numbers count from there."""

_ATTEMPTS: Final = 5
_ANYWHERE: Final = 1 << 63
"""More bytes than an object has."""


class Reads:
    """Reads the objects of one store. Safe to use from several threads; what has been checked of a key is the caller's part."""

    def __init__(self, backend: Backend, keys: VolumeKeys | None, reading: Reading, fetching: Fetching) -> None:
        self._backend = backend
        self._keys = keys
        self._reading = reading
        self._fetching = fetching
        self._recent = RecentReaders(backend, keys, fetching=fetching, reading=reading) if keys else None

    def read(self, key: str, start: int, stop: int | None) -> bytes:
        """See `Volume.read`."""
        if start == 0 and stop is None:
            return _settled(lambda: self.reader(key, ahead=self._reading.piece).read())
        recent = self._recent
        if recent is not None:
            return _settled(lambda: recent.read(key, start, stop))
        return _settled(lambda: self._in_clear(key, self._first_request([(start, stop)])).read(start, stop))

    def read_ranges(self, key: str, ranges: Sequence[Range]) -> list[bytes]:
        """See `Volume.read_ranges`."""
        recent = self._recent
        if recent is not None:
            return _settled(lambda: recent.read_ranges(key, ranges))
        return _settled(lambda: self._in_clear(key, self._first_request(ranges)).read_ranges(ranges))

    def read_many(self, requests: Sequence[Request], check: Callable[[str], None]) -> list[bytes | PortableError]:
        """See `Volume.read_many`; `check` raises for a key that the volume cannot hold."""
        numbers: dict[str, list[int]] = {}
        for number, (key, _, _) in enumerate(requests):
            numbers.setdefault(key, []).append(number)
        found: list[bytes | PortableError] = [b""] * len(requests)

        def read(key: str, wanted: list[int]) -> None:
            ranges = [requests[number][1:] for number in wanted]
            try:
                check(key)
                answers: Sequence[bytes | PortableError] = (
                    [self.read(key, *ranges[0])] if len(ranges) == 1 else self.read_ranges(key, ranges)
                )
            except PortableError as error:
                answers = [error] * len(wanted)
            for number, answer in zip(wanted, answers, strict=True):
                found[number] = answer

        self._fetching.run(partial(read, key, wanted) for key, wanted in numbers.items())
        return found

    def reader(self, key: str, *, ahead: int) -> Reader:
        """See `Volume.reader`."""
        if self._keys is None:
            return self._in_clear(key, Stretch(0, ahead))
        return SealedReader(self._backend, self._keys, key, ahead=ahead, fetching=self._fetching, reading=self._reading)

    def open(self, key: str) -> ReadableObject:
        """See `Volume.open`."""
        recent = self._recent
        reader: Reader = (
            self._in_clear(key, Stretch(0, self._reading.ahead))
            if recent is None
            else _settled(lambda: recent.reader(key, tail=self._reading.tail))
        )
        return ReadableObject(reader, self._fetching, self._reading)

    def info(self, key: str) -> ObjectInfo:
        """See `Volume.info`."""
        recent = self._recent
        return self._in_clear(key, Stretch(0, 0)).info if recent is None else _settled(lambda: recent.reader(key).info)

    def forget(self, key: str) -> None:
        """Let go of what is known of the object at `key`, which was replaced or deleted."""
        if self._recent is not None:
            self._recent.forget(key)

    def clear(self) -> None:
        """Let go of what is known of any object."""
        if self._recent is not None:
            self._recent.clear()

    def _in_clear(self, key: str, first: Stretch) -> ClearReader:
        return ClearReader(
            self._backend, key, start=first.start, ahead=first.length, fetching=self._fetching, reading=self._reading
        )

    def _first_request(self, ranges: Sequence[Range]) -> Stretch:
        """Return the first request that the ranges of a clear object take; its answer tells the object's size as well."""
        largest = self._reading.piece
        counted = [(start, start + largest if stop is None else stop) for start, stop in ranges if start >= 0]
        bounded = [Stretch(start, stop) for start, stop in counted if start < stop]
        if len(bounded) == 1:
            start, stop = bounded[0]
            return Stretch(start, min(stop, start + largest))
        planned = plan(bounded, unit=1, end=_ANYWHERE, gap=self._reading.gap, largest=largest)
        return planned[0] if planned else Stretch(0, 0)


def _settled(read: Callable[[], T]) -> T:
    """Read again as a whole where the object changed meanwhile, a few times."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(ObjectChanged):
            return read()
    return read()
