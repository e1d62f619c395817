"""Shredding: the keys of a volume are destroyed, and with them whatever was encrypted under them, wherever it lies.

A keyring can be copied, so removing keys from one file destroys nothing by itself. A shredding is *requested* until the keys
are out of the keyring and every listed copy of it is confirmed destroyed; then, and not before, it is *destroyed*. For the
right to erasure see Regulation (EU) 2016/679 (GDPR), article 17.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from portable.errors import ConfigurationError, RefusedError
from portable.keys.fields import Bytes8, Bytes16, Bytes32
from portable.keys.volume_keys import NAME_PATTERN, VolumeKeys

State = Literal["requested", "destroyed"]

Instant = Annotated[datetime, Meta(tz=True)]

OUT_OF_REACH: Final = (
    "copies of the keyring that nobody listed: backups, snapshots, versions of the file, mails",
    "epoch keys taken out with `portable keys export-volume-key`",
    "processes that run now: they hold the keys until they end, or read the keyring again",
    "blocks of the deleted files that the disk still holds",
    "plaintext that was read, downloaded or copied into another volume",
)
"""What shredding cannot do anything about, and says so."""


class ListedCopy(Struct, frozen=True, forbid_unknown_fields=True):
    """A copy of the keyring that somebody knows of: a path, or words that lead to it."""

    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    destroyed: Instant | None = None
    """When the controller confirmed that it is no more."""


class Shredding(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of one shredding. Each record of it replaces the one before, and names its payload by SHA-256."""

    keyring: Bytes16
    volume: Annotated[str, Meta(pattern=NAME_PATTERN)]
    volume_id: Bytes16
    epochs: tuple[Bytes8, ...]
    requested: Instant
    removed_in: Annotated[int, Meta(ge=2)] | None = None
    """The generation of the keyring that first lacks the volume; None until it is saved."""
    copies: tuple[ListedCopy, ...]
    previous_sha256: Bytes32 | None = None

    @classmethod
    def request(cls, keys: VolumeKeys, *, keyring: bytes, copies: Iterable[str]) -> "Shredding":
        """Request that these keys be destroyed, with the copies of the keyring that are known. Raises: ConfigurationError."""
        request = cls(
            keyring=keyring,
            volume=keys.name,
            volume_id=keys.volume_id,
            epochs=tuple(epoch.id for epoch in keys.epochs),
            requested=datetime.now(UTC),
            copies=(),
        )
        return request.with_copies(copies)

    @property
    def state(self) -> State:
        """`destroyed` only where the keyring lacks the volume, and every copy is confirmed destroyed."""
        return "requested" if self.removed_in is None or self.outstanding else "destroyed"

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The copies that are not confirmed destroyed."""
        return tuple(copy.name for copy in self.copies if copy.destroyed is None)

    def with_copies(self, names: Iterable[str]) -> "Shredding":
        """List more copies; one that is listed already stays as it is. Raises: ConfigurationError (not printable)."""
        known = {copy.name for copy in self.copies}
        added = [name for name in dict.fromkeys(names) if name not in known]
        for name in added:
            if not 0 < len(name) <= 1000 or not name.isprintable():
                raise ConfigurationError(f"{name!r} cannot name a copy: 1 to 1000 printable characters")
        return replace(self, copies=(*self.copies, *map(ListedCopy, added)))

    def removed(self, generation: int) -> "Shredding":
        """Record that the keyring lacks the volume from this generation on."""
        return replace(self, removed_in=generation)

    def confirmed(self, names: Collection[str]) -> "Shredding":
        """Record that these copies are destroyed. Raises: RefusedError (not listed, or the keyring still holds the volume)."""
        if self.removed_in is None:
            raise RefusedError(
                f"the keyring may still hold volume {self.volume!r}: run `portable keys shred KEYRING {self.volume}` to its end"
            )
        unlisted = sorted(set(names) - {copy.name for copy in self.copies})
        if unlisted:
            raise RefusedError(
                f"no copy {unlisted[0]!r} is listed; listed are: {', '.join(repr(copy.name) for copy in self.copies) or 'none'}"
            )
        now = datetime.now(UTC)
        return replace(
            self,
            copies=tuple(
                replace(copy, destroyed=now) if copy.name in names and copy.destroyed is None else copy for copy in self.copies
            ),
        )
