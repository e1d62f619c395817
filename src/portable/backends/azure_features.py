"""What Azure blobs have beyond the five verbs: tiers, snapshots, versions, tags, leases, blocks. Through the SDK.

Every call here sends its request once, raises NotFound, Denied, Unavailable as the verbs do, and Unsupported where the account
or the blob does not have the feature.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from portable.backends.azure_names import check_readable
from portable.backends.azure_sdk import errors
from portable.errors import ConfigurationError

Tier = Literal["Hot", "Cool", "Cold", "Archive"]
Priority = Literal["Standard", "High"]
_INFINITE: Final = -1
_LEASE_SECONDS: Final = range(15, 61)
"""What Lease Blob takes, beside leases without an end."""


@dataclass(frozen=True, slots=True)
class TierState:
    """Where a blob is kept."""

    tier: str
    """Empty where the account has no tiers."""
    is_inferred: bool
    """The tier is the account's, none was set for the blob."""
    archive_status: str | None
    """Of an archived blob that is being rehydrated: `rehydrate-pending-to-hot` and the like."""
    priority: str | None
    """Of a rehydration under way."""


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier state of a blob that the host keeps."""

    id: str
    """A snapshot's time stamp, or a version's id, as `read_snapshot` and `read_version` take it."""
    size: int
    """Bytes."""
    etag: str
    modified: datetime
    """In UTC."""
    is_current: bool
    """Of versions: this is what `get` reads."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a block blob."""

    id: str
    """Base64, as requests carry it."""
    size: int
    """Bytes."""


class Lease:
    """A lease that is held: nobody without it writes or deletes the blob, and the verbs of `AzureBackend` do not have it."""

    def __init__(self, client: Any, key: str, url: str) -> None:
        self._client, self._key, self._url = client, key, url
        self.id: str = client.id

    def renew(self) -> None:
        """Let the time of the lease begin again. Raises: Denied (it was broken, or another one stands)."""
        with errors("renew the lease of", self._key, self._url):
            self._client.renew()

    def release(self) -> None:
        """Give the lease up."""
        with errors("release the lease of", self._key, self._url):
            self._client.release()


class AzureFeatures:
    """The features of the blobs of one store."""

    def __init__(self, container: Callable[[], Any], prefix: str, *, url: str) -> None:
        """`container` gives the store's `ContainerClient`."""
        self._container, self._prefix, self._url = container, prefix, url

    def tier(self, key: str) -> TierState:
        """Tell where a blob is kept."""
        with self._blob("tell the tier of", key) as blob:
            found = blob.get_blob_properties()
        return TierState(
            str(found.blob_tier or ""), bool(found.blob_tier_inferred), found.archive_status, found.rehydrate_priority or None
        )

    def set_tier(self, key: str, tier: Tier) -> None:
        """Move a blob to a tier. From `Archive`, this is `rehydrate` with the standard priority."""
        with self._blob("set the tier of", key) as blob:
            blob.set_standard_blob_tier(tier)

    def rehydrate(self, key: str, tier: Tier = "Hot", *, priority: Priority = "Standard") -> None:
        """Begin to bring an archived blob back, which takes hours: up to 15, or with `High` under one for less than 10 GB."""
        if tier == "Archive":
            raise ConfigurationError(f"rehydrate {key!r} in {self._url}: to a tier that can be read, not to Archive")
        with self._blob("rehydrate", key) as blob:
            blob.set_standard_blob_tier(tier, rehydrate_priority=priority)

    def snapshots(self, key: str) -> list[Revision]:
        """List the snapshots of a blob, the oldest first."""
        return [_revision(item, item.snapshot) for item in self._listed(key, "snapshots") if item.snapshot]

    def create_snapshot(self, key: str) -> str:
        """Keep the present state of a blob, and return the snapshot's id."""
        with self._blob("make a snapshot of", key) as blob:
            return str(blob.create_snapshot()["snapshot"])

    def read_snapshot(self, key: str, snapshot: str) -> bytes:
        """Return the bytes of a snapshot."""
        with self._blob("read a snapshot of", key, snapshot=snapshot) as blob:
            return bytes(blob.download_blob().readall())

    def versions(self, key: str) -> list[Revision]:
        """List the versions of a blob, the oldest first: none where the account does not keep them."""
        return [_revision(item, item.version_id) for item in self._listed(key, "versions") if item.version_id]

    def read_version(self, key: str, version: str) -> bytes:
        """Return the bytes of a version."""
        with self._blob("read a version of", key, version_id=version) as blob:
            return bytes(blob.download_blob().readall())

    def tags(self, key: str) -> dict[str, str]:
        """Return a blob's index tags."""
        with self._blob("read the tags of", key) as blob:
            return dict(blob.get_blob_tags())

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace a blob's index tags, of which it has 10 at most."""
        with self._blob("set the tags of", key) as blob:
            blob.set_blob_tags(dict(tags))

    @contextmanager
    def lease(self, key: str, seconds: int | None = None) -> Iterator[Lease]:
        """Hold a lease on a blob: for 15 to 60 `seconds` at a time (see `Lease.renew`), or without an end.

        It is given up when the block is left; one without an end stands until then, also where this process dies.
        Raises: Unavailable (another lease stands), NotFound, Denied, ConfigurationError.
        """
        if seconds is not None and seconds not in _LEASE_SECONDS:
            raise ConfigurationError(f"lease {key!r} in {self._url}: for 15 to 60 seconds, or without an end")
        with self._blob("lease", key) as blob:
            lease = Lease(blob.acquire_lease(_INFINITE if seconds is None else seconds), key, self._url)
        try:
            yield lease
        finally:
            lease.release()

    def blocks(self, key: str) -> tuple[list[Block], list[Block]]:
        """Return the blocks that a blob is made of, and those that were staged and not committed, by any writer."""
        with self._blob("list the blocks of", key) as blob:
            committed, staged = blob.get_block_list("all")
        return [Block(block.id, block.size) for block in committed], [Block(block.id, block.size) for block in staged]

    @contextmanager
    def _blob(self, operation: str, key: str, **which: str) -> Iterator[Any]:
        name = self._prefix + key
        check_readable(name, key, url=self._url)
        with errors(operation, key, self._url):
            yield self._container().get_blob_client(name, **which)

    def _listed(self, key: str, include: str) -> Iterator[Any]:
        name = self._prefix + key
        check_readable(name, key, url=self._url)
        with errors(f"list the {include} of", key, self._url):
            for item in self._container().list_blobs(name_starts_with=name, include=[include]):
                if item.name != name:
                    return  # a name stands before all longer ones that begin with it
                yield item


def _revision(item: Any, identity: str) -> Revision:
    modified = item.last_modified.astimezone(UTC)
    return Revision(identity, int(item.size), f'"{item.etag.strip(chr(34))}"', modified, bool(item.is_current_version))
