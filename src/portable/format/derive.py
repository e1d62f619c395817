"""Keys from keys: what one data key and one message id make, and how the data key is wrapped.

Source: AWS Encryption SDK specification, "Algorithm suites" (0x0478) and "Raw AES keyring"; RFC 5869 (HKDF).
All keys are 32 bytes; message ids are 32 bytes; wrapping IVs are 12 bytes.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portable.errors import IntegrityError

SUITE: Final = bytes.fromhex("0478")
KEY_LENGTH: Final = 32
IV_LENGTH: Final = 12
TAG_LENGTH: Final = 16


def altered() -> IntegrityError:
    """Return the one error for everything that fails to authenticate.

    Uniform, so that nobody who alters bytes learns from the error which check stopped them.
    """
    return IntegrityError(
        "the message does not authenticate: its bytes were altered, or written under another key; "
        "read it again, then compare it with another copy"
    )


def content_key(data_key: bytes, message_id: bytes) -> bytes:
    """Return the key that encrypts the frames and authenticates the header."""
    return _expand(data_key, message_id, SUITE + b"DERIVEKEY")


def commitment(data_key: bytes, message_id: bytes) -> bytes:
    """Return the value that binds the header to one data key, so that no message opens under two."""
    return _expand(data_key, message_id, b"COMMITKEY")


def metadata_key(data_key: bytes, message_id: bytes) -> bytes:
    """Return the key of the metadata slot."""
    return _expand(data_key, message_id, b"portable/v1/metadata")


def wrap(wrapping_key: bytes, iv: bytes, data_key: bytes, context: bytes) -> bytes:
    """Return the data key encrypted under `wrapping_key` and bound to the serialized context: 32 bytes and the tag.

    Raises: ValueError (the wrapping key is not 32 bytes).
    """
    return _wrapping(wrapping_key).encrypt(iv, data_key, context)


def unwrap(wrapping_key: bytes, iv: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Return the data key that `wrap` encrypted.

    Raises: IntegrityError, ValueError (the wrapping key is not 32 bytes).
    """
    cipher = _wrapping(wrapping_key)
    try:
        return cipher.decrypt(iv, wrapped, context)
    except InvalidTag:
        raise altered() from None


def _wrapping(key: bytes) -> AESGCM:
    if len(key) != KEY_LENGTH:
        raise ValueError(f"a wrapping key has {KEY_LENGTH} bytes, this one {len(key)}")
    return AESGCM(key)


def _expand(data_key: bytes, message_id: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA512(), length=KEY_LENGTH, salt=message_id, info=info).derive(data_key)
