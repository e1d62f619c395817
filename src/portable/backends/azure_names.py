"""Which names a container keeps unchanged (Naming and Referencing Containers, Blobs, and Metadata)."""

from typing import Final

from portable.backends.answers import describe
from portable.backends.key_rules import AZURE_KEY_CHARACTERS, awkward, check_text
from portable.errors import InvalidKey

_SEGMENTS: Final = 254
_RESOLVED_AWAY: Final = {".", ".."}
"""Segments that URLs do not carry (RFC 3986, section 5.2.4): the request would be about another blob."""


def obstacle(whole: str) -> str | None:
    """Say why a blob's whole name, the store's prefix included, is not written as it is, or None where it is."""
    if len(whole) > AZURE_KEY_CHARACTERS:
        return f"is {len(whole)} characters long with its prefix, and the host allows {AZURE_KEY_CHARACTERS}"
    if reason := awkward(whole):
        return reason
    if whole.count("/") >= _SEGMENTS:
        return f"has over {_SEGMENTS} segments with its prefix"
    if whole.endswith(".") or "./" in whole:
        return "has a segment that ends in a dot, which clients of Azure drop"
    return None


def check_writable(whole: str, key: str, *, url: str) -> None:
    """Raise InvalidKey for a name that Azure does not take, takes and changes, or advises against."""
    check_text(whole, url=url)
    if reason := obstacle(whole):
        shown = repr(key) if len(key) <= AZURE_KEY_CHARACTERS else f"{key[:40]!r}..."
        raise InvalidKey(f"key {shown} in {url}: {reason}; such a blob can be read here, but not written")


def check_readable(whole: str, key: str, *, url: str) -> None:
    """Raise InvalidKey for a name that no request can be about."""
    check_text(whole, url=url)
    if not whole:
        raise InvalidKey(f"{describe('read', key, url)}: every blob has a name")
    if "\\" in whole:
        raise InvalidKey(f"{describe('read', key, url)}: the host takes a backslash for a slash, and would read another blob")
    if "." in whole and not _RESOLVED_AWAY.isdisjoint(whole.split("/")):
        raise InvalidKey(f"{describe('read', key, url)}: no request can name a `.` or `..` segment as it is")
