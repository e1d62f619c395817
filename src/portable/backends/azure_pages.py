"""Pages of Azure listings: what a page shows of each blob. Pure. Source: Blob service REST API, List Blobs."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from typing_extensions import Buffer

from portable.backends.attribute_rules import HEADERS
from portable.backends.azure_requests import xml
from portable.backends.http_fields import moment, quoted
from portable.backends.protocol import Attributes, Folder, Stat
from portable.backends.xml_tables import Row, table

_FIELDS: Final = ("Last-Modified", "Etag", "Content-Length", "ResourceType")
"""What is read of a current blob, beside its name; the last is not told of every one."""
_MISSING: Final = {"Content-Length": "0"}
"""What is meant where nothing is told, as of a blob without committed blocks."""
_PATHS: Final = ("Name", *(f"Properties/{field}" for field in _FIELDS))
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


def current(body: Buffer) -> tuple[Element, list[Row]]:
    """Read a page of current blobs: the page, and each blob's name and `_FIELDS`, "" for what is not told.

    Raises: ValueError (it is none).
    """
    told = bytes(body)
    if (found := table(told, "Blobs", "Blob", _PATHS, len(_PATHS) - 1)) is not None:
        _check(found.rest)
        return found.rest, found.rows
    page = whole(told)
    return page, [_row(blob) for blob in page.iterfind("Blobs/Blob")]


def whole(body: Buffer) -> Element:
    """Read a page with all that it tells. Raises: ValueError (it is none)."""
    page = xml(body)
    _check(page)
    return page


def stats(rows: Iterable[Row], root: str) -> Iterator[Stat]:
    """Describe the blobs below `root`, keys relative to it. Raises: KeyError, ValueError."""
    start = len(root)
    for name, modified, etag, length, kind in rows:
        if name.startswith(root) and len(name) > start and kind != "directory":
            yield _stat(name[start:], modified, etag, length)


def folders(page: Element, root: str, prefix: str) -> Iterator[Folder]:
    """Name the folders directly under `prefix`, which like them is relative to `root`."""
    for name in map(_name, page.iterfind("Blobs/BlobPrefix")):
        if name.startswith(root + prefix) and name.endswith("/") and name != root + prefix:
            yield Folder(name[len(root) :])


def inventory(page: Element, root: str) -> Iterator[Stat]:
    """Describe all below `root` with attributes and details. Raises: KeyError, ValueError."""
    for blob in page.iterfind("Blobs/Blob"):
        name = _name(blob)
        if name.startswith(root):
            yield _inventory_stat(name[len(root) :], blob)


def uncommitted(page: Element, root: str) -> Iterator[str]:
    """Name the blobs below `root` that only have uncommitted blocks."""
    return (name for blob in page.iterfind("Blobs/Blob") if (name := _name(blob)).startswith(root) and _is_uncommitted(blob))


def _check(page: Element) -> None:
    if page.tag != "EnumerationResults":
        raise ValueError(page.tag)


def _row(blob: Element) -> Row:
    modified, etag, length, kind = (blob.findtext(f"Properties/{field}", _MISSING.get(field, "")) for field in _FIELDS)
    return _name(blob), modified, etag, length, kind


def _name(blob: Element) -> str:
    element = blob.find("Name")
    if element is None:
        return ""
    text = element.text or ""
    return unquote(text) if element.get("Encoded") == "true" else text


def _properties(blob: Element) -> dict[str, str]:
    return {field.tag: field.text for field in blob.find("Properties") or () if field.text}


def _stat(
    key: str, told: str, etag: str, length: str, attributes: Attributes | None = None, details: dict[str, str] | None = None
) -> Stat:
    modified = moment(told) if told else datetime.fromtimestamp(0, UTC)
    if not (length.isascii() and length.isdigit()):
        raise ValueError("Content-Length")
    return Stat(key, int(length), modified, quoted(etag) or '"uncommitted"', attributes, details or {})


def _inventory_stat(key: str, blob: Element) -> Stat:
    properties = _properties(blob)
    metadata = {field.tag.lower(): field.text or "" for field in blob.find("Metadata") or ()}
    details = {name: properties[tag] for tag, name in _PROPERTY_DETAILS.items() if tag in properties}
    details |= {name: text for tag, name in _DETAILS.items() if (text := blob.findtext(tag))}
    if metadata.get("hdi_isfolder", "").lower() == "true" or key.endswith("/") or details.get("resource_type") == "directory":
        details["is_directory_stub"] = "true"
    if _is_uncommitted(blob):
        details["uncommitted"] = "true"
    settings = {field: properties[tag] for field, tag in HEADERS.items() if tag in properties}
    attributes = Attributes(**settings, metadata=metadata)
    _, modified, etag, length, _ = _row(blob)
    return _stat(key, modified, etag, length, attributes, details)


def _is_uncommitted(blob: Element) -> bool:
    properties = _properties(blob)
    return "Etag" not in properties or ("Content-Type" not in properties and properties.get("Content-Length") == "0")
