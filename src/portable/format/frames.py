"""AES-256-GCM over the frames of one message, into buffers that the caller made.

    regular frame   seq u32 | iv[12] | ciphertext[F] | tag[16]
    final frame     ffffffff | seq u32 | iv[12] | length u32 | ciphertext | tag[16]
    aad             message id || "AWSKMSEncryptionClient Frame" or "... Final Frame" || seq u32 || length u64

Source: AWS Encryption SDK specification, "Message body" and "Message body AAD".

Frame IV = r[8] || seq, with r random for every pass of encryption. The specification's own choice is 0^8 || seq, which would
send two plaintexts under one key and IV if bytes changed between an attempt and its repetition; readers use the stored IV, so
any public reader follows. No frame IV equals the header's (twelve zeros), because seq starts at 1.
"""

import os
import struct
import threading
from collections.abc import Iterator
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from portable.format.derive import IV_LENGTH, altered
from portable.format.layout import FINAL_OVERHEAD, MAX_REGULAR_FRAMES, REGULAR_OVERHEAD

_REGULAR = struct.Struct(f">I{IV_LENGTH}s")
_FINAL = struct.Struct(f">II{IV_LENGTH}sI")
_AAD_END = struct.Struct(">IQ")
_REGULAR_NAME: Final = b"AWSKMSEncryptionClient Frame"
_FINAL_NAME: Final = b"AWSKMSEncryptionClient Final Frame"
_END_MARKER: Final = 0xFFFFFFFF
_IV_PREFIX_LENGTH = 8
_BATCH: Final = 64
"""Frames that are made ready before the first of them goes through the cipher: the cipher works without the interpreter's lock,
and a thread that needs the lock between two frames for little else but a call seldom finds it taken by another."""

_Arguments = tuple[bytes, memoryview, bytes, memoryview]
"""IV, what is read, AAD, where to."""


def view(data: Buffer) -> memoryview:
    """Return `data` (contiguous) as bytes, without a copy."""
    return memoryview(data).cast("B")


def front(out: Buffer, length: int, source: memoryview) -> memoryview:
    """Return the first `length` bytes of the caller's buffer `out`, to be filled from `source`.

    Raises: ValueError (shorter; read-only; or of one memory with `source`, because a cipher that overtakes what it reads makes
    an authentic message of garbage).
    """
    target = view(out)
    if len(target) < length:
        raise ValueError(f"a buffer of {len(target)} bytes for {length}")
    if target.readonly:
        raise ValueError("the buffer to write into is read-only")
    if target.obj is source.obj:
        raise ValueError("the buffer to write into is the one that is read: give another")
    return target[:length]


class Unpicklable:
    """Base of objects that hold keys: no pickle, and no copy, which would fork the count of frames."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds keys: it can be neither pickled nor copied")


class FrameSealer(Unpicklable):
    """One pass of encryption over a message's frames.

    Invariant: no (key, IV) pair is used twice. r is drawn here and has no parameter; a seq is claimed before it is used and is
    never given out again, whatever fails afterwards; a forked child, which has the same r and count, is refused.
    """

    __slots__ = ("_aead", "_final_aad", "_iv_prefix", "_lock", "_next", "_process", "_regular_aad", "frame_length")

    def __init__(self, cipher: AESGCM, message_id: bytes, frame_length: int, frames_before: int = 0) -> None:
        self._aead = cipher
        self.frame_length = frame_length
        self._regular_aad = message_id + _REGULAR_NAME
        self._final_aad = message_id + _FINAL_NAME
        self._iv_prefix = os.urandom(_IV_PREFIX_LENGTH)
        self._next: int | None = frames_before + 1
        self._lock = threading.Lock()
        self._process = os.getpid()

    @property
    def begun(self) -> bool:
        """Whether a frame of the message, in this pass or before it, has been claimed."""
        return self._next != 1

    def run(self, plaintext: memoryview, out: memoryview) -> None:
        """Encrypt whole frames into `out`, which is exactly as long as they will be.

        Raises: RuntimeError (after `final`, or in another process), ValueError (more frames than a message can have).
        """
        count = len(plaintext) // self.frame_length
        first = self._claim(count)
        seal = self._aead.encrypt_into
        for batch in _batches(count):
            for arguments in [self._regular(first, index, plaintext, out) for index in batch]:
                seal(*arguments)

    def final(self, plaintext: memoryview, out: memoryview) -> None:
        """Encrypt the final frame into `out`, which is exactly as long as it will be; the pass is over.

        Raises: RuntimeError (after `final`, or in another process).
        """
        seq = self._claim(None)
        iv = self._iv(seq)
        _FINAL.pack_into(out, 0, _END_MARKER, seq, iv, len(plaintext))
        aad = self._final_aad + _AAD_END.pack(seq, len(plaintext))
        self._aead.encrypt_into(iv, plaintext, aad, out[_FINAL.size :])

    def _regular(self, first: int, index: int, plaintext: memoryview, out: memoryview) -> _Arguments:
        """Write the front of the frame `index` of a run, and return what the cipher takes for the rest of it."""
        size = self.frame_length
        seq, start, stop = first + index, index * (size + REGULAR_OVERHEAD), (index + 1) * (size + REGULAR_OVERHEAD)
        iv = self._iv(seq)
        _REGULAR.pack_into(out, start, seq, iv)
        aad = self._regular_aad + _AAD_END.pack(seq, size)
        return iv, plaintext[index * size : (index + 1) * size], aad, out[start + _REGULAR.size : stop]

    def _claim(self, count: int | None) -> int:
        """Return the first of `count` seq numbers; None claims the last one of the pass."""
        with self._lock:
            first = self._next
            if first is None:
                raise RuntimeError("this pass of encryption is over: begin a new message")
            if os.getpid() != self._process:
                raise RuntimeError("a pass of encryption belongs to the process that began it: begin a new message in this one")
            if count is not None and first + count - 1 > MAX_REGULAR_FRAMES:
                raise ValueError(f"a message has at most {MAX_REGULAR_FRAMES} regular frames; use longer frames")
            self._next = None if count is None else first + count
            return first

    def _iv(self, seq: int) -> bytes:
        return self._iv_prefix + seq.to_bytes(4, "big")


class FrameOpener(Unpicklable):
    """Decrypts frames of one message; has no state, so several threads may share one."""

    __slots__ = ("_aead", "_final_aad", "_frame_length", "_regular_aad")

    def __init__(self, cipher: AESGCM, message_id: bytes, frame_length: int) -> None:
        self._aead = cipher
        self._frame_length = frame_length
        self._regular_aad = message_id + _REGULAR_NAME
        self._final_aad = message_id + _FINAL_NAME

    def run(self, first: int, stored: memoryview, out: memoryview) -> None:
        """Decrypt consecutive whole regular frames, `first` being the seq of the first, into `out`, exactly as long.

        Raises: IntegrityError; `out` then holds bytes that are to be wiped.
        """
        decrypt = self._aead.decrypt_into
        try:
            for batch in _batches(len(stored) // (self._frame_length + REGULAR_OVERHEAD)):
                for arguments in [self._regular(first, index, stored, out) for index in batch]:
                    decrypt(*arguments)
        except InvalidTag:
            raise altered() from None

    def final(self, seq: int, stored: memoryview, out: memoryview) -> None:
        """Decrypt the final frame, whose seq must be `seq` and whose plaintext must be exactly as long as `out`.

        Raises: IntegrityError; `out` then holds bytes that are to be wiped.
        """
        marker, found, iv, length = _FINAL.unpack_from(stored)
        if (marker, found, length) != (_END_MARKER, seq, len(stored) - FINAL_OVERHEAD):
            raise altered()
        try:
            self._aead.decrypt_into(iv, stored[_FINAL.size :], self._final_aad + _AAD_END.pack(seq, length), out)
        except InvalidTag:
            raise altered() from None

    def _regular(self, first: int, index: int, stored: memoryview, out: memoryview) -> _Arguments:
        """Check the front of the frame `index` of a run, and return what the cipher takes for the rest of it."""
        size = self._frame_length
        start, stop = index * (size + REGULAR_OVERHEAD), (index + 1) * (size + REGULAR_OVERHEAD)
        seq, iv = _REGULAR.unpack_from(stored, start)
        if seq != first + index:
            raise altered()
        aad = self._regular_aad + _AAD_END.pack(seq, size)
        return iv, stored[start + _REGULAR.size : stop], aad, out[index * size : (index + 1) * size]


def _batches(count: int) -> Iterator[range]:
    """Cut the numbers from 0 to `count` - 1 into ranges of at most `_BATCH`."""
    return (range(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH))
