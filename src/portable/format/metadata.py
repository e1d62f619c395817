"""The metadata slot: a small sealed payload of constant length, kept in the encryption context.

    slot[192] = nonce[12] || AES-256-GCM(length u16 || payload || zeros)      164 bytes inside, tag[16]
    key       = HKDF-SHA-512(data key, salt = message id, info = "portable/v1/metadata");  AAD = message id

The payload's length is hidden; the slot is bound to its message, and what stands in the slot means nothing without it.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import MalformedMessage
from portable.format.derive import IV_LENGTH, TAG_LENGTH, altered

SLOT_LENGTH: Final = 192
_LENGTH_PREFIX = 2
SLOT_CAPACITY: Final = SLOT_LENGTH - IV_LENGTH - _LENGTH_PREFIX - TAG_LENGTH
"""How many bytes of payload fit: 162."""


def seal_slot(metadata_key: bytes, message_id: bytes, payload: bytes) -> bytes:
    """Return the sealed slot, 192 bytes, for the message `message_id` under its metadata key.

    Raises: ValueError (the payload is longer than `SLOT_CAPACITY`).
    """
    if len(payload) > SLOT_CAPACITY:
        raise ValueError(f"{len(payload)} bytes of metadata; the slot holds {SLOT_CAPACITY}")
    padded = len(payload).to_bytes(_LENGTH_PREFIX, "big") + payload.ljust(SLOT_CAPACITY, b"\0")
    nonce = os.urandom(IV_LENGTH)
    return nonce + AESGCM(metadata_key).encrypt(nonce, padded, message_id)


def open_slot(metadata_key: bytes, message_id: bytes, slot: bytes) -> bytes:
    """Return the payload.

    Raises: IntegrityError (altered, or of another message), MalformedMessage (authentic, but not what `seal_slot` makes).
    """
    if len(slot) != SLOT_LENGTH:
        raise MalformedMessage(f"a metadata slot has {SLOT_LENGTH} bytes, this one {len(slot)}")
    try:
        padded = AESGCM(metadata_key).decrypt(slot[:IV_LENGTH], slot[IV_LENGTH:], message_id)
    except InvalidTag:
        raise altered() from None
    stop = _LENGTH_PREFIX + int.from_bytes(padded[:_LENGTH_PREFIX], "big")
    if stop > len(padded) or padded[stop:].strip(b"\0"):
        raise MalformedMessage("the metadata slot holds more than its length says")
    return padded[_LENGTH_PREFIX:stop]
