"""The keys of one volume: its secret, what is derived from it, and its epoch keys."""

import os
import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from portable.errors import ConfigurationError, ContextMismatch, KeysError, MalformedMessage, PortableError, UnknownEpoch
from portable.keys.derivation import derive
from portable.keys.fields import Bytes8, Bytes16, Bytes32
from portable.keys.secrecy import KeepsSecrets

NAMESPACE: Final = "portable"
"""Key namespace ("provider id") of every epoch key in the header of an object."""

FRAME_LENGTH: Final = 256 << 10
FRAME_BOUNDS: Final = (4 << 10, 16 << 20)
"""Bytes of plaintext a frame, smallest and largest."""

NAME_PATTERN: Final = r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z"
"""A volume's name is the host part of its `portable://NAME/` URLs."""

Names = Literal["plain", "sealed"]
EpochState = Literal["active", "readable", "compromised"]

_KEY_NAME: Final = re.compile(rb"([0-9a-f]{32})/([0-9a-f]{16})")


class EpochKey(KeepsSecrets, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Raw AES wrapping key: it wraps the data key of each object written in its epoch, and nothing else."""

    id: Bytes8
    key: Bytes32
    state: EpochState
    created: Annotated[datetime, Meta(tz=True)]

    @classmethod
    def generate(cls) -> "EpochKey":
        """Make the key of a new, active epoch."""
        return cls(id=os.urandom(8), key=os.urandom(32), state="active", created=datetime.now(UTC))

    def __repr__(self) -> str:
        return f"<EpochKey {self.id.hex()} {self.state}>"


class VolumeRecord(KeepsSecrets, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One volume as the sealed body of a keyring holds it: exactly one epoch is active, and no id stands twice."""

    name: Annotated[str, Meta(pattern=NAME_PATTERN)]
    id: Bytes16
    secret: Bytes32
    frame_length: Annotated[int, Meta(ge=FRAME_BOUNDS[0], le=FRAME_BOUNDS[1])]
    names: Names
    epochs: tuple[EpochKey, ...]

    def __post_init__(self) -> None:
        if [epoch.state for epoch in self.epochs].count("active") != 1:
            raise ValueError("a volume has exactly one active epoch")
        if len({epoch.id for epoch in self.epochs}) != len(self.epochs):
            raise ValueError("two epochs of a volume have the same id")

    def __repr__(self) -> str:
        return f"<VolumeRecord {self.name!r} {self.id.hex()}>"


class VolumeKeys(KeepsSecrets):
    """What a process needs to read and write one volume. Immutable; safe to share between threads.

    `context_key` (32 bytes) binds objects to their keys, `digest_key` (32) keys the digests shown outside sealed data,
    `names_key` (64) encrypts keys where `names` is "sealed". They come from the volume secret, which never rotates.
    """

    __slots__ = ("_ciphers", "_epochs", "_named", "active_epoch", "context_key", "digest_key", "names_key", "record")

    def __init__(self, record: VolumeRecord) -> None:
        self.record = record
        self._epochs = {epoch.id: epoch for epoch in record.epochs}
        self._ciphers: dict[bytes, AESGCM] = {}
        self._named = {self.key_name(epoch): epoch for epoch in record.epochs}
        self.active_epoch = next(epoch for epoch in record.epochs if epoch.state == "active")
        self.context_key = derive(record.secret, salt=record.id, purpose=b"context")
        self.digest_key = derive(record.secret, salt=record.id, purpose=b"digest")
        self.names_key = derive(record.secret, salt=record.id, purpose=b"names", length=64)

    @classmethod
    def generate(cls, name: str, *, frame_length: int = FRAME_LENGTH, names: Names = "plain") -> "VolumeKeys":
        """Make the keys of a new volume, whose keys are stored as they are or sealed.

        Raises: ConfigurationError (the name or the frame length).
        """
        smallest, largest = FRAME_BOUNDS
        if not re.search(NAME_PATTERN, name):
            raise ConfigurationError(
                f"{name!r} cannot name a volume: 1 to 63 letters, digits, '.', '_' and '-', and a letter or digit first"
            )
        if not smallest <= frame_length <= largest:
            raise ConfigurationError(f"a frame length of {frame_length} bytes is refused: {smallest} to {largest} is accepted")
        return cls(
            VolumeRecord(
                name=name,
                id=os.urandom(16),
                secret=os.urandom(32),
                frame_length=frame_length,
                names=names,
                epochs=(EpochKey.generate(),),
            )
        )

    @property
    def name(self) -> str:
        """The volume's logical name."""
        return self.record.name

    @property
    def volume_id(self) -> bytes:
        """16 random bytes that never change."""
        return self.record.id

    @property
    def frame_length(self) -> int:
        """Bytes of plaintext in each regular frame of every object of the volume."""
        return self.record.frame_length

    @property
    def names(self) -> Names:
        """Whether keys are stored as they are or encrypted."""
        return self.record.names

    @property
    def epochs(self) -> tuple[EpochKey, ...]:
        """All epochs, oldest first."""
        return self.record.epochs

    def epoch(self, identifier: bytes) -> EpochKey:
        """Return the epoch with this id (8 bytes), whatever its state. Raises: UnknownEpoch."""
        try:
            return self._epochs[identifier]
        except KeyError:
            raise self._missing(identifier) from None

    def key_name(self, epoch: EpochKey) -> bytes:
        """Return the name of an epoch key in the header of an object: volume id and epoch id, 49 ASCII bytes."""
        return f"{self.volume_id.hex()}/{epoch.id.hex()}".encode()

    def wrapping_key_for(self, key_name: bytes) -> bytes:
        """Return the epoch key (32 bytes) that the header of an object names.

        Raises: MalformedMessage (not a key name), ContextMismatch (of another volume), UnknownEpoch, KeysError (the epoch is
        compromised, so that anyone may have written the object).
        """
        epoch = self._named.get(key_name)
        if epoch is None:
            raise self._unknown(key_name)
        if epoch.state == "compromised":
            raise KeysError(f"epoch {epoch.id.hex()} of volume {self.name!r} is compromised; its objects are not trusted")
        return epoch.key

    def wrapping_cipher_for(self, key_name: bytes) -> AESGCM:
        """Return the cipher of the epoch key that the header of an object names, one for all threads.

        Raises: as `wrapping_key_for`.
        """
        key = self.wrapping_key_for(key_name)
        cipher = self._ciphers.get(key_name)
        if cipher is None:
            cipher = self._ciphers[key_name] = AESGCM(key)
        return cipher

    def _unknown(self, key_name: bytes) -> PortableError:
        """Return what to say of a name that no epoch has."""
        parts = _KEY_NAME.fullmatch(key_name)
        if parts is None:
            return MalformedMessage("the wrapped key's name is not a volume id and an epoch id")
        volume_id, epoch_id = (bytes.fromhex(part.decode()) for part in parts.groups())
        if volume_id != self.volume_id:
            return ContextMismatch(
                f"the object belongs to volume {volume_id.hex()}, and {self.name!r} is {self.volume_id.hex()}"
            )
        return self._missing(epoch_id)

    def _missing(self, epoch_id: bytes) -> UnknownEpoch:
        return UnknownEpoch(f"volume {self.name!r} has no epoch {epoch_id.hex()} in this keyring: use a later generation of it")

    def __repr__(self) -> str:
        return f"<VolumeKeys {self.name!r} {self.volume_id.hex()}>"
