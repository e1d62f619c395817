"""Identity files: the seed of a machine's key pair in a file of its own, which only its owner may read.

The keyring holds nothing of the seed, so there is nothing in it to attack; whoever reads the file is the recipient. A
controller enrols a machine, or an officer, by its public key alone.
"""

import hashlib
import os
import stat
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta, Struct

from portable.errors import ConfigurationError, KeysError, UnlockFailed
from portable.keys.derivation import LABEL
from portable.keys.durable import create_durably, read_within
from portable.keys.fields import MALFORMED, Bytes32
from portable.keys.kem import PUBLIC_KEY_LENGTH, SEED_LENGTH, KeyPair
from portable.keys.secrecy import KeepsSecrets

_FILE_LIMIT: Final = 4096
_VERSION: Final = 1
_READABLE_BY_ALL: Final = 0o644
_OTHERS: Final = 0o077
"""Every permission of the group and of all."""


def key_id(public_key: bytes) -> bytes:
    """Return the id of a recipient's public key: 32 bytes, SHA-256 under a label."""
    return hashlib.sha256(LABEL + b"recipient\0" + public_key).digest()


def fingerprint(public_key: bytes) -> str:
    """Return a public key's id as people compare it: `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{key_id(public_key).hex()}"


class IdentityFileProtector(
    Struct, tag_field="type", tag="identity-file", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Says whose file holds the seed, and nothing else."""

    key_id: Bytes32


class IdentityFileRecipient:
    """A machine, known by its public key (1216 bytes)."""

    __slots__ = ("public_key",)

    def __init__(self, public_key: bytes) -> None:
        self.public_key = public_key

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that `IdentityFile.publish` wrote. Raises: KeysError (not such a file), ConfigurationError (no file)."""
        try:
            document = msgspec.json.decode(read_within(path, _FILE_LIMIT), type=_PublicDocument)
        except MALFORMED as error:
            raise KeysError(f"{path} is not the public half of an identity: {error}") from None
        _check_version(path, document.version)
        return cls(document.public_key)

    def enroll(self, binding: bytes) -> tuple[bytes, IdentityFileProtector]:  # noqa: ARG002  # see below
        """Return the public key and the protector that names it. Not the protector, but the wrapped root key has a binding."""
        return self.public_key, IdentityFileProtector(key_id=key_id(self.public_key))


class IdentityFile(KeepsSecrets):
    """An identity file that has been read, or a new one: the identity of its owner."""

    __slots__ = ("_seed", "public_key")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self.public_key = KeyPair(seed).public_key

    @classmethod
    def generate(cls) -> Self:
        """Make a new identity from the system's random source. It exists in memory alone until it is saved."""
        return cls(os.urandom(SEED_LENGTH))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read an identity file. Raises: ConfigurationError (none, or open to others than its owner), KeysError (damaged)."""
        try:
            document = msgspec.json.decode(_read_private(path), type=_PrivateDocument)
        except MALFORMED:
            # Neither the decoder's words nor its exception go on: both could quote the seed.
            raise KeysError(f"{path} is not an identity file") from None
        _check_version(path, document.version)
        identity = cls(document.seed)
        if identity.fingerprint != document.fingerprint:
            raise KeysError(f"{path}: the seed is not that of {document.fingerprint}; restore the file")
        return identity

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public key."""
        return fingerprint(self.public_key)

    @property
    def key_id(self) -> bytes:
        """The id of the public key, 32 bytes."""
        return key_id(self.public_key)

    def save(self, path: Path) -> None:
        """Write a new identity file, mode 0600. Raises: AlreadyExists, ConfigurationError."""
        document = _PrivateDocument(fingerprint=self.fingerprint, seed=self._seed)
        create_durably(path, msgspec.json.format(msgspec.json.encode(document)) + b"\n")

    def publish(self, path: Path) -> None:
        """Write the public half to a new file, for whoever enrols this identity. Raises: AlreadyExists, ConfigurationError."""
        document = _PublicDocument(public_key=self.public_key)
        create_durably(path, msgspec.json.format(msgspec.json.encode(document)) + b"\n", _READABLE_BY_ALL)

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open what was sealed to the public key. Raises: UnlockFailed."""
        return KeyPair(self._seed).open(sealed, info)

    def seed(self, protector: object, binding: bytes) -> bytes | None:  # noqa: ARG002  # see `IdentityFileRecipient.enroll`
        """Return the seed, or None where the protector is of another kind. Raises: UnlockFailed (another identity's)."""
        if not isinstance(protector, IdentityFileProtector):
            return None
        if protector.key_id != self.key_id:
            raise UnlockFailed(f"this is the identity {self.fingerprint}, and sha256:{protector.key_id.hex()} is asked for")
        return self._seed


class _PrivateDocument(KeepsSecrets, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int = _VERSION
    fingerprint: Annotated[str, Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
    seed: Bytes32


class _PublicDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int = _VERSION
    public_key: Annotated[bytes, Meta(min_length=PUBLIC_KEY_LENGTH, max_length=PUBLIC_KEY_LENGTH)]


def _check_version(path: Path, version: int) -> None:
    if version != _VERSION:
        raise KeysError(f"{path} has version {version}; this program reads version {_VERSION}")


def _read_private(path: Path) -> bytes:
    # The mode is that of the open file: between a look at the path and the open, another file could take its place.
    # Without O_NONBLOCK, opening a FIFO waits for a writer.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigurationError(f"cannot read the identity file {path}: {error.strerror}") from error
    try:
        _check_private(path, os.fstat(descriptor).st_mode)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(_FILE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > _FILE_LIMIT:
        raise KeysError(f"{path} is larger than {_FILE_LIMIT} bytes, so it is not an identity file")
    return data


def _check_private(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise ConfigurationError(f"{path} is not a regular file, so it is not an identity file")
    if stat.S_IMODE(mode) & _OTHERS:
        raise ConfigurationError(
            f"{path} has mode {stat.S_IMODE(mode):04o}: others than its owner may use it, and it is an identity; "
            f"chmod 600 {path}, and replace the identity if somebody else could read it"
        )
