"""Azure listings with exact keys, read by a fast parser: the SDK's own takes 400 us a key."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import quote, unquote, urlencode
from xml.etree.ElementTree import Element

from portable.backends import azure_requests as requests
from portable.backends.answers import no_answer
from portable.backends.attribute_rules import HEADERS
from portable.backends.azure_wire import AzureWire
from portable.backends.http_fields import moment, quoted
from portable.backends.pages import Pages
from portable.backends.protocol import Attributes, Stat, Unfinished
from portable.errors import PortableError

PAGE_SIZE = 5000
"""Blobs; the most that the service gives at once."""
INVENTORY: Final = ("copy,deleted,metadata,snapshots,uncommittedblobs,versions", "copy,metadata,snapshots,uncommittedblobs")
"""What an inventory asks for: all, or where the account does not know versions or soft deletion, the rest."""
_DETAILS: Final = {
    "Snapshot": "snapshot",
    "VersionId": "version_id",
    "IsCurrentVersion": "is_current_version",
    "Deleted": "deleted",
    "HasVersionsOnly": "has_versions_only",
}
_PROPERTY_DETAILS: Final = {
    "BlobType": "blob_type",
    "AccessTier": "tier",
    "AccessTierInferred": "tier_inferred",
    "ArchiveStatus": "archive_status",
    "Content-MD5": "content_md5",
    "LeaseState": "lease_state",
    "CopyStatus": "copy_status",
    "IncrementalCopy": "incremental_copy",
    "EncryptionScope": "encryption_scope",
    "CustomerProvidedKeySha256": "customer_key_sha256",
    "ImmutabilityPolicyUntilDate": "immutable_until",
    "LegalHold": "legal_hold",
    "ResourceType": "resource_type",
    "TagCount": "tag_count",
}


Entry = TypeVar("Entry")


class AzureListing:
    """The listings of one container. What each gives raises, as it goes on: NotFound (the container), Denied, Unavailable."""

    def __init__(self, wire: AzureWire, *, url: str) -> None:
        self._wire, self._url = wire, url

    def objects(self, root: str, prefix: str) -> Pages[Stat]:
        """List the current blobs whose keys, relative to `root`, start with `prefix`."""

        def read(blob: Element) -> Iterator[Stat]:
            name = _name(blob)
            if name.startswith(root) and name != root and blob.findtext("Properties/ResourceType") != "directory":
                yield _stat(name[len(root) :], blob, None, {})

        return self._pages(root + prefix, read, "")

    def inventory(self, root: str) -> Pages[Stat]:
        """List every blob below `root`, its snapshots, versions and uncommitted blocks, with attributes and details."""

        def read(blob: Element) -> Iterator[Stat]:
            name = _name(blob)
            if name.startswith(root):
                yield _inventory_stat(name[len(root) :], blob)

        return self._pages(root, read, *INVENTORY)

    def unfinished(self, root: str) -> Pages[Unfinished]:
        """List the staged uploads below `root` to names at which no blob stands."""

        def read(blob: Element) -> Iterator[Unfinished]:
            name = _name(blob)
            if name.startswith(root) and _is_uncommitted(blob):
                key = name[len(root) :]
                for token in sorted(self._wire.blocks(name, key=key)):
                    yield Unfinished(key, token, requests.begun(token))

        return self._pages(root, read, "uncommittedblobs")

    def _pages(self, prefix: str, read: Callable[[Element], Iterator[Entry]], *includes: str) -> Pages[Entry]:
        """List what `read` makes of each blob. Of `includes`, the next is tried where the account does not know one."""
        wanted = [*includes]

        def fetch(marker: str | None) -> tuple[list[Entry], str | None]:
            answer, error = self._wire.page(_query(prefix, marker or "", wanted[0]))
            if answer.status == 400 and marker is None and len(wanted) > 1:
                del wanted[0]
                return fetch(marker)
            if error is not None:
                raise error
            try:
                page = requests.xml(answer.body)
                if page.tag != "EnumerationResults":
                    raise ValueError(page.tag)
                entries = [entry for blob in page.iterfind("Blobs/Blob") for entry in read(blob)]
            except PortableError:  # some are ValueErrors too
                raise
            except (KeyError, ValueError):
                raise no_answer("the answer is no listing", operation="list", key="", url=self._url) from None
            return entries, page.findtext("NextMarker") or None

        return Pages(fetch, url=self._url)


def _query(prefix: str, marker: str, include: str) -> str:
    asked = {"prefix": prefix, "marker": marker, "include": include, "maxresults": str(PAGE_SIZE)}
    return urlencode({name: value for name, value in asked.items() if value}, quote_via=quote)


def _name(blob: Element) -> str:
    element = blob.find("Name")
    if element is None:
        return ""
    text = element.text or ""
    return unquote(text) if element.get("Encoded") == "true" else text


def _stat(key: str, blob: Element, attributes: Attributes | None, details: dict[str, str]) -> Stat:
    properties = {field.tag: field.text or "" for field in blob.find("Properties") or ()}
    told = properties.get("Last-Modified")
    modified = moment(told) if told else datetime.fromtimestamp(0, UTC)
    etag = quoted(properties.get("Etag", "")) or '"uncommitted"'
    size = properties.get("Content-Length", "0")
    if not (size.isascii() and size.isdigit()):
        raise ValueError("Content-Length")
    return Stat(key, int(size), modified, etag, attributes, details)


def _inventory_stat(key: str, blob: Element) -> Stat:
    properties = {field.tag: field.text for field in blob.find("Properties") or () if field.text}
    metadata = {field.tag.lower(): field.text or "" for field in blob.find("Metadata") or ()}
    details = {name: properties[tag] for tag, name in _PROPERTY_DETAILS.items() if tag in properties}
    details |= {name: text for tag, name in _DETAILS.items() if (text := blob.findtext(tag))}
    if metadata.get("hdi_isfolder", "").lower() == "true" or key.endswith("/") or details.get("resource_type") == "directory":
        details["is_directory_stub"] = "true"
    if _is_uncommitted(blob):
        details["uncommitted"] = "true"
    settings = {field: properties[tag] for field, tag in HEADERS.items() if tag in properties}
    return _stat(key, blob, Attributes(**settings, metadata=metadata), details)


def _is_uncommitted(blob: Element) -> bool:
    properties = {field.tag: field.text for field in blob.find("Properties") or () if field.text}
    return "Etag" not in properties or ("Content-Type" not in properties and properties.get("Content-Length") == "0")
