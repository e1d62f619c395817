"""Keys from keys: what one data key and one message id make, and how the data key is wrapped.

Source: AWS Encryption SDK specification, "Algorithm suites" (0x0478) and "Raw AES keyring"; RFC 5869 (HKDF).
All keys are 32 bytes; message ids are 32 bytes; wrapping IVs are 12 bytes.
"""

from typing import Final, NamedTuple, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from portable.errors import IntegrityError

SUITE: Final = bytes.fromhex("0478")
KEY_LENGTH: Final = 32
IV_LENGTH: Final = 12
TAG_LENGTH: Final = 16
_SHA512: Final = SHA512()
_CONTENT: Final = SUITE + b"DERIVEKEY\x01"
_COMMITMENT: Final = b"COMMITKEY\x01"
_METADATA: Final = b"portable/v1/metadata\x01"
"""What HKDF's first block is made of, for each key of a message: the info, and the block's number."""

WrappingKey = bytes | AESGCM
"""32 bytes, or the cipher that was made of them, which need not be made anew for every message then."""


def altered() -> IntegrityError:
    """Return the one error for everything that fails to authenticate.

    Uniform, so that nobody who alters bytes learns from the error which check stopped them.
    """
    return IntegrityError(
        "the message does not authenticate: its bytes were altered, or written under another key; "
        "read it again, then compare it with another copy"
    )


class MessageKeys(NamedTuple):
    """What one data key and one message id make: 32 bytes each."""

    content: bytes
    """Encrypts the frames and authenticates the header."""
    commitment: bytes
    """Public: binds the header to one data key, so that no message opens under two."""
    metadata: bytes
    """Encrypts the metadata slot."""

    def __repr__(self) -> str:
        return "<MessageKeys>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the keys of a message can be neither pickled nor copied")


def message_keys(data_key: bytes, message_id: bytes) -> MessageKeys:
    """Derive the keys of a message: HKDF-SHA-512, extracted once and expanded for each.

    An output of 32 bytes is the front of HKDF's first block, HMAC(extracted, info || 01) (RFC 5869, section 2.3).
    """
    extraction = HMAC(message_id, _SHA512)
    extraction.update(data_key)
    content = HMAC(extraction.finalize(), _SHA512)
    commitment, metadata = content.copy(), content.copy()
    content.update(_CONTENT)
    commitment.update(_COMMITMENT)
    metadata.update(_METADATA)
    return MessageKeys(content.finalize()[:KEY_LENGTH], commitment.finalize()[:KEY_LENGTH], metadata.finalize()[:KEY_LENGTH])


def wrap(wrapping_key: WrappingKey, iv: bytes, data_key: bytes, context: bytes) -> bytes:
    """Return the data key encrypted under `wrapping_key` and bound to the serialized context: 32 bytes and the tag.

    Raises: ValueError (the wrapping key is not 32 bytes).
    """
    return _wrapping(wrapping_key).encrypt(iv, data_key, context)


def unwrap(wrapping_key: WrappingKey, iv: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Return the data key that `wrap` encrypted.

    Raises: IntegrityError, ValueError (the wrapping key is not 32 bytes).
    """
    cipher = _wrapping(wrapping_key)
    try:
        return cipher.decrypt(iv, wrapped, context)
    except InvalidTag:
        raise altered() from None


def _wrapping(key: WrappingKey) -> AESGCM:
    if not isinstance(key, bytes):
        return key
    if len(key) != KEY_LENGTH:
        raise ValueError(f"a wrapping key has {KEY_LENGTH} bytes, this one {len(key)}")
    return AESGCM(key)
