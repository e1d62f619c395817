"""Writing a message: in one piece, or as a stream of plaintext."""

import os
import struct
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from portable.format import derive
from portable.format.context import NAMESPACE
from portable.format.frames import FrameSealer, Unpicklable, front, view
from portable.format.header import FRAME_LENGTHS, MESSAGE_ID, MESSAGE_ID_LENGTH, WrappedDataKey, encode_body, encode_context
from portable.format.layout import FINAL_OVERHEAD, REGULAR_OVERHEAD, Body
from portable.format.unlock import HEADER_IV, KeyFor, unlock

ContextFor = Callable[[bytes, bytes], Mapping[str, str]]
"""(message id, metadata key) -> encryption context."""


_DRAWN = struct.Struct(f"{MESSAGE_ID_LENGTH}s{derive.KEY_LENGTH}s{derive.IV_LENGTH}s")
"""What is random in a new header: message id, data key, wrapping IV."""


class Encryptor(Unpicklable):
    """A single pass of encryption over one message.

    Feed plaintext to `update` from one thread at a time, then call `finish`; send `header` and what they return, in order. Or
    call `whole` alone. To send again, send the same ciphertext again: after `finish`, `whole` or any failure, the encryptor is
    dead and raises RuntimeError.

    `update_into` and `finish_into` write into a buffer of the caller's, to be filled again once its bytes have been sent:
    memory that is fresh for every call costs several times what the cipher does.
    """

    __slots__ = ("_header", "_pending", "_sealer")

    def __init__(self, header: bytes, sealer: FrameSealer) -> None:
        self._header = header
        self._sealer: FrameSealer | None = sealer
        self._pending = bytearray()

    @classmethod
    def create(
        cls,
        wrapping_key: derive.WrappingKey,
        key_name: bytes,
        frame_length: int,
        context_for: ContextFor,
        *,
        frame_lengths: range = FRAME_LENGTHS,
    ) -> "Encryptor":
        """Begin a new message: message id, data key and IVs are drawn here and cannot be chosen.

        Raises: ValueError (a length outside the profile), and what `context_for` raises.
        """
        return cls(*_begin(wrapping_key, key_name, frame_length, context_for, frame_lengths))

    @classmethod
    def resume(
        cls, header: Buffer, key_for: KeyFor, frames_before: int = 0, *, frame_lengths: range = FRAME_LENGTHS
    ) -> "Encryptor":
        """Begin another pass over a message whose header was made before, behind its first `frames_before` regular frames.

        For an upload in parts that goes on after a crash: `header` is kept byte for byte, and the pass has IVs of its own. The
        caller has made sure that the plaintext is still the one that the earlier frames were made of.

        Raises: MalformedMessage, IntegrityError, ValueError (a message cannot have so many frames), and what `key_for` raises.
        """
        parsed, cipher, _ = unlock(header, key_for, frame_lengths)
        Body(parsed.frame_length, frames_before, 0)
        sealer = FrameSealer(cipher, parsed.message_id, parsed.frame_length, frames_before)
        return cls(parsed.serialize(), sealer)

    @property
    def header(self) -> bytes:
        """What the message begins with. Safe to journal: the data key in it is wrapped."""
        return self._header

    @property
    def message_id(self) -> bytes:
        """32 bytes, random, public."""
        return self._header[MESSAGE_ID]

    def whole(self, plaintext: Buffer) -> bytearray:
        """Return the complete message, header included, of all its plaintext: what `update` and `finish` make, in one buffer.

        Raises: RuntimeError (dead, or `update` has been called), ValueError (more frames than a message can have); the
        encryptor is dead afterwards.
        """
        sealer, self._sealer = self._alive(), None
        if self._pending or sealer.begun:
            raise RuntimeError("part of this message has been given to `update`: begin a new one")
        data, header = view(plaintext), self._header
        start, split = len(header), len(data) - len(data) % sealer.frame_length
        final = start + self._full(sealer, len(data))
        out = bytearray(final + FINAL_OVERHEAD + len(data) - split)
        target = memoryview(out)
        target[:start] = header
        if split:
            sealer.run(data[:split], target[start:final])
        sealer.final(data[split:], target[final:])
        return out

    def update(self, plaintext: Buffer) -> bytearray:
        """Take any amount of plaintext, return the frames that are full now (perhaps none), in a buffer that is the caller's.

        Raises: RuntimeError (dead), ValueError (more frames than a message can have); the encryptor is dead afterwards.
        """
        sealer, self._sealer = self._alive(), None  # dead unless this call succeeds
        data = view(plaintext)
        out = bytearray(self._full(sealer, len(data)))
        self._seal(sealer, data, memoryview(out))
        self._sealer = sealer
        return out

    def update_into(self, plaintext: Buffer, out: Buffer) -> int:
        """Do as `update` does, with the frames at the front of `out`; return how many bytes they are.

        They are at most `room(len(plaintext))`. Raises: RuntimeError (dead), ValueError (`out` is too short, read-only or the
        buffer that is read; more frames than a message can have); the encryptor is dead afterwards.
        """
        sealer, self._sealer = self._alive(), None
        data = view(plaintext)
        length = self._full(sealer, len(data))
        self._seal(sealer, data, front(out, length, data))
        self._sealer = sealer
        return length

    def stored_length(self, length: int) -> int:
        """Return how many bytes the complete message of `length` bytes has.

        Raises: RuntimeError (dead), ValueError (negative, or more frames than a message can have).
        """
        return len(self._header) + Body.of_plaintext(length, self._alive().frame_length).stored_length

    def room(self, length: int) -> int:
        """Return how many bytes of buffer are enough for any `update_into` of `length` bytes, and for `finish_into`."""
        frame_length = self._alive().frame_length
        return (length // frame_length + 1) * (frame_length + REGULAR_OVERHEAD) + FINAL_OVERHEAD

    def finish(self) -> bytearray:
        """Return the final frame.

        Raises: RuntimeError (dead).
        """
        sealer, self._sealer = self._alive(), None
        out = bytearray(FINAL_OVERHEAD + len(self._pending))
        sealer.final(memoryview(self._pending), memoryview(out))
        return out

    def finish_into(self, out: Buffer) -> int:
        """Write the final frame to the front of `out`; return how many bytes it is.

        Raises: RuntimeError (dead), ValueError (`out` is too short or read-only); the encryptor is dead afterwards.
        """
        sealer, self._sealer = self._alive(), None
        pending = memoryview(self._pending)
        target = front(out, FINAL_OVERHEAD + len(pending), pending)
        sealer.final(pending, target)
        return len(target)

    def _full(self, sealer: FrameSealer, length: int) -> int:
        """Return the stored bytes of the frames that `length` bytes more would fill."""
        return (len(self._pending) + length) // sealer.frame_length * (sealer.frame_length + REGULAR_OVERHEAD)

    def _seal(self, sealer: FrameSealer, data: memoryview, target: memoryview) -> None:
        """Encrypt the frames that are full now into `target`, exactly as long; keep what is left of the plaintext."""
        size, stored = sealer.frame_length, sealer.frame_length + REGULAR_OVERHEAD
        if self._pending and target:
            cut = size - len(self._pending)
            self._pending += data[:cut]
            sealer.run(memoryview(self._pending), target[:stored])
            self._pending, data, target = bytearray(), data[cut:], target[stored:]
        whole = len(data) // size * size
        if whole:
            sealer.run(data[:whole], target)
        self._pending += data[whole:]

    def _alive(self) -> FrameSealer:
        if self._sealer is None:
            raise RuntimeError(
                "this encryptor is finished or has failed: send the same ciphertext again or begin a new message"
            )
        return self._sealer


def encrypt(
    plaintext: Buffer,
    wrapping_key: derive.WrappingKey,
    key_name: bytes,
    frame_length: int,
    context_for: ContextFor,
    *,
    frame_lengths: range = FRAME_LENGTHS,
) -> bytearray:
    """Return the complete message of `plaintext` in one buffer.

    Raises: ValueError (a length outside the profile), and what `context_for` raises.
    """
    writer = Encryptor.create(wrapping_key, key_name, frame_length, context_for, frame_lengths=frame_lengths)
    return writer.whole(plaintext)


def _begin(
    wrapping_key: derive.WrappingKey, key_name: bytes, frame_length: int, context_for: ContextFor, frame_lengths: range
) -> tuple[bytes, FrameSealer]:
    """Draw a message id and a data key, and make the one header that they will ever have."""
    if frame_length not in frame_lengths:
        raise ValueError(f"frames of {frame_length} bytes; {frame_lengths.start} to {frame_lengths.stop - 1} are allowed")
    message_id, data_key, iv = _DRAWN.unpack(os.urandom(_DRAWN.size))
    content_key, commitment, metadata_key = derive.message_keys(data_key, message_id)
    context = encode_context(context_for(message_id, metadata_key))
    wrapped = WrappedDataKey(NAMESPACE, key_name, iv, derive.wrap(wrapping_key, iv, data_key, context))
    body = encode_body(message_id, context, wrapped, frame_length, commitment)
    cipher = AESGCM(content_key)
    header = body + cipher.encrypt(HEADER_IV, b"", body)
    return header, FrameSealer(cipher, message_id, frame_length)
