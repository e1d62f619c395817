"""Writers: they encrypt an object once, and stage it at a store. What fails meanwhile is aborted and never resumed.

Plaintext is encrypted as it comes, into the buffer of the part that it belongs to, which goes out as soon as it is full (see
`portable.volume.sending`). A part's buffer has some room beyond: what lies in it moves to the front of the next one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, Final, Protocol

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Upload
from portable.errors import ConfigurationError, Unsupported
from portable.sealed import Sealing
from portable.volume.sending import AtOnce, InTurn, Sender
from portable.volume.spooling import SpooledUpload
from portable.volume.staged import Parts, Staged, Whole

PIECE: Final = 1024 * 1024
"""Bytes of plaintext that are read and encrypted at a time: they stay in a processor's cache, where a whole part would not."""
PARALLEL: Final = 4
"""Parts of one object on their way at once, where nothing else is asked for."""

Source = Buffer | BinaryIO | Iterable[bytes]
"""What can be written: bytes, a binary file (read from where it stands to its end), or an iterable of chunks."""


def stage(
    backend: Backend,
    key: str,
    source: Source,
    *,
    attributes: Attributes | None,
    sealing: Sealing | None,
    expect: Expectation = ANY,
    parallel: int = PARALLEL,
    size: int | None = None,
) -> Staged:
    """Encrypt the source (where `sealing` is given) and stage it: in memory up to one part, as an upload beyond.

    Up to `parallel` parts are on their way at once, from threads that have ended when this returns; with 1 they go one after
    another, from the caller's thread. Memory holds `parallel` + 1 parts (1, with 1) and a megabyte or so for each. `size` is
    that of the source in bytes, where it is known: without it, the parts of a very large object grow on the way. `expect` is
    what the commit will: where the host commits no upload so, the message waits in a temporary file and is put whole, and an
    object in clear is refused before anything is sent.

    Raises: what the source's `read` raises, InvalidKey, Unsupported, Denied, Unavailable; nothing stays staged then.
    """
    message_id = sealing.encryptor.message_id if sealing else None
    writer: _Writer = sealing.encryptor if sealing else _Clear()
    chunks = _chunks(source)
    first, second = next(chunks, memoryview(b"")), next(chunks, None)
    if second is None:
        size = len(first)
        if writer.stored_length(size) <= backend.capabilities.part_size:
            return Whole(backend, key, writer.whole(first), attributes, size, message_id)
    sender = _sender(backend, key, attributes, expect, parallel, sealed=sealing is not None)
    begun = Stream(backend, key, attributes=attributes, sealing=sealing, sender=sender, size=size)
    try:
        for chunk in chain((first,), () if second is None else (second,), chunks):
            begun.write(chunk)
    except BaseException as error:
        begun.end_by(error)
        raise
    return begun.finish()


def checked_parallel(parallel: int) -> int:
    """Return a number of parts on their way at once. Raises: ConfigurationError (it is below 1)."""
    if parallel < 1:
        raise ConfigurationError(f"{parallel} parts at once: at least 1 is on its way")
    return parallel


def stream(
    backend: Backend,
    key: str,
    *,
    attributes: Attributes | None,
    sealing: Sealing | None,
    expect: Expectation = ANY,
    parallel: int = PARALLEL,
) -> "Stream":
    """Begin an object whose plaintext is pushed; up to `parallel` parts are on their way while the next one is filled.

    Nothing is sent before the first part is full. Memory holds `parallel` + 1 parts, and a megabyte or so for each. `expect` is
    what the commit will, as for `stage`.
    """
    sender = _sender(backend, key, attributes, expect, parallel, sealed=sealing is not None, pushed=True)
    return Stream(backend, key, attributes=attributes, sealing=sealing, sender=sender)


class Stream:
    """One object on its way to a store. Used from one thread at a time.

    Whatever ends a call but its success ends the stream: nothing of it stays staged, and later calls raise RuntimeError.
    """

    def __init__(
        self,
        backend: Backend,
        key: str,
        *,
        attributes: Attributes | None,
        sealing: Sealing | None,
        sender: Sender,
        size: int | None = None,
    ) -> None:
        """`size` is that of the plaintext in bytes, where it is known. Raises: Unsupported (too large for the host)."""
        self._backend, self._key, self._attributes = backend, key, attributes
        self._message_id = sealing.encryptor.message_id if sealing else None
        self._writer: _Writer = sealing.encryptor if sealing else _Clear()
        self._sender = sender
        self._stored = None if size is None else self._writer.stored_length(size)
        self._size = 0
        self._number = 0
        self._over = False
        self._beyond = self._writer.room(PIECE) + len(self._writer.header)
        self._part, self._buffer = self._following()
        self._held = len(self._writer.header)
        self._buffer[: self._held] = self._writer.header

    def write(self, data: Buffer) -> None:
        """Encrypt the data, and send the parts that are full. `data` is the caller's again when this returns.

        Raises: what `Sender.buffer` and `Sender.send` raise, and Unsupported (more than the host takes as one object).
        """
        view = memoryview(data).cast("B")
        with self._all_or_nothing():
            for start in range(0, len(view), PIECE):
                self._held += self._writer.update_into(view[start : start + PIECE], self._buffer[self._held :])
                self._send_full()
            self._size += len(view)

    def finish(self) -> Staged:
        """Send what is left, and return the staged object once all of it is at the host, or in memory where it fits one part.

        Raises: what `write` raises.
        """
        with self._all_or_nothing():
            self._held += self._writer.finish_into(self._buffer[self._held :])
            self._send_full()
            staged = self._staged(self._buffer[: self._held])
            self._over, self._buffer = True, memoryview(b"")
            return staged

    def discard(self) -> None:
        """Drop what was sent, when the parts on their way have arrived. Does nothing to what `finish` returned."""
        if not self._over:
            self._over = True
            self._sender.discard()

    def end_by(self, error: BaseException) -> None:
        """Discard because of `error`; one that is to end the program, such as KeyboardInterrupt, waits only a moment."""
        if isinstance(error, Exception):
            self.discard()
        elif not self._over:
            self._over = True
            self._sender.stop()

    def abandon(self) -> None:
        """Do as `discard` does, but wait for nothing: safe in a destructor."""
        if not self._over:
            self._over = True
            self._sender.abandon()

    def _following(self) -> tuple[int, memoryview]:
        """Return how many bytes the part that follows has, and a buffer for it."""
        part = self._backend.capabilities.part_size_for(self._stored, self._number)
        return part, self._sender.buffer(part + self._beyond)

    def _send_full(self) -> None:
        """Send the parts that are full. One that might be the last is kept: it may be the whole object, which is one put."""
        while self._held > self._part:
            self._sender.send(self._number, self._buffer[: self._part])
            rest = self._buffer[self._part : self._held]
            self._number += 1
            self._part, self._buffer = self._following()
            self._held = len(rest)
            self._buffer[: self._held] = rest

    def _staged(self, last: memoryview) -> Staged:
        if self._number == 0 and len(last) <= self._backend.capabilities.part_size:
            return Whole(self._backend, self._key, last, self._attributes, self._size, self._message_id)
        self._sender.send(self._number, last)
        upload = self._sender.finish()
        return Parts(self._backend, self._key, upload, self._attributes, self._size, self._message_id)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        if self._over:
            raise RuntimeError(f"the writing of {self._key!r} is over: begin anew")
        try:
            yield
        except BaseException as error:
            self.end_by(error)
            raise


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


def _sender(
    backend: Backend,
    key: str,
    attributes: Attributes | None,
    expect: Expectation,
    parallel: int,
    *,
    sealed: bool,
    pushed: bool = False,
) -> Sender:
    """Return what sends the parts; what is `pushed` to never sends from its caller's thread, which may leave it for good."""
    spooled = expect != ANY and not backend.capabilities.conditional_commit

    def begin() -> Upload:
        if spooled and not sealed:
            raise Unsupported(
                f"write {key!r} to {backend!r}: this host commits an object of more than one part on no condition, and nothing "
                "in clear is left on a disk to be sent whole"
            )
        return SpooledUpload(backend, key, attributes) if spooled else backend.begin(key, attributes=attributes)

    if spooled:
        return InTurn(begin)
    return InTurn(begin) if parallel == 1 and not pushed else AtOnce(begin, parallel)


def _chunks(source: Source) -> Iterator[memoryview]:
    """Return the source's bytes as a sequence of non-empty chunks; a file is read `PIECE` bytes at a time."""
    read: Callable[[int], bytes] | None = getattr(source, "read", None)
    if read is not None:
        return map(memoryview, iter(lambda: read(PIECE), b""))
    if isinstance(source, (bytes, bytearray, memoryview)) or not isinstance(source, Iterable):
        view = memoryview(source).cast("B")
        return iter((view,) if view else ())
    return (memoryview(chunk) for chunk in source if chunk)
