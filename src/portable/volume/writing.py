"""Writers: what is staged at a store, invisible, until one short commit.

Staging encrypts once. A commit may be repeated, because it sends the same bytes again; what failed while staging is aborted and
never resumed.

The parts of a large object stand one after another in one buffer, which is filled again only when the host has what was in it:
when `Upload.part` has returned.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Final, Protocol

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Stat, Upload
from portable.errors import PortableError
from portable.sealed import Sealing

PIECE: Final = 1024 * 1024
"""Bytes of plaintext that are read and encrypted at a time: they stay in a processor's cache, where a whole part would not."""

Source = Buffer | BinaryIO | Iterable[bytes]
"""What can be written: bytes, a binary file (read from where it stands to its end), or an iterable of chunks."""


class Staged(Protocol):
    """An object that one commit makes visible."""

    size: int
    """Bytes of plaintext."""
    message_id: bytes | None
    """In a sealed volume, the id of the message that the commit writes."""

    def commit(self, expect: Expectation = ANY) -> Stat:
        """Make the object visible. Raises: what `Backend.put` raises; may be repeated after Unavailable."""

    def abort(self) -> None:
        """Drop what was staged."""


def stage(backend: Backend, key: str, source: Source, *, attributes: Attributes | None, sealing: Sealing | None) -> Staged:
    """Encrypt the source (where `sealing` is given) and stage it: in memory up to one part, as an upload beyond.

    Raises: what the source's `read` raises, InvalidKey, Unsupported, Denied, Unavailable; nothing stays staged then.
    """
    part_size = backend.capabilities.part_size
    message_id = sealing.encryptor.message_id if sealing else None
    writer: _Writer = sealing.encryptor if sealing else _Clear()
    chunks = _chunks(source)
    first, second = next(chunks, memoryview(b"")), next(chunks, None)
    if second is None and writer.stored_length(len(first)) <= part_size:
        return _Whole(backend, key, writer.whole(first), attributes, len(first), message_id)
    pieces = _Pieces(chain((first,), () if second is None else (second,), chunks))
    parts = _parts(writer, pieces, part_size)
    part, is_last = next(parts)
    if is_last:
        return _Whole(backend, key, part, attributes, pieces.size, message_id)
    upload = backend.begin(key, attributes=attributes)
    try:
        upload.part(0, part)
        for number, (following, _) in enumerate(parts, 1):
            upload.part(number, following)
    except BaseException:
        # What the source or the host raised is the news; a failing abort must not hide it.
        with contextlib.suppress(PortableError):
            upload.abort()
        raise
    return _Parts(upload, pieces.size, message_id)


class _Writer(Protocol):
    """What makes stored bytes of plaintext: the encryptor of a message, or nothing but a copy."""

    @property
    def header(self) -> bytes: ...
    def room(self, length: int) -> int: ...
    def stored_length(self, length: int) -> int: ...
    def whole(self, plaintext: Buffer) -> Buffer: ...
    def update_into(self, plaintext: Buffer, out: Buffer) -> int: ...
    def finish_into(self, out: Buffer) -> int: ...


class _Clear:
    """Stores plaintext as it is."""

    header = b""

    def room(self, length: int) -> int:
        return length

    def stored_length(self, length: int) -> int:
        return length

    def whole(self, plaintext: Buffer) -> bytes:
        return bytes(plaintext)

    def update_into(self, plaintext: Buffer, out: Buffer) -> int:
        piece = memoryview(plaintext)
        memoryview(out)[: len(piece)] = piece
        return len(piece)

    def finish_into(self, out: Buffer) -> int:
        del out
        return 0


class _Pieces:
    """Cuts chunks into pieces of at most `PIECE` bytes, and counts their bytes."""

    def __init__(self, chunks: Iterable[memoryview]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[memoryview]:
        for chunk in self._chunks:
            self.size += len(chunk)
            for start in range(0, len(chunk), PIECE):
                yield chunk[start : start + PIECE]


class _Whole:
    """One put of bytes held in memory."""

    def __init__(
        self, backend: Backend, key: str, data: Buffer, attributes: Attributes | None, size: int, message_id: bytes | None
    ) -> None:
        self._backend = backend
        self._key = key
        self._data = data
        self._attributes = attributes
        self.size = size
        self.message_id = message_id

    def commit(self, expect: Expectation = ANY) -> Stat:
        return self._backend.put(self._key, self._data, expect=expect, attributes=self._attributes)

    def abort(self) -> None:
        self._data = b""


class _Parts:
    """An upload whose parts are all at the host."""

    def __init__(self, upload: Upload, size: int, message_id: bytes | None) -> None:
        self._upload = upload
        self.size = size
        self.message_id = message_id

    def commit(self, expect: Expectation = ANY) -> Stat:
        return self._upload.commit(expect)

    def abort(self) -> None:
        self._upload.abort()


def _chunks(source: Source) -> Iterator[memoryview]:
    """Return the source's bytes as a sequence of non-empty chunks; a file is read `PIECE` bytes at a time."""
    read: Callable[[int], bytes] | None = getattr(source, "read", None)
    if read is not None:
        return map(memoryview, iter(lambda: read(PIECE), b""))
    if isinstance(source, (bytes, bytearray, memoryview)) or not isinstance(source, Iterable):
        view = memoryview(source).cast("B")
        return iter((view,) if view else ())
    return (memoryview(chunk) for chunk in source if chunk)


def _parts(writer: _Writer, pieces: Iterable[memoryview], size: int) -> Iterator[tuple[memoryview, bool]]:
    """Give the stored bytes in parts of exactly `size` bytes, and whether a part is the last, which may be shorter.

    All stand in one buffer: a part is gone when the next is asked for.
    """
    room = writer.room(PIECE)
    buffer = memoryview(bytearray(size + room + len(writer.header)))
    held = len(writer.header)
    buffer[:held] = writer.header
    for piece in chain(pieces, (None,)):
        free = buffer[held:]
        held += writer.finish_into(free) if piece is None else writer.update_into(piece, free)
        start = 0
        while held - start > size:
            yield buffer[start : start + size], False
            start += size
        if start:
            buffer[: held - start] = buffer[start:held]
            held -= start
    yield buffer[:held], True
