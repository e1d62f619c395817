"""HPKE key pairs of recipients: ML-KEM-768 with X25519 (X-Wing), HKDF-SHA512, AES-256-GCM.

Sources: RFC 9180 (HPKE, base mode, one message); draft-ietf-hpke-pq (KEM 0x647a); draft-connolly-cfrg-xwing-kem, section 5.2
(expansion of the seed).
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from portable.errors import KeysError, UnlockFailed
from portable.keys.secrecy import KeepsSecrets

SEED_LENGTH: Final = 32
PUBLIC_KEY_LENGTH: Final = 1216
OVERHEAD: Final = 1136
"""Bytes that `seal` adds: encapsulated key 1120, tag 16."""

_MLKEM_SEED: Final = 64
_MLKEM_PUBLIC: Final = 1184
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA512, AEAD.AES_256_GCM)


class KeyPair(KeepsSecrets):
    """The key pair that a 32-byte seed expands to."""

    __slots__ = ("_private", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_LENGTH:
            raise KeysError(f"a recipient's seed has {SEED_LENGTH} bytes, not {len(seed)}")
        expansion = Hash(SHAKE256(_MLKEM_SEED + 32))
        expansion.update(seed)
        expanded = expansion.finalize()
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED:])
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public_key = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Return what `seal` put in. Raises: UnlockFailed (altered, of another key pair, or other `info`)."""
        try:
            return _SUITE.decrypt(sealed, self._private, info)
        except (InvalidTag, ValueError):
            raise UnlockFailed("a wrapped key does not open: it was altered, or made for another recipient") from None


def seal(plaintext: bytes, public_key: bytes, info: bytes) -> bytes:
    """Encrypt to a public key of 1216 bytes; returns encapsulated key, ciphertext and tag.

    Raises: KeysError (not a public key).
    """
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC])
        x25519 = X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC:])
        return _SUITE.encrypt(plaintext, MLKEM768X25519PublicKey(mlkem, x25519), info)
    except ValueError:
        raise KeysError("a recipient's public key is not an ML-KEM-768 and X25519 key") from None
