"""Azure Blob Storage: the data path by requests of our own, the SDK for what is rare."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from typing_extensions import Buffer

from portable.backends.answers import describe
from portable.backends.attribute_rules import check_azure
from portable.backends.azure_features import AzureFeatures
from portable.backends.azure_listing import AzureListing
from portable.backends.azure_names import check_readable, check_writable
from portable.backends.azure_requests import CHECKED_RANGE
from portable.backends.azure_sdk import container_client
from portable.backends.azure_upload import LARGEST_PART, MAX_PARTS, AzureUpload, new_token
from portable.backends.azure_wire import AzureWire
from portable.backends.credentials import AzureCredentials, azure_credentials
from portable.backends.extras import Lazy
from portable.backends.key_rules import AZURE_KEY_CHARACTERS, check_range, check_text
from portable.backends.levels import check_level
from portable.backends.location import Location
from portable.backends.protocol import (
    ABSENT,
    ANY,
    Attributes,
    Capabilities,
    Expectation,
    Fetched,
    Folder,
    Stat,
    Unfinished,
    Upload,
)
from portable.backends.resident import Resident
from portable.backends.storage_classes import AZURE, chosen_class
from portable.errors import NotFound, Unsupported

PART_SIZE = 16 << 20
"""Bytes of a block, where 50,000 of them are enough for the object (781 GiB)."""


class AzureBackend(Resident):
    """One container and prefix of a storage account. What it writes are block blobs. Each request is sent once."""

    capabilities = Capabilities(
        conditional_create=True,
        conditional_replace=True,
        conditional_delete=True,
        conditional_commit=True,
        attributes=True,
        checksums=frozenset({"crc64nvme"}),
        checked_read=CHECKED_RANGE,
        resumable=True,
        tags=True,
        versions=True,
        part_size=PART_SIZE,
        max_parts=MAX_PARTS,
        largest_part=LARGEST_PART,
    )

    def __init__(self, location: Location, credentials: AzureCredentials, *, bound: float = 60.0) -> None:
        """`bound` is in seconds, of one request. Raises: ConfigurationError."""
        self.url, self.bound = location.url, bound
        container, self._prefix = location.container, location.prefix
        self.capabilities = replace(self.capabilities, key_room=AZURE_KEY_CHARACTERS - len(self._prefix))
        tier = chosen_class(location.storage_class, AZURE, url=self.url)
        self._wire = AzureWire(container, credentials, url=self.url, bound=bound, tier=tier)
        self._listing = AzureListing(self._wire, url=self.url)
        self._client = Lazy(partial(container_client, container, credentials, bound=bound))
        self.features = AzureFeatures(self._client, self._prefix, url=self.url)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. Every key can be read, also one that cannot be written, but for `.` and `..` segments.

        Ranges up to 4 MiB are compared with the service's CRC64, whole blobs up to that size with their Content-MD5 if they
        have one: the service computes it of a blob that was put whole, and keeps what the writer says of any other.
        """
        check_range(start, stop)
        return self._wire.get(self._readable(key), start, stop, if_match, key=key)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        return self._wire.stat(self._readable(key), key=key)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        return self._wire.put(self._writable(key, attributes), data, expect, attributes, key=key)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Current blobs alone, in order of UTF-16 code units; keys are exact, also unwritable ones."""
        check_text(prefix, url=self.url)
        return self._listing.objects(self._prefix, prefix)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`."""
        check_level(prefix, url=self.url)
        return self._listing.children(self._prefix, prefix)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`.

        Details: `blob_type`, `tier`, `archive_status`, `content_md5`, `lease_state`, `is_directory_stub` and others; of what is
        not a current blob: `snapshot`, `is_current_version` "false", `deleted` or `uncommitted` "true".
        """
        return self._listing.inventory(self._prefix)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Raises Unsupported for a blob with snapshots."""
        name = self._writable(key, None)
        if expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        self._wire.delete(name, expect, key=key)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`. 50,000 blocks at most. Nothing is sent yet."""
        return self._upload(key, new_token(), attributes)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`. An upload of which no block stands is gone, or had none yet: that looks the same."""
        upload = self._upload(key, token, attributes)
        staged = upload.staged()
        if not staged:
            raise NotFound(f"{describe('resume', key, self.url)}: no block of this upload stands at the host")
        upload.adopt(staged)
        return upload

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`. Only uploads to keys at which no object stands are listed, and only this package's.

        The service's listing does not tell of uncommitted blocks where a blob stands, and asking for the blocks of every blob
        would take a request each: such an upload is found by its key and token alone. Each is dropped by the service a week
        after its last part, or with the next write of its key.
        """
        return self._listing.unfinished(self._prefix)

    def close(self) -> None:
        """See `Backend.close`."""
        self._wire.close()
        self._client.close()

    def _upload(self, key: str, token: str, attributes: Attributes | None) -> AzureUpload:
        name = self._writable(key, attributes)
        return AzureUpload(self._wire, name, token, key=key, url=self.url, attributes=attributes)

    def _readable(self, key: str) -> str:
        name = self._prefix + key
        check_readable(name, key, url=self.url)
        return name

    def _writable(self, key: str, attributes: Attributes | None) -> str:
        name = self._prefix + key
        check_writable(name, key, url=self.url)
        if attributes is not None:
            check_azure(attributes, url=self.url)
        return name


def open_azure(location: Location, bound: float) -> AzureBackend:
    """Open an `az:` location. Raises: ConfigurationError."""
    return AzureBackend(location, azure_credentials(location), bound=bound)
