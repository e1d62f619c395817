"""Writing a message: in one piece, or as a stream of plaintext."""

import os
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from portable.format import derive
from portable.format.context import NAMESPACE
from portable.format.frames import FrameSealer, Unpicklable, view
from portable.format.header import FRAME_LENGTHS, MESSAGE_ID, MESSAGE_ID_LENGTH, WrappedDataKey, encode_body, encode_context
from portable.format.layout import FINAL_OVERHEAD, REGULAR_OVERHEAD, Body
from portable.format.unlock import HEADER_IV, KeyFor, unlock

ContextFor = Callable[[bytes, bytes], Mapping[str, str]]
"""(message id, data key) -> encryption context. The data key is for sealing the metadata slot and nothing else."""


class Encryptor(Unpicklable):
    """A single pass of encryption over one message.

    Feed plaintext to `update` from one thread at a time, then call `finish`; send `header` and what they return, in order. To
    send again, send the same ciphertext again: after `finish`, or any failure, the encryptor is dead and raises RuntimeError.
    """

    __slots__ = ("_header", "_pending", "_sealer")

    def __init__(self, header: bytes, sealer: FrameSealer) -> None:
        self._header = header
        self._sealer: FrameSealer | None = sealer
        self._pending = bytearray()

    @classmethod
    def create(
        cls,
        wrapping_key: bytes,
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
        parsed, _, content_key = unlock(header, key_for, frame_lengths)
        Body(parsed.frame_length, frames_before, 0)
        sealer = FrameSealer(content_key, parsed.message_id, parsed.frame_length, frames_before)
        return cls(parsed.serialize(), sealer)

    @property
    def header(self) -> bytes:
        """What the message begins with. Safe to journal: the data key in it is wrapped."""
        return self._header

    @property
    def message_id(self) -> bytes:
        """32 bytes, random, public."""
        return self._header[MESSAGE_ID]

    def update(self, plaintext: Buffer) -> bytearray:
        """Take any amount of plaintext, return the frames that are full now (perhaps none), in a buffer that is the caller's.

        Raises: RuntimeError (dead), ValueError (more frames than a message can have); the encryptor is dead afterwards.
        """
        sealer, self._sealer = self._alive(), None  # dead unless this call succeeds
        size, stored = sealer.frame_length, sealer.frame_length + REGULAR_OVERHEAD
        data = view(plaintext)
        out = bytearray((len(self._pending) + len(data)) // size * stored)
        target = memoryview(out)
        if self._pending and out:
            cut = size - len(self._pending)
            self._pending += data[:cut]
            sealer.run(memoryview(self._pending), target[:stored])
            self._pending, data, target = bytearray(), data[cut:], target[stored:]
        whole = len(data) // size * size
        sealer.run(data[:whole], target)
        self._pending += data[whole:]
        self._sealer = sealer
        return out

    def finish(self) -> bytearray:
        """Return the final frame.

        Raises: RuntimeError (dead).
        """
        sealer, self._sealer = self._alive(), None
        out = bytearray(FINAL_OVERHEAD + len(self._pending))
        sealer.final(memoryview(self._pending), memoryview(out))
        return out

    def _alive(self) -> FrameSealer:
        if self._sealer is None:
            raise RuntimeError(
                "this encryptor is finished or has failed: send the same ciphertext again or begin a new message"
            )
        return self._sealer


def encrypt(
    plaintext: Buffer,
    wrapping_key: bytes,
    key_name: bytes,
    frame_length: int,
    context_for: ContextFor,
    *,
    frame_lengths: range = FRAME_LENGTHS,
) -> bytearray:
    """Return the complete message of `plaintext` in one buffer.

    Raises: ValueError (a length outside the profile), and what `context_for` raises.
    """
    data = view(plaintext)
    body = Body.of_plaintext(len(data), frame_length)
    header, sealer = _begin(wrapping_key, key_name, frame_length, context_for, frame_lengths)
    final = body.final_span(len(header))
    out = bytearray(final.stop)
    target = memoryview(out)
    split = len(data) - body.tail
    target[: len(header)] = header
    sealer.run(data[:split], target[len(header) : final.start])
    sealer.final(data[split:], target[final.start :])
    return out


def _begin(
    wrapping_key: bytes, key_name: bytes, frame_length: int, context_for: ContextFor, frame_lengths: range
) -> tuple[bytes, FrameSealer]:
    """Draw a message id and a data key, and make the one header that they will ever have."""
    if frame_length not in frame_lengths:
        raise ValueError(f"frames of {frame_length} bytes; {frame_lengths.start} to {frame_lengths.stop - 1} are allowed")
    message_id, data_key = os.urandom(MESSAGE_ID_LENGTH), os.urandom(derive.KEY_LENGTH)
    context = encode_context(context_for(message_id, data_key))
    iv = os.urandom(derive.IV_LENGTH)
    wrapped = WrappedDataKey(NAMESPACE, key_name, iv, derive.wrap(wrapping_key, iv, data_key, context))
    body = encode_body(message_id, context, wrapped, frame_length, derive.commitment(data_key, message_id))
    content_key = derive.content_key(data_key, message_id)
    header = body + AESGCM(content_key).encrypt(HEADER_IV, b"", body)
    return header, FrameSealer(content_key, message_id, frame_length)
