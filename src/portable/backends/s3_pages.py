"""Pages of S3 listings: what a page shows, and what it says about the page that follows. Pure.

Source: Amazon S3 API Reference, ListObjects and ListObjectsV2.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from typing_extensions import Buffer

from portable.backends.http_fields import quoted
from portable.backends.protocol import Folder, Stat
from portable.backends.s3_xml import check_root, count, moment, parsed, text
from portable.backends.traits import ListVersion
from portable.backends.xml_tables import Row, table

_REQUIRED: Final = 4
_FIELDS: Final = ("Key", "LastModified", "ETag", "Size", "StorageClass", "ChecksumAlgorithm", "ChecksumType")
"""What is read of an object; the first four every page must tell."""
_DETAILS: Final = ("storage_class", "checksum_algorithm", "checksum_type")
"""What an inventory calls the others."""
_NEXT: Final[Mapping[ListVersion, str]] = {1: "NextMarker", 2: "NextContinuationToken"}
_NO_ETAG: Final = '""'
"""Of a stub of a folder, at some hosts."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its objects, and the rest of it."""

    rest: Element
    rows: list[Row]
    """Of each object `_FIELDS`, "" for what is not told."""

    def stats(self, root: str) -> Iterator[Stat]:
        """Describe the objects below `root`, keys relative to it; not the root itself. Raises: ValueError."""
        decode, start = self._decode(), len(root)
        for name, told, etag, size, *_ in self.rows:
            key = decode(name) if "%" in name or "+" in name else name
            if key.startswith(root) and len(key) > start:
                yield Stat(key[start:], count(size, "Size"), moment(told), quoted(etag) or _NO_ETAG)

    def inventory(self, root: str) -> Iterator[Stat]:
        """Describe as `stats` does, with details, and the root itself too. Raises: ValueError."""
        decode = self._decode()
        for name, told, etag, size, *others in self.rows:
            key = decode(name)
            details = {name: value for name, value in zip(_DETAILS, others, strict=True) if value}
            if key.endswith("/"):
                details["is_directory_stub"] = "true"
            if key.startswith(root):
                yield Stat(key[len(root) :], count(size, "Size"), moment(told), quoted(etag) or _NO_ETAG, None, details)

    def folders(self, root: str, prefix: str) -> Iterator[Folder]:
        """Name the folders directly under `prefix`, which like them is relative to `root`."""
        decode = self._decode()
        for name in map(decode, self._prefixes()):
            if name.startswith(root + prefix) and name.endswith("/") and name != root + prefix:
                yield Folder(name[len(root) :])

    def following(self, version: ListVersion) -> str | None:
        """Return the marker of the page that follows, None after the last. Raises: ValueError (it is not named)."""
        if text(self.rest, "IsTruncated") != "true":
            return None
        following = text(self.rest, "NextContinuationToken") if version == 2 else self._marker()
        if not following:
            raise ValueError(_NEXT[version])
        return following

    def _marker(self) -> str:
        """Return what a page of the first version is followed by, "" where it does not say."""
        decode = self._decode()
        if not text(self.rest, "Delimiter"):
            # Then it need not be named: the next page goes on behind the last key.
            return decode(self.rows[-1][0]) if self.rows else ""
        told = text(self.rest, "NextMarker")
        # It is the last of what was shown. Hosts exist that encode all that is shown, and not the marker.
        shown = (*(row[0] for row in self.rows), *self._prefixes())
        return told if told in map(decode, shown) else decode(told)

    def _prefixes(self) -> Iterable[str]:
        return (text(shown, "Prefix") for shown in self.rest.iterfind("{*}CommonPrefixes"))

    def _decode(self) -> Callable[[str], str]:
        return unquote_plus if text(self.rest, "EncodingType") == "url" else str


def page(body: Buffer) -> Page:
    """Read the answer to ListObjects or ListObjectsV2. Raises: KeyError, ValueError (it is none)."""
    told = bytes(body)
    found = table(told, "", "Contents", _FIELDS, _REQUIRED)
    if found is not None:
        rest, rows = found
    else:
        rest = parsed(told)
        rows = [_row(entry) for entry in rest.iterfind("{*}Contents")]
    check_root(rest, "ListBucket")
    return Page(rest, rows)


def _row(entry: Element) -> Row:
    texts = {field.tag.rpartition("}")[2]: field.text or "" for field in entry}
    return (*(texts[name] for name in _FIELDS[:_REQUIRED]), *(texts.get(name, "") for name in _FIELDS[_REQUIRED:]))
