"""What readers of clear and of sealed objects share: ranges of one version, fetched as they are planned."""

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from portable.backends.protocol import Backend, Fetched, Stat
from portable.errors import MalformedMessage, NotFound, ObjectChanged, PreconditionFailed
from portable.volume.fetching import Fetching
from portable.volume.info import ObjectInfo
from portable.volume.planning import Range, Reading, Stretch, clamp, plan, shares


class Pinned:
    """Ranges of the stored bytes of one version."""

    def __init__(self, backend: Backend, key: str, stat: Stat) -> None:
        self._backend = backend
        self.key = key
        self.stat = stat

    def fetch(self, start: int, stop: int) -> memoryview:
        """Return stored bytes [start, stop), all of them. Raises: ObjectChanged, MalformedMessage (there are others)."""
        try:
            fetched = self._backend.get(self.key, start, stop, if_match=self.stat.etag)
        except (PreconditionFailed, NotFound):
            raise ObjectChanged(
                f"the object at {self.key!r} was replaced or deleted while it was read: open it again"
            ) from None
        return exactly(stop - start, fetched, self.key)


class PlannedReader(ABC):
    """Reads ranges by a plan; how one stretch is come by is the subclass's part."""

    info: ObjectInfo
    unit: int

    def __init__(self, fetching: Fetching, reading: Reading) -> None:
        self._fetching = fetching
        self._reading = reading

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """See `Reader.read`."""
        asked = clamp(start, stop, self.info.size)
        at_hand = self._at_hand(asked)
        if at_hand is not None:
            return at_hand
        missing = self._missing((asked,))
        if len(missing) == 1 and missing[0].start <= asked.start and asked.stop <= missing[0].stop:
            begin = missing[0].start
            plaintext = _writable(missing[0].length)
            self._fetch_into(missing[0], plaintext.getbuffer())
            return plaintext.getvalue()[asked.start - begin : asked.stop - begin]
        return self._gathered((asked,), missing)[0]

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """See `Reader.read_ranges`."""
        asked = [clamp(start, stop, self.info.size) for start, stop in ranges]
        return self._gathered(asked, self._missing(asked))

    def _gathered(self, asked: Sequence[Stretch], missing: Sequence[Stretch]) -> list[bytes]:
        """Return the bytes of each range, put together from what is at hand and what is missing."""
        plaintexts = [_writable(each.length) for each in asked]
        outs = [plaintext.getbuffer() for plaintext in plaintexts]
        tasks = []
        for stretch, takers in zip(missing, shares(missing, asked), strict=True):
            tasks.append(partial(self._fill, stretch, [(asked[number].start, outs[number]) for number in takers]))
        for held in self._held():
            for wanted, out in zip(asked, outs, strict=True):
                if wanted.start < held.stop and held.start < wanted.stop:
                    self._copy_held(held, wanted, out)
        if len(tasks) == 1:
            tasks[0]()
        elif tasks:
            self._fetching.run(tasks)
        return [plaintext.getvalue() for plaintext in plaintexts]

    def needs_host(self, ranges: Sequence[Range]) -> bool:
        """Tell whether reading the ranges sends a request, which confirms that the version still stands."""
        return bool(self._missing([clamp(start, stop, self.info.size) for start, stop in ranges]))

    def _missing(self, asked: Sequence[Stretch]) -> list[Stretch]:
        return plan(
            asked,
            unit=self.unit,
            end=self._end(),
            held=self._held(),
            gap=self._reading.gap,
            largest=self._reading.piece,
        )

    def _fill(self, stretch: Stretch, takers: list[tuple[int, memoryview]]) -> None:
        """Fetch a stretch for those who have bytes of it: each an offset in the object, and a buffer from there on."""
        start, stop = stretch
        if len(takers) == 1:
            offset, out = takers[0]
            if offset <= start and stop <= offset + len(out):
                self._fetch_into(stretch, out[start - offset : stop - offset])
                return
        opened = memoryview(bytearray(stretch.length))
        self._fetch_into(stretch, opened)
        for offset, out in takers:
            copy_common(start, opened, offset, out)

    @abstractmethod
    def _at_hand(self, asked: Stretch) -> bytes | None:
        """Return the bytes of a range that lies in one stretch that is at hand; None where it does not."""

    @abstractmethod
    def _held(self) -> Sequence[Stretch]:
        """Return the stretches that are at hand: disjoint, in ascending order."""

    @abstractmethod
    def _end(self) -> int:
        """Return where what can be fetched ends."""

    @abstractmethod
    def _copy_held(self, held: Stretch, asked: Stretch, out: memoryview) -> None:
        """Copy what a stretch at hand has of a range into the range's buffer."""

    @abstractmethod
    def _fetch_into(self, stretch: Stretch, out: memoryview) -> None:
        """Fill `out` with a stretch of whole units. Where it fails, `out` holds no plaintext."""


def _writable(length: int) -> io.BytesIO:
    """Return room for plaintext. What `BytesIO` holds leaves it without a copy: the only way to decrypt into `bytes`."""
    return io.BytesIO(bytes(length))


def exactly(length: int, fetched: Fetched, key: str) -> memoryview:
    """Return what was fetched. Raises: MalformedMessage where it is not `length` bytes."""
    data = memoryview(fetched.data)
    if len(data) != length:
        raise MalformedMessage(f"the object at {key!r} is shorter or longer than its host says")
    return data


def copy_common(start: int, data: memoryview, offset: int, out: memoryview) -> None:
    """Copy what two buffers have in common: one holds bytes from `start` on, the other is for those from `offset` on."""
    begin, stop = max(start, offset), min(start + len(data), offset + len(out))
    if begin < stop:
        out[begin - offset : stop - offset] = data[begin - start : stop - start]
