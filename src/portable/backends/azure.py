"""Azure Blob Storage: obstore carries the bytes, the SDK does what obstore lacks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from typing_extensions import Buffer

from portable.backends import azure_edge
from portable.backends.attribute_rules import check_azure
from portable.backends.azure_listing import AzureListing
from portable.backends.azure_upload import AzureUpload
from portable.backends.credentials import AzureCredentials, azure_credentials
from portable.backends.extras import Lazy
from portable.backends.key_rules import AZURE_KEY_CHARACTERS, awkward, check_range, check_text, check_writable
from portable.backends.location import Location
from portable.backends.obstore_edge import azure_edge as obstore_edge
from portable.backends.protocol import ABSENT, ANY, Attributes, Capabilities, Expectation, Fetched, Stat, Upload
from portable.backends.resident import Resident
from portable.errors import NotFound, Unsupported

PART_SIZE = 16 << 20
"""Bytes. With 50,000 blocks the largest object is 781 GiB."""


class AzureBackend(Resident):
    """One container and prefix of a storage account. What it writes are block blobs."""

    capabilities = Capabilities(
        conditional_create=True,
        conditional_replace=True,
        conditional_delete=True,
        attributes=True,
        part_size=PART_SIZE,
        max_parts=50_000,
    )

    def __init__(self, location: Location, credentials: AzureCredentials, *, bound: float = 60.0) -> None:
        """`bound` is in seconds. Raises: ConfigurationError."""
        self.url, self.bound = location.url, bound
        container, self._prefix = location.container, location.prefix
        self.capabilities = replace(self.capabilities, key_room=AZURE_KEY_CHARACTERS - len(self._prefix))
        self._edge = obstore_edge(container, self._prefix, credentials, url=self.url, bound=bound)
        self._once = Lazy(partial(azure_edge.container_client, container, credentials, bound=bound, attempts=1))
        self._retrying = Lazy(partial(azure_edge.container_client, container, credentials, bound=bound, attempts=3))
        self._listing = Lazy(partial(AzureListing, container, credentials, url=self.url, bound=bound))

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. Keys that cannot be written are read through the SDK, but for `.` and `..` segments."""
        check_range(start, stop)
        if self._is_plain(key):
            return self._edge.get(key, start, stop, if_match)
        return azure_edge.get(self._retrying(), self._prefix + key, start, stop, if_match, key=key, url=self.url)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        if self._is_plain(key):
            return self._edge.stat(key)
        return azure_edge.stat(self._retrying(), self._prefix + key, key=key, url=self.url)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        self._check_write(key, attributes)
        etag = self._edge.put(key, data, expect, attributes)
        return Stat(key, memoryview(data).nbytes, datetime.now(UTC), etag, attributes)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Current blobs alone; keys are exact, also those that cannot be written."""
        check_text(prefix, url=self.url)
        return (stat for stat in self._listing().objects(self._prefix, prefix) if stat.key)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`.

        Details: `blob_type`, `tier`, `archive_status`, `content_md5`, `lease_state`, `is_directory_stub` and others; of what is
        not a current blob: `snapshot`, `is_current_version` "false", `deleted` or `uncommitted` "true".
        """
        listing: AzureListing = self._listing()
        return listing.inventory(self._prefix)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Raises Unsupported for a blob with snapshots."""
        self._check_write(key, None)
        if expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        try:
            with azure_edge.errors("delete", key, self.url, expect):
                self._once().delete_blob(self._prefix + key, **azure_edge.condition(expect))
        except NotFound as error:
            if "ContainerNotFound" in str(error):
                raise

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`. Blocks of 16 MiB, 50,000 at most. Nothing is sent yet."""
        self._check_write(key, attributes)
        whole = self._prefix + key
        return AzureUpload(
            self._retrying().get_blob_client(whole),
            self._once().get_blob_client(whole),
            key=key,
            url=self.url,
            attributes=attributes,
        )

    def close(self) -> None:
        """See `Backend.close`."""
        for lazy in (self._once, self._retrying, self._listing):
            lazy.close()

    def _is_plain(self, key: str) -> bool:
        check_text(key, url=self.url)
        return awkward(self._prefix + key) is None

    def _check_write(self, key: str, attributes: Attributes | None) -> None:
        check_text(key, url=self.url)
        whole = self._prefix + key
        check_writable(key, len(whole), AZURE_KEY_CHARACTERS, url=self.url, whole=whole)
        check_azure(attributes, url=self.url)


def open_azure(location: Location, bound: float) -> AzureBackend:
    """Open an `az:` location. Raises: ConfigurationError."""
    return AzureBackend(location, azure_credentials(location), bound=bound)
