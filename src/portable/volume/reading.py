"""Readers: one version of one object, from which ranges are read.

A reader is pinned to the version that it opened: it reads with If-Match and never mixes two versions. What it fetches is
planned (`portable.volume.planning`), and requests go out side by side.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from portable.backends.protocol import Backend
from portable.errors import IntegrityError, NotFound
from portable.format.layout import REGULAR_OVERHEAD, Body, Span
from portable.format.message import Decryptor
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import header_length, open_header, read_metadata
from portable.volume.fetching import Fetching
from portable.volume.info import ObjectInfo
from portable.volume.planned import Pinned, PlannedReader, copy_common, exactly
from portable.volume.planning import Range, Reading, Stretch

WINDOW: Final = 8 * 1024 * 1024
"""Bytes of plaintext that `chunks` holds at a time, and up to which a whole object comes in one request."""

_ALONE: Final = Fetching(1)
_DEFAULT: Final = Reading()


class Reader(Protocol):
    """One version of one object. Safe to use from several threads."""

    info: ObjectInfo
    unit: int
    """Bytes: what is fetched begins at a multiple of it."""

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return plaintext bytes [start, stop), clamped to the object; negative bounds count from its end.

        Raises: ObjectChanged (the version is gone), IntegrityError (before any byte of the range is released), Denied,
        Unavailable.
        """

    def read_ranges(self, ranges: Sequence[Range]) -> list[bytes]:
        """Return the bytes of each range, which is as in `read`; ranges that lie close together are fetched together.

        Raises: as `read`, for the first range that fails; nothing is returned then.
        """


def chunks(reader: Reader, window: int = WINDOW) -> Iterator[bytes]:
    """Read the whole object in order, at most `window` bytes at a time. An empty object gives nothing."""
    for start in range(0, reader.info.size, window):
        yield reader.read(start, start + window)


class ClearReader(PlannedReader):
    """Reads an object of a clear volume as it is stored. `ahead` bytes from `start` on come with the first request."""

    unit = 1

    def __init__(
        self,
        backend: Backend,
        key: str,
        *,
        start: int = 0,
        ahead: int = 0,
        fetching: Fetching = _ALONE,
        reading: Reading = _DEFAULT,
    ) -> None:
        super().__init__(fetching, reading)
        if ahead:
            fetched = backend.get(key, start, start + ahead)
            stat = fetched.stat
            self._first = bytes(exactly(max(0, min(ahead, stat.size - start)), fetched, key).obj)
        else:
            stat, self._first = backend.stat(key), b""
        self._window = Stretch(start, start + len(self._first))
        self._stored = Pinned(backend, key, stat)
        self.info = ObjectInfo(key, stat.size, stat.modified, stat, attributes=stat.attributes)

    def _at_hand(self, asked: Stretch) -> bytes | None:
        begin, stop = self._window
        return self._first[asked.start - begin : asked.stop - begin] if begin <= asked.start and asked.stop <= stop else None

    def _held(self) -> Sequence[Stretch]:
        return (self._window,) if self._first else ()

    def _end(self) -> int:
        return self.info.size

    def _copy_held(self, held: Stretch, asked: Stretch, out: memoryview) -> None:
        copy_common(held.start, memoryview(self._first), asked.start, out)

    def _fetch_into(self, stretch: Stretch, out: memoryview) -> None:
        out[:] = self._stored.fetch(stretch.start, stretch.stop)


class SealedReader(PlannedReader):
    """Reads an object of a sealed volume: fetches and decrypts only the frames that a range touches.

    The header and the final frame, which authenticates the length, are checked when the reader is made. `ahead` bytes after the
    header come with the first request, and `tail` bytes at the end of the object with the final frame.
    """

    def __init__(
        self,
        backend: Backend,
        keys: VolumeKeys,
        key: str,
        *,
        ahead: int = 0,
        tail: int = 0,
        fetching: Fetching = _ALONE,
        reading: Reading = _DEFAULT,
    ) -> None:
        super().__init__(fetching, reading)
        asked = header_length(keys) + ahead
        head = backend.get(key, 0, asked)
        first = memoryview(head.data)
        self._decryptor: Decryptor = open_header(keys, key, first)
        exactly(min(asked, head.stat.size), head, key)
        self._stored = Pinned(backend, key, head.stat)
        self._body: Body = self._decryptor.body(head.stat.size)
        self.unit = self._body.frame_length
        self._last = self._open_end(first, tail)
        described = read_metadata(self._decryptor, lambda overflow: _whole(backend, keys, overflow))
        self.info = ObjectInfo(
            key,
            self._body.plaintext_length,
            described.modified or head.stat.modified,
            head.stat,
            attributes=described.attributes,
            message_id=self._decryptor.header.message_id,
            source_etag=described.source_etag,
        )
        frames = max(0, len(first) - self._decryptor.header_length) // (self.unit + REGULAR_OVERHEAD)
        self._front = Stretch(0, min(frames * self.unit, self._last[0].start))
        self._first = first if self._front.length else memoryview(b"")
        """Stored bytes that came with the header, kept where whole regular frames are among them."""

    @property
    def weight(self) -> int:
        """Bytes of the object that the reader holds in memory."""
        return self._last[0].length + len(self._first)

    def extend(self, tail: int) -> bool:
        """Fetch what is missing of the last `tail` bytes; return whether a request was sent, and so the version confirmed.

        Raises: as `read`.
        """
        held, plaintext = self._last
        start = self._tail_start(tail)
        if start >= held.start or self._front.stop == held.start:
            return False
        stretch = Stretch(max(start, self._front.stop), held.start)
        longer = memoryview(bytearray(stretch.length + held.length))
        self._fetch_into(stretch, longer[: stretch.length])
        longer[stretch.length :] = plaintext
        self._last = Stretch(stretch.start, held.stop), longer
        return True

    def _at_hand(self, asked: Stretch) -> bytes | None:
        (begin, _), plaintext = self._last
        return bytes(plaintext[asked.start - begin : asked.stop - begin]) if begin <= asked.start else None

    def _held(self) -> Sequence[Stretch]:
        last = self._last[0]
        return (self._front, last) if self._front.length else (last,)

    def _end(self) -> int:
        return self._body.frames * self.unit

    def _copy_held(self, held: Stretch, asked: Stretch, out: memoryview) -> None:
        if held is not self._front:
            last, plaintext = self._last
            copy_common(last.start, plaintext, asked.start, out)
            return
        needed = Stretch(asked.start, min(asked.stop, held.stop)).aligned(self.unit, held.stop)
        opened = memoryview(bytearray(needed.length))
        span = self._span(needed)
        self._decryptor.frames_into(needed.start // self.unit + 1, self._first[span.start : span.stop], opened)
        copy_common(needed.start, opened, asked.start, out)

    def _fetch_into(self, stretch: Stretch, out: memoryview) -> None:
        self._decryptor.frames_into(stretch.start // self.unit + 1, self._stored.fetch(*self._span(stretch)), out)

    def _span(self, stretch: Stretch) -> Span:
        """Return where the frames of a stretch lie in the message."""
        return self._body.span(stretch.start // self.unit + 1, stretch.stop // self.unit, self._decryptor.header_length)

    def _tail_start(self, tail: int) -> int:
        """Return where the frame begins that holds the first of the last `tail` bytes, or the final frame."""
        return min(max(0, self._body.plaintext_length - tail) // self.unit, self._body.frames) * self.unit

    def _open_end(self, first: memoryview, tail: int) -> tuple[Stretch, memoryview]:
        """Return the object's last stretch and its plaintext: the final frame, and those before it that `tail` asks for."""
        header, body = self._decryptor.header_length, self._body
        start, final = self._tail_start(tail), body.final_span(header)
        if final.stop <= len(first):
            start = body.frames * self.unit
        begin = header + start // self.unit * (self.unit + REGULAR_OVERHEAD)
        stored = first[begin:]
        if len(stored) < final.stop - begin:
            rest = self._stored.fetch(max(begin, len(first)), final.stop)
            stored = memoryview(b"".join((stored, rest))) if stored else rest
        split = final.start - begin
        end = self._decryptor.final(stored[split : final.stop - begin], body)
        plaintext = memoryview(bytearray(body.plaintext_length - start)) if split else memoryview(end)
        if split:
            length = self._decryptor.frames_into(start // self.unit + 1, stored[:split], plaintext)
            plaintext[length:] = end
        return Stretch(start, body.plaintext_length), plaintext


def _whole(backend: Backend, keys: VolumeKeys, key: str) -> bytes:
    try:
        return SealedReader(backend, keys, key, ahead=WINDOW).read()
    except NotFound:
        raise IntegrityError(f"the metadata object of a message is missing at the host: {key!r}") from None
