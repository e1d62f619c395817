"""What is measured, each beside what it is compared with. Every run does its whole work on every call."""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.backends.protocol import Attributes
from portable.format.layout import REGULAR_OVERHEAD
from portable.format.message import Decryptor, Encryptor, decrypt, encrypt
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata, open_header, read_metadata, seal
from tests.format import public_sdk
from tests.format.samples import KEY_NAME, WRAPPING_KEY, context_for, key_for

FRAME: Final = 256 * 1024
STORED: Final = FRAME + REGULAR_OVERHEAD
WINDOW: Final = 8 * 1024 * 1024
"""Bytes of plaintext that a reused buffer holds: 32 frames, as a volume reads them."""
CACHED: Final = 1024 * 1024
"""Bytes of plaintext that stay in a processor's own cache with what they become: 4 frames, as a volume writes them."""
TURN: Final = 32 * 1024 * 1024
"""Bytes that a thread works through in one round, so that handing it the work counts for nothing."""


class Frames:
    """Whole frames of one message from and into buffers that are used again, beside the bare cipher over the same chunks."""

    def __init__(self, window: int = WINDOW) -> None:
        self.plaintext = memoryview(os.urandom(window))
        writer = _encryptor()
        message = memoryview(writer.header + writer.update(self.plaintext) + writer.finish())
        self._reader = Decryptor.open(message, key_for)
        body = self._reader.body(len(message))
        self._reader.final(message[slice(*body.final_span(self._reader.header_length))], body)
        self._stored = message[slice(*body.span(1, body.frames, self._reader.header_length))]
        self._cipher, self._aad, self._iv = AESGCM(os.urandom(32)), bytes(71), bytes(12)
        self._writer = _encryptor()
        self._sealed, self._clear = bytearray(self._writer.room(window)), bytearray(window)
        self._bare_sealed = memoryview(bytearray(len(self._stored)))
        self.bare_encrypt()

    def encrypt(self) -> None:
        """Encrypt the window as the next frames of a message."""
        self._writer.update_into(self.plaintext, self._sealed)

    def decrypt(self) -> None:
        """Decrypt the window's frames."""
        self._reader.frames_into(1, self._stored, self._clear)

    def bare_encrypt(self) -> None:
        """Encrypt the same chunks with the cipher alone, one IV and one AAD for all: as much work, and no encryption."""
        for index in range(len(self.plaintext) // FRAME):
            self._cipher.encrypt_into(self._iv, self._chunk(index), self._aad, self._place(index))

    def bare_decrypt(self) -> None:
        """Decrypt chunks of the same length with the cipher alone."""
        clear = memoryview(self._clear)
        for index in range(len(self.plaintext) // FRAME):
            out = clear[index * FRAME : (index + 1) * FRAME]
            self._cipher.decrypt_into(self._iv, self._place(index), self._aad, out)

    def _chunk(self, index: int) -> memoryview:
        return self.plaintext[index * FRAME : (index + 1) * FRAME]

    def _place(self, index: int) -> memoryview:
        return self._bare_sealed[index * STORED + REGULAR_OVERHEAD - 16 : (index + 1) * STORED]


class Threads:
    """The work of one thread, `TURN` bytes, done by one or by two at once, each with buffers of its own."""

    def __init__(self, window: int, work: Callable[[Frames], None]) -> None:
        self._work = work
        self._times = TURN // window
        self._frames = Frames(window), Frames(window)
        self._pool = ThreadPoolExecutor(2)

    def one(self) -> None:
        """Do it once, in a thread."""
        self._pool.submit(self._turn, self._frames[0]).result()

    def two(self) -> None:
        """Do it twice, in two threads."""
        for done in [self._pool.submit(self._turn, frames) for frames in self._frames]:
            done.result()

    def _turn(self, frames: Frames) -> None:
        for _ in range(self._times):
            self._work(frames)


class Whole:
    """A whole object in memory, into fresh memory and into buffers that are used again, beside the public SDK's stream."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._plaintext = os.urandom(length)
        self._message = bytes(encrypt(self._plaintext, WRAPPING_KEY, KEY_NAME, FRAME, context_for))
        self._clear, self._sealed = bytearray(length), bytearray(_encryptor().room(WINDOW))

    def encrypt(self) -> None:
        """Write the message window by window through one buffer."""
        writer, view = _encryptor(), memoryview(self._plaintext)
        for start in range(0, self.length, WINDOW):
            writer.update_into(view[start : start + WINDOW], self._sealed)
        writer.finish_into(self._sealed)

    def decrypt(self) -> None:
        """Open the message into one buffer."""
        Decryptor.open(self._message, key_for).whole_into(self._message, self._clear)

    def encrypt_fresh(self) -> None:
        """Write the message into memory that is fresh."""
        encrypt(self._plaintext, WRAPPING_KEY, KEY_NAME, FRAME, context_for)

    def decrypt_fresh(self) -> None:
        """Open the message into memory that is fresh."""
        decrypt(self._message, key_for)

    def sdk_encrypt(self) -> None:
        """Write a message of the same frames with the public SDK, frame by frame, keeping nothing."""
        for _ in public_sdk.encrypt_stream(io.BytesIO(self._plaintext), FRAME):
            pass

    def sdk_decrypt(self) -> None:
        """Open the message with the public SDK, frame by frame, keeping nothing."""
        for _ in public_sdk.decrypt_stream(io.BytesIO(self._message)):
            pass


class Small:
    """An object of a volume that fits one frame: place, metadata, header and content."""

    key = "records/2031/01/part-00000.parquet"
    described = Metadata(Attributes(content_type="application/vnd.apache.parquet"), datetime(2031, 1, 1, tzinfo=UTC))

    def __init__(self, length: int) -> None:
        self._keys = VolumeKeys.generate("bench")
        self._plaintext = os.urandom(length)
        self._message = self.encrypt()
        self._sdk_message = public_sdk.encrypt(self._plaintext, FRAME, {"portable": self.key})

    def encrypt(self) -> bytearray:
        """Write the object's message."""
        return seal(self._keys, self.key, self.described).encryptor.whole(self._plaintext)

    def decrypt(self) -> bytearray:
        """Open the message, for the key that it was written for."""
        return open_header(self._keys, self.key, self._message).whole(self._message)

    def decrypt_described(self) -> Metadata:
        """Open the message and read its metadata too."""
        reader = open_header(self._keys, self.key, self._message)
        reader.whole(self._message)
        return read_metadata(reader, _no_overflow)

    def sdk_encrypt(self) -> None:
        """Write a message of the same plaintext with the public SDK."""
        public_sdk.encrypt(self._plaintext, FRAME, {"portable": self.key})

    def sdk_decrypt(self) -> None:
        """Open a message with the public SDK."""
        public_sdk.decrypt(self._sdk_message)


def _encryptor() -> Encryptor:
    return Encryptor.create(WRAPPING_KEY, KEY_NAME, FRAME, context_for)


def _no_overflow(key: str) -> bytes:
    raise LookupError(f"the metadata of a small object fits its slot: {key}")
