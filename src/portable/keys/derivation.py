"""Key derivation: HKDF-SHA512 (RFC 5869) with a label for each use."""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LABEL: Final = b"portable/v1/"
"""Every label of this package starts so; a label is never used for two purposes."""


def derive(secret: bytes, *, salt: bytes, purpose: bytes, length: int = 32) -> bytes:
    """Derive `length` bytes from `secret` under the label `portable/v1/` and `purpose`."""
    return HKDF(algorithm=SHA512(), length=length, salt=salt, info=LABEL + purpose).derive(secret)
