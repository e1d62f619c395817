"""Small messages to try things on, and the keys that open them."""

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from portable.errors import UnknownEpoch
from portable.format import context, metadata
from portable.format.header import parse
from portable.format.message import Encryptor, encrypt

WRAPPING_KEY: Final = bytes(range(32))
CONTEXT_KEY: Final = bytes(range(32, 64))
VOLUME_ID: Final = bytes(range(16))
KEY_NAME: Final = f"{VOLUME_ID.hex()}/{bytes(8).hex()}".encode()
KEY: Final = "records/2031/01.parquet"
PAYLOAD: Final = b'{"t":"application/vnd.apache.parquet"}'
ANY_LENGTH: Final = range(1, 2**31)
"""Frame lengths below the profile's, so that a message of many frames is small."""


def key_for(name: bytes) -> bytes:
    if name != KEY_NAME:
        raise UnknownEpoch(f"no epoch {name!r}")
    return WRAPPING_KEY


def context_for(message_id: bytes, metadata_key: bytes) -> Mapping[str, str]:
    return context.build(
        place=context.place(CONTEXT_KEY, VOLUME_ID, KEY), slot=metadata.seal_slot(metadata_key, message_id, PAYLOAD)
    )


def encryptor(frame_length: int = 16) -> Encryptor:
    return Encryptor.create(WRAPPING_KEY, KEY_NAME, frame_length, context_for, frame_lengths=ANY_LENGTH)


def message(plaintext: bytes, frame_length: int = 16) -> bytearray:
    return encrypt(plaintext, WRAPPING_KEY, KEY_NAME, frame_length, context_for, frame_lengths=ANY_LENGTH)


def data_key(stored: Buffer) -> bytes:
    """Return the data key of a message, unwrapped as whoever holds the wrapping key could."""
    header = parse(stored, frame_lengths=ANY_LENGTH)
    return AESGCM(WRAPPING_KEY).decrypt(header.wrapped.iv, header.wrapped.ciphertext, header.context_bytes)


def pattern(length: int) -> bytes:
    """Return bytes in which no two frames are equal."""
    return b"".join(number.to_bytes(4, "big") for number in range(length // 4 + 1))[:length]
