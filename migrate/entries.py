"""What an entry of the source's inventory is, and what stands in the way of moving it. Pure.

An entry is either set aside (a snapshot, a folder marker: not a current object) or a current object, to which the rules of
`OBJECT_RULES` apply. A rule answers None where the host did not say: unknown is never taken for no.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from portable.backends import azure_names
from portable.backends.key_rules import AZURE_KEY_CHARACTERS, S3_KEY_BYTES, awkward
from portable.backends.local_files import SEGMENT_BYTES, segments
from portable.backends.protocol import Capabilities, Stat
from portable.errors import InvalidKey
from portable.format.layout import MAX_REGULAR_FRAMES, Body
from portable.keys.volume_keys import Names
from portable.names import obstacle
from portable.sealed import RESERVED_PREFIX, Metadata, overflow_length
from portable.volume.volume import MAX_KEY_BYTES

OFFLINE: Final = frozenset({"archive", "glacier", "deep_archive"})
"""Tiers whose objects cannot be read before they are restored."""
_STANDARD: Final = frozenset({"", "hot", "standard"})
"""Tiers that are no news: "" is a host without tiers."""
_OTHER_BLOB_TYPES: Final = frozenset({"pageblob", "appendblob"})
_TRUE: Final = "true"


@dataclass(frozen=True, slots=True)
class Route:
    """Between which kinds of host a migration moves, and what the target can hold."""

    source: str
    """Scheme of the source's URL."""
    target: str
    """Scheme of the target's URL."""
    prefix: str
    """What stands before every key at the target."""
    capabilities: Capabilities
    """Of the target: how it takes long objects, and how long keys may be."""
    frame_length: int
    header_length: int
    """Bytes of every message's header."""
    names: Names
    """Whether the target stores keys as they are."""

    def stored(self, size: int) -> int | None:
        """Return the bytes stored at the target for `size` bytes of plaintext, or None where no message is so long."""
        if size // self.frame_length > MAX_REGULAR_FRAMES:
            return None
        return self.header_length + Body.of_plaintext(size, self.frame_length).stored_length


Rule = Callable[[Stat, Route], bool | None]


def set_aside(entry: Stat) -> str | None:
    """Return the id of the finding under which an entry that is no current object falls, or None for a current object."""
    details = entry.details
    if _is(details, "deleted"):
        return "deleted"
    if details.get("snapshot"):
        return "snapshots"
    # Azure marks the current version alone; where an account keeps no versions, no entry has an id of one.
    if _is(details, "has_versions_only") or (details.get("version_id") and not _is(details, "is_current_version")):
        return "versions"
    if _is(details, "uncommitted"):
        return "uncommitted"
    if details.get("file_type"):
        return "special-files"
    # An object of some bytes that looks like a folder's marker is data, and is never set aside.
    if _is(details, "is_directory_stub") and entry.size == 0:
        return "directory-stubs"
    return None


def variant(entry: Stat) -> str:
    """Return what tells an entry from the current object at its key, or "" for that object and for a folder marker."""
    details = entry.details
    unreadable = "unreadable name" if _is(details, "unreadable_name") else None
    aside = set_aside(entry)
    if aside in (None, "directory-stubs", "special-files"):
        return unreadable or ""
    return " ".join(part for part in (aside, details.get("snapshot"), details.get("version_id"), unreadable) if part)


def _is(details: Mapping[str, str], name: str) -> bool:
    return details.get(name, "").lower() == _TRUE


def _tier(entry: Stat, route: Route) -> str | None:
    """Return the tier or storage class in lower case, "" where this kind of source has none, None where it did not say."""
    tier = entry.details.get("tier") or entry.details.get("storage_class")
    if tier:
        return tier.lower()
    return None if route.source == "az" and not _of_other_type(entry, route) else ""


def _archived(entry: Stat, route: Route) -> bool | None:
    tier = _tier(entry, route)
    return None if tier is None else tier in OFFLINE and not _rehydrating(entry, route)


def _rehydrating(entry: Stat, _: Route) -> bool:
    return bool(entry.details.get("archive_status"))


def _in_other_tier(entry: Stat, route: Route) -> bool | None:
    tier = _tier(entry, route)
    return None if tier is None else tier not in _STANDARD


def _of_other_type(entry: Stat, _: Route) -> bool:
    return entry.details.get("blob_type", "").lower() in _OTHER_BLOB_TYPES


def _with_customer_key(entry: Stat, _: Route) -> bool:
    return bool(entry.details.get("customer_key_sha256"))


def _with_tags(entry: Stat, route: Route) -> bool | None:
    count = entry.details.get("tag_count")
    return count != "0" if count is not None else (None if route.source == "s3" else False)


def _held(entry: Stat, route: Route) -> bool | None:
    if _is(entry.details, "legal_hold") or entry.details.get("immutable_until"):
        return True
    return None if route.source == "s3" else False


def _being_copied(entry: Stat, _: Route) -> bool:
    return entry.details.get("copy_status", "").lower() == "pending"


def _leased(entry: Stat, _: Route) -> bool:
    return entry.details.get("lease_state", "").lower() == "leased"


def _without_md5(entry: Stat, route: Route) -> bool:
    return route.source == "az" and not entry.details.get("content_md5")


def _encoded(entry: Stat, _: Route) -> bool | None:
    return None if entry.attributes is None else bool(entry.attributes.content_encoding)


def _overflows(entry: Stat, _: Route) -> bool | None:
    if entry.attributes is None:
        return None
    described = Metadata(entry.attributes, entry.modified, entry.etag)
    return overflow_length(described) > 0


def _unreadable(entry: Stat, _: Route) -> bool:
    return _is(entry.details, "unreadable_name")


def _too_long(entry: Stat, route: Route) -> bool:
    if route.names == "sealed":
        return obstacle(entry.key, route.capabilities.key_room) is not None
    whole = route.prefix + entry.key
    at_target = {
        "s3": len(whole.encode()) > S3_KEY_BYTES,
        "az": len(whole) > AZURE_KEY_CHARACTERS,
        "file": any(len(segment.encode()) > SEGMENT_BYTES for segment in entry.key.split("/")),
    }
    return at_target.get(route.target, False) or len(entry.key.encode()) > MAX_KEY_BYTES


def _refused(entry: Stat, route: Route) -> bool:
    if not entry.key:
        return True
    if route.names == "sealed":
        return False
    if _too_long(entry, route):
        return False
    return _REFUSED_BY.get(route.target, awkward)(route.prefix + entry.key) is not None


def _misfit_of_folder(key: str) -> str | None:
    try:
        segments(key, url="")
    except InvalidKey as error:
        return str(error)
    return None


_REFUSED_BY: Final[Mapping[str, Callable[[str], str | None]]] = {
    "az": azure_names.obstacle,
    "file": _misfit_of_folder,
    "memory": lambda _: None,
}
"""By the target's scheme, what tells whether a key is refused there; `awkward` for every other."""


def _reserved(entry: Stat, _: Route) -> bool:
    return entry.key.startswith(RESERVED_PREFIX)


def _too_large(entry: Stat, route: Route) -> bool:
    stored = route.stored(entry.size)
    return stored is None or stored > route.capabilities.largest_conditional


def _empty(entry: Stat, _: Route) -> bool:
    return entry.size == 0


OBJECT_RULES: Final[dict[str, Rule]] = {
    "archived": _archived,
    "rehydrating": _rehydrating,
    "customer-key": _with_customer_key,
    "key-invalid": _unreadable,
    "key-too-long": _too_long,
    "key-refused": _refused,
    "key-reserved": _reserved,
    "object-too-large": _too_large,
    "blob-types": _of_other_type,
    "tiers": _in_other_tier,
    "tags": _with_tags,
    "holds": _held,
    "leases": _leased,
    "copy-pending": _being_copied,
    "no-content-md5": _without_md5,
    "content-encoding": _encoded,
    "metadata-overflow": _overflows,
    "empty": _empty,
}
"""Finding id to the rule that tells whether a current object falls under it. An object may fall under several."""
