"""The controller's signing key: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204), both of which must sign."""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from msgspec import Meta, Struct

from portable.errors import KeysError, UnlockFailed, UntrustedSignature
from portable.keys.derivation import LABEL, derive
from portable.keys.durable import create_durably, read_within
from portable.keys.fields import MALFORMED, Bytes32
from portable.keys.passphrase import Argon2Parameters, PassphraseProtector
from portable.keys.recipient import Identity, Protector
from portable.keys.secrecy import KeepsSecrets

_FILE_LIMIT: Final = 1 << 20
_VERSION: Final = 1


class Signatures(Struct, frozen=True, forbid_unknown_fields=True):
    """The two signatures over one message."""

    ed25519: Annotated[bytes, Meta(min_length=64, max_length=64)]
    mldsa65: Annotated[bytes, Meta(min_length=3309, max_length=3309)]


class AuthorityPublic(Struct, frozen=True, forbid_unknown_fields=True):
    """An authority's two public keys. Clients pin its fingerprint."""

    ed25519: Bytes32
    mldsa65: Annotated[bytes, Meta(min_length=1952, max_length=1952)]

    @property
    def digest(self) -> bytes:
        """SHA-256 over both public keys, 32 bytes."""
        return hashlib.sha256(LABEL + b"authority\0" + self.ed25519 + self.mldsa65).digest()

    @property
    def fingerprint(self) -> str:
        """`sha256:` and 64 hexadecimal digits."""
        return f"sha256:{self.digest.hex()}"

    def verify(self, signatures: Signatures, message: bytes, context: bytes) -> None:
        """Check both signatures. `context` is ML-DSA's context string. Raises: UntrustedSignature."""
        try:
            Ed25519PublicKey.from_public_bytes(self.ed25519).verify(signatures.ed25519, message)
            MLDSA65PublicKey.from_public_bytes(self.mldsa65).verify(signatures.mldsa65, message, context)
        except (InvalidSignature, ValueError):
            raise UntrustedSignature("a signature does not match what it signs: it was altered, or forged") from None

    @classmethod
    def read(cls, path: Path) -> "AuthorityPublic":
        """Read the public keys from an authority file, without its passphrase. Raises: KeysError, ConfigurationError."""
        return _read(path).authority


class _AuthorityFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int = _VERSION
    authority: AuthorityPublic
    protector: Protector


class Authority(KeepsSecrets):
    """An authority that can sign. Both key pairs come from one seed of 32 bytes."""

    __slots__ = ("_ed25519", "_mldsa65", "_seed", "public")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(derive(seed, salt=b"", purpose=b"authority/ed25519"))
        self._mldsa65 = MLDSA65PrivateKey.from_seed_bytes(derive(seed, salt=b"", purpose=b"authority/mldsa65"))
        self.public = AuthorityPublic(
            ed25519=self._ed25519.public_key().public_bytes_raw(), mldsa65=self._mldsa65.public_key().public_bytes_raw()
        )

    @classmethod
    def generate(cls) -> "Authority":
        """Make a new authority from the system's random source."""
        return cls(os.urandom(32))

    @property
    def fingerprint(self) -> str:
        """The fingerprint that clients pin."""
        return self.public.fingerprint

    def sign(self, message: bytes, context: bytes) -> Signatures:
        """Sign with both keys. `context` is ML-DSA's context string."""
        return Signatures(ed25519=self._ed25519.sign(message), mldsa65=self._mldsa65.sign(message, context))

    def save(self, path: Path, passphrase: str, argon2: Argon2Parameters | None = None) -> None:
        """Write a new authority file, mode 0600, its seed under the passphrase. Raises: AlreadyExists, ConfigurationError."""
        protector = PassphraseProtector.protect(self._seed, passphrase, argon2, binding=_binding(self.public))
        file = _AuthorityFile(authority=self.public, protector=protector)
        create_durably(path, msgspec.json.format(msgspec.json.encode(file)) + b"\n")

    @classmethod
    def load(cls, path: Path, identity: Identity) -> "Authority":
        """Open an authority file. Raises: UnlockFailed, KeysError (not an authority file), ConfigurationError (no file)."""
        file = _read(path)
        try:
            seed = identity.seed(file.protector, _binding(file.authority))
        except UnlockFailed as error:
            raise UnlockFailed(f"{path}: {error}") from None
        if seed is None:
            raise UnlockFailed(f"{path} is protected in another way than the identity at hand")
        authority = cls(seed)
        if authority.public != file.authority:
            raise KeysError(f"{path}: the public keys do not belong to the protected seed; restore the file")
        return authority


def _read(path: Path) -> _AuthorityFile:
    try:
        file = msgspec.json.decode(read_within(path, _FILE_LIMIT), type=_AuthorityFile)
    except MALFORMED as error:
        raise KeysError(f"{path} is not an authority file: {error}") from None
    if file.version != _VERSION:
        raise KeysError(f"{path} has version {file.version}; this program reads version {_VERSION}")
    return file


def _binding(public: AuthorityPublic) -> bytes:
    return b"/authority" + public.digest
