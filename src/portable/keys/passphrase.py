"""The passphrase protector: a seed under AES-256-GCM, with a key that Argon2id (RFC 9106) makes from a passphrase.

Argon2id gives 64 bytes: the wrapping key and a commitment to it, stored in clear. The commitment is compared first, because
AES-GCM alone can be made to open under several keys, which turns a keyring into an oracle over sets of passphrases (Len,
Grubbs, Ristenpart: Partitioning Oracle Attacks, 2021).
"""

import hmac
import os
import threading
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from msgspec import Meta, Struct

from portable.errors import ConfigurationError, KeysError, UnlockFailed
from portable.keys.derivation import LABEL
from portable.keys.durable import read_within
from portable.keys.fields import Bytes12, Bytes32, SealedKey
from portable.keys.kem import SEED_LENGTH, KeyPair
from portable.keys.secrecy import KeepsSecrets

VARIABLE: Final = "PORTABLE_PASSPHRASE"
PASSPHRASE_LIMIT: Final = 4096
"""Bytes of UTF-8."""

_BOUNDS: Final = {"memory_mib": (64, 2048, " MiB of memory"), "passes": (3, 10, " passes"), "lanes": (1, 16, " lanes")}


class Argon2Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    """The cost of one try: MiB of memory (64 to 2048), passes (3 to 10), lanes (1 to 16).

    No value outside these bounds can be built, so a file cannot ask for a weak or an endless derivation. Raises: KeysError.
    """

    memory_mib: int = 256
    passes: int = 4
    lanes: int = 4

    def __post_init__(self) -> None:
        for name, (floor, ceiling, unit) in _BOUNDS.items():
            value = getattr(self, name)
            if not floor <= value <= ceiling:
                raise KeysError(f"Argon2id with {value}{unit} is refused: {floor} to {ceiling} is accepted")


class PassphraseProtector(Struct, tag_field="type", tag="passphrase", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seed of 32 bytes that a passphrase opens."""

    argon2: Argon2Parameters
    salt: Annotated[bytes, Meta(min_length=16, max_length=64)]
    commitment: Bytes32
    nonce: Bytes12
    wrapped_seed: SealedKey

    @classmethod
    def protect(
        cls, seed: bytes, passphrase: str, argon2: Argon2Parameters | None = None, *, binding: bytes
    ) -> "PassphraseProtector":
        """Wrap `seed` (32 bytes); `binding` names the place it belongs to, and it opens nowhere else.

        Raises: ConfigurationError (an empty passphrase), KeysError (not enough memory for Argon2id).
        """
        argon2 = argon2 or Argon2Parameters()
        salt, nonce = os.urandom(32), os.urandom(12)
        key, commitment = _stretch(passphrase, salt, argon2)
        wrapped = AESGCM(key).encrypt(nonce, seed, LABEL + b"passphrase" + binding)
        return cls(argon2=argon2, salt=salt, commitment=commitment, nonce=nonce, wrapped_seed=wrapped)

    def seed(self, passphrase: str, *, binding: bytes) -> bytes:
        """Return the seed. Runs Argon2id once. Raises: UnlockFailed, and what `protect` raises."""
        key, commitment = _stretch(passphrase, self.salt, self.argon2)
        if not hmac.compare_digest(commitment, self.commitment):
            raise UnlockFailed("the passphrase is wrong")
        try:
            return AESGCM(key).decrypt(self.nonce, self.wrapped_seed, LABEL + b"passphrase" + binding)
        except InvalidTag:
            raise UnlockFailed("the passphrase is right, but what it protects was altered or moved here") from None


class PassphraseRecipient(KeepsSecrets):
    """A recipient whose new key pair is kept under a passphrase."""

    __slots__ = ("_argon2", "_passphrase")

    def __init__(self, passphrase: str, argon2: Argon2Parameters | None = None) -> None:
        self._passphrase = passphrase
        self._argon2 = argon2

    def enroll(self, binding: bytes) -> tuple[bytes, PassphraseProtector]:
        """Make a key pair; returns its public key and the protector of its seed."""
        seed = os.urandom(SEED_LENGTH)
        return KeyPair(seed).public_key, PassphraseProtector.protect(seed, self._passphrase, self._argon2, binding=binding)


class PassphraseIdentity(KeepsSecrets):
    """Who knows a passphrase."""

    __slots__ = ("_passphrase",)

    def __init__(self, passphrase: str) -> None:
        self._passphrase = passphrase

    def seed(self, protector: object, binding: bytes) -> bytes | None:
        """Return the seed, or None where the protector is not a passphrase. Raises: UnlockFailed."""
        if not isinstance(protector, PassphraseProtector):
            return None
        return protector.seed(self._passphrase, binding=binding)


def passphrase_from(
    environ: Mapping[str, str], file: Path | None = None, fd: int | None = None, *, variable: str = VARIABLE
) -> str | None:
    """Return the passphrase that a file, a file descriptor or else the environment gives; None where none of them does.

    In the environment, `variable` holds it, or `variable` with `_FILE` behind it names a file that does. One line break at the
    end is not part of it. Raises: ConfigurationError (both a file and a descriptor, empty, over 4096
    bytes, not UTF-8, unreadable).
    """
    if file is not None and fd is not None:
        raise ConfigurationError("a passphrase comes from a file or from a file descriptor, not from both")
    if file is not None:
        return _one_line(read_within(file, PASSPHRASE_LIMIT), str(file))
    if fd is not None:
        return _one_line(_read_descriptor(fd), f"file descriptor {fd}")
    value = environ.get(variable)
    if value is not None:
        return _one_line(value.encode(errors="surrogateescape"), variable)
    named = environ.get(f"{variable}_FILE")
    return _one_line(read_within(Path(named), PASSPHRASE_LIMIT), named) if named else None


_ONE_AT_A_TIME: Final = threading.Lock()
"""Two derivations with several lanes at once wait for each other for ever (seen with OpenSSL 4.0.3)."""


def _stretch(passphrase: str, salt: bytes, argon2: Argon2Parameters) -> tuple[bytes, bytes]:
    try:
        secret = unicodedata.normalize("NFC", passphrase).encode()
    except UnicodeEncodeError:
        raise ConfigurationError("the passphrase is not text that UTF-8 can hold") from None
    if not secret:
        raise ConfigurationError("the passphrase is empty")
    kdf = Argon2id(salt=salt, length=64, iterations=argon2.passes, lanes=argon2.lanes, memory_cost=argon2.memory_mib * 1024)
    try:
        with _ONE_AT_A_TIME:
            stretched = kdf.derive(secret)
    except MemoryError:
        raise KeysError(f"opening this passphrase takes {argon2.memory_mib} MiB of memory, which is not free") from None
    return stretched[:32], stretched[32:]


def _one_line(data: bytes, source: str) -> str:
    if len(data) > PASSPHRASE_LIMIT:
        raise ConfigurationError(f"the passphrase in {source} is longer than {PASSPHRASE_LIMIT} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"the passphrase in {source} is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(f"the passphrase in {source} is empty")
    return text


def _read_descriptor(fd: int) -> bytes:
    data = b""
    try:
        while len(data) <= PASSPHRASE_LIMIT and (more := os.read(fd, PASSPHRASE_LIMIT)):
            data += more
    except OSError as error:
        raise ConfigurationError(f"cannot read a passphrase from file descriptor {fd}: {error.strerror}") from error
    return data
