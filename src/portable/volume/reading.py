"""Readers: one version of one object, from which ranges are read.

A reader is pinned to the version that it opened: it reads with If-Match and never mixes two versions.
"""

import io
from collections.abc import Iterator
from typing import Final, Protocol

from portable.backends.protocol import Backend, Stat
from portable.errors import IntegrityError, MalformedMessage, NotFound, ObjectChanged, PreconditionFailed
from portable.format.layout import Body, Span
from portable.format.message import Decryptor
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import header_length, open_header, read_metadata
from portable.volume.info import ObjectInfo

WINDOW: Final = 8 * 1024 * 1024
"""Bytes of plaintext that `chunks` holds at a time, and up to which a whole object comes in one request."""


class Reader(Protocol):
    """One version of one object."""

    info: ObjectInfo

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return plaintext bytes [start, stop), clamped to the object.

        Raises: ObjectChanged (the version is gone), IntegrityError (before any byte of the range is released), Denied,
        Unavailable.
        """


def chunks(reader: Reader, window: int = WINDOW) -> Iterator[bytes]:
    """Read the whole object in order, at most `window` bytes at a time. An empty object gives nothing."""
    for start in range(0, reader.info.size, window):
        yield reader.read(start, start + window)


def clamp(start: int, stop: int | None, size: int) -> tuple[int, int]:
    """Return the range [start, stop) within an object of `size` bytes. Raises: ValueError for negative bounds."""
    if start < 0 or (stop is not None and stop < 0):
        raise ValueError("a range starts and ends at 0 or later")
    end = size if stop is None else min(stop, size)
    return min(start, end), end


class _Pinned:
    """Ranges of the stored bytes of one version."""

    def __init__(self, backend: Backend, key: str, stat: Stat) -> None:
        self._backend = backend
        self.key = key
        self.stat = stat

    def fetch(self, start: int, stop: int) -> memoryview:
        try:
            fetched = self._backend.get(self.key, start, stop, if_match=self.stat.etag)
        except (PreconditionFailed, NotFound):
            raise ObjectChanged(
                f"the object at {self.key!r} was replaced or deleted while it was read: open it again"
            ) from None
        return memoryview(fetched.data)


class ClearReader:
    """Reads an object of a clear volume as it is stored. `ahead` bytes come with the first request."""

    def __init__(self, backend: Backend, key: str, *, ahead: int = 0) -> None:
        if ahead:
            fetched = backend.get(key, 0, ahead)
            stat, self._first = fetched.stat, bytes(fetched.data)
        else:
            stat, self._first = backend.stat(key), b""
        self._stored = _Pinned(backend, key, stat)
        self.info = ObjectInfo(key, stat.size, stat.modified, stat, attributes=stat.attributes)

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """See `Reader.read`."""
        start, stop = clamp(start, stop, self.info.size)
        if start == stop or stop <= len(self._first):
            return self._first[start:stop]
        return bytes(self._stored.fetch(start, stop))


class SealedReader:
    """Reads an object of a sealed volume: fetches and decrypts only the frames that a range touches.

    The header and the final frame, which authenticates the length, are checked when the reader is made. `ahead` bytes after the
    header come with the first request.
    """

    def __init__(self, backend: Backend, keys: VolumeKeys, key: str, *, ahead: int = 0) -> None:
        head = backend.get(key, 0, header_length(keys) + ahead)
        self._first = memoryview(head.data)
        self._stored = _Pinned(backend, key, head.stat)
        self._decryptor: Decryptor = open_header(keys, key, self._first)
        self._body: Body = self._decryptor.body(head.stat.size)
        final = self._body.final_span(self._decryptor.header_length)
        self._tail = memoryview(self._decryptor.final(self._take(final), self._body))
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

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """See `Reader.read`."""
        start, stop = clamp(start, stop, self.info.size)
        cover = self._body.cover(start, stop)
        length = len(cover.regular) * self._body.frame_length
        # What `BytesIO` holds can be written to, and leaves it without a copy: the only way to decrypt into `bytes`.
        plaintext = io.BytesIO(bytes(length + (len(self._tail) if cover.final else 0)))
        with plaintext.getbuffer() as out:
            if cover.regular:
                first, last = cover.regular[0], cover.regular[-1]
                span = self._body.span(first, last, self._decryptor.header_length)
                self._decryptor.frames_into(first, self._take(span), out)
            if cover.final:
                out[length:] = self._tail
        skip = start - cover.origin
        return plaintext.getvalue()[skip : skip + stop - start]

    def _take(self, span: Span) -> memoryview:
        """Return stored bytes: from what came with the header where it holds them, else from the host."""
        if span.stop <= len(self._first):
            return self._first[span.start : span.stop]
        taken = self._stored.fetch(span.start, span.stop)
        if len(taken) != span.stop - span.start:
            raise MalformedMessage(f"the object at {self._stored.key!r} is shorter than its host says")
        return taken


def _whole(backend: Backend, keys: VolumeKeys, key: str) -> bytes:
    try:
        return SealedReader(backend, keys, key, ahead=WINDOW).read()
    except NotFound:
        raise IntegrityError(f"the metadata object of a message is missing at the host: {key!r}") from None
