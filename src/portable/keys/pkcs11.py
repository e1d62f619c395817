"""The PKCS#11 protector: a seed under a key that a token derives, and that only the token can derive.

The token holds an HMAC key that cannot leave it. HMAC-SHA256 of a label, a fresh salt and the binding gives the wrapping key;
another label gives a commitment to it, stored in clear and compared first (see `portable.keys.passphrase`). HMAC is what every
token has; AES-GCM inside tokens differs between them.
"""

import hmac
import os
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from portable.errors import ConfigurationError, UnlockFailed
from portable.keys.derivation import LABEL
from portable.keys.fields import Bytes12, Bytes32, SealedKey
from portable.keys.kem import SEED_LENGTH, KeyPair
from portable.keys.pkcs11_edge import MODULE_VARIABLE, HmacKey, Pkcs11Access, TokenKey
from portable.keys.secrecy import KeepsSecrets

_WRAP: Final = LABEL + b"pkcs11/wrap\0"
_COMMIT: Final = LABEL + b"pkcs11/commit\0"


class Pkcs11Protector(Struct, tag_field="type", tag="pkcs11", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seed of 32 bytes that a key in a token opens. `module`, the token's library, is shown to people and never loaded."""

    module: Annotated[str, Meta(min_length=1, max_length=4096)]
    key: TokenKey
    salt: Bytes32
    commitment: Bytes32
    nonce: Bytes12
    wrapped_seed: SealedKey


class Pkcs11Recipient(KeepsSecrets):
    """A recipient whose new key pair is kept under a key in a token. Raises: ConfigurationError (a label or an id)."""

    __slots__ = ("_access", "_key")

    def __init__(self, access: Pkcs11Access, key: TokenKey) -> None:
        try:
            self._key = msgspec.convert(msgspec.to_builtins(key), TokenKey)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"no token holds a {key}: {error}") from None
        self._access = access

    def enroll(self, binding: bytes) -> tuple[bytes, Pkcs11Protector]:
        """Make a key pair; returns its public key and the protector of its seed.

        Raises: ConfigurationError (the key can be taken out of the token, or access), UnlockFailed (no such token or key),
        Denied (the PIN), Unavailable.
        """
        seed, salt, nonce = os.urandom(SEED_LENGTH), os.urandom(32), os.urandom(12)
        with self._access.key(self._key) as key:
            key.require_locked_in()
            wrapping, commitment = _derive(key, salt, binding)
        wrapped = AESGCM(wrapping).encrypt(nonce, seed, _WRAP + binding)
        protector = Pkcs11Protector(
            module=str(self._access.module), key=self._key, salt=salt, commitment=commitment, nonce=nonce, wrapped_seed=wrapped
        )
        return KeyPair(seed).public_key, protector


class Pkcs11Identity(KeepsSecrets):
    """Who has the token and its PIN."""

    __slots__ = ("_access",)

    def __init__(self, access: Pkcs11Access) -> None:
        self._access = access

    def seed(self, protector: object, binding: bytes) -> bytes | None:
        """Return the seed, or None where the protector is not PKCS#11.

        Raises: UnlockFailed (no library, no such token or key, another key, altered), Denied (the PIN, which is sent once),
        Unavailable, ConfigurationError (the library).
        """
        if not isinstance(protector, Pkcs11Protector):
            return None
        if self._access.module is None:
            raise UnlockFailed(f"no library of a token is named: set {MODULE_VARIABLE}; the keyring says {protector.module}")
        with self._access.key(protector.key) as key:
            wrapping, commitment = _derive(key, protector.salt, binding)
        if not hmac.compare_digest(commitment, protector.commitment):
            raise UnlockFailed(f"the {protector.key} is another one than was enrolled, or what it protects was moved here")
        try:
            return AESGCM(wrapping).decrypt(protector.nonce, protector.wrapped_seed, _WRAP + binding)
        except InvalidTag:
            raise UnlockFailed(f"the {protector.key} is right, but what it protects was altered") from None


def _derive(key: HmacKey, salt: bytes, binding: bytes) -> tuple[bytes, bytes]:
    return key.hmac_sha256(_WRAP + salt + binding), key.hmac_sha256(_COMMIT + salt + binding)
