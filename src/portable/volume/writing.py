"""Writers: what is staged at a store, invisible, until one short commit.

Staging encrypts once. A commit may be repeated, because it sends the same bytes again; what failed while staging is aborted and
never resumed.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Stat, Upload
from portable.errors import PortableError
from portable.sealed import Sealing

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


def plaintext_chunks(source: Source, size: int) -> Iterator[Buffer]:
    """Return the source's bytes as a sequence of non-empty chunks; a file is read `size` bytes at a time."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        view = memoryview(source).cast("B")
        return (view[start : start + size] for start in range(0, len(view), size))
    read = getattr(source, "read", None)
    if read is not None:
        return iter(lambda: read(size), b"")
    if isinstance(source, Iterable):
        return (chunk for chunk in source if chunk)
    view = memoryview(source).cast("B")
    return (view[start : start + size] for start in range(0, len(view), size))


def stage(backend: Backend, key: str, source: Source, *, attributes: Attributes | None, sealing: Sealing | None) -> Staged:
    """Encrypt the source (where `sealing` is given) and stage it: in memory up to one part, as an upload beyond.

    Raises: what the source's `read` raises, InvalidKey, Unsupported, Denied, Unavailable; nothing stays staged then.
    """
    part_size = backend.capabilities.part_size
    counted = _Counted(plaintext_chunks(source, part_size))
    stored = _sealed(sealing, counted) if sealing else counted
    parts = _parts(stored, part_size)
    message_id = sealing.encryptor.message_id if sealing else None
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        return _Whole(backend, key, first, attributes, counted.size, message_id)
    upload = backend.begin(key, attributes=attributes)
    try:
        for number, part in enumerate(_chain(first, second, parts)):
            upload.part(number, part)
    except BaseException:
        # What the source or the host raised is the news; a failing abort must not hide it.
        with contextlib.suppress(PortableError):
            upload.abort()
        raise
    return _Parts(upload, counted.size, message_id)


class _Counted:
    """Passes chunks on and counts their bytes."""

    def __init__(self, chunks: Iterator[Buffer]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[Buffer]:
        for chunk in self._chunks:
            self.size += memoryview(chunk).nbytes
            yield chunk


class _Whole:
    """One put of bytes held in memory."""

    def __init__(
        self, backend: Backend, key: str, data: bytes, attributes: Attributes | None, size: int, message_id: bytes | None
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


def _sealed(sealing: Sealing, plaintext: Iterable[Buffer]) -> Iterator[Buffer]:
    yield sealing.encryptor.header
    for chunk in plaintext:
        yield sealing.encryptor.update(chunk)
    yield sealing.encryptor.finish()


def _parts(stored: Iterable[Buffer], size: int) -> Iterator[bytes]:
    """Cut stored bytes into parts of exactly `size` bytes; the last may be shorter."""
    held = bytearray()
    for chunk in stored:
        held += chunk
        while len(held) >= size:
            yield bytes(memoryview(held)[:size])
            del held[:size]
    if held:
        yield bytes(held)


def _chain(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest
