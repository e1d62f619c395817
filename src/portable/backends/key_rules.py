"""Which keys a host holds unchanged.

Clients and servers alter some keys without a word: `a/` and `/a` become `a`, and a backslash becomes a slash (Azure,
SeaweedFS). Others cannot be listed: no XML document has their characters. Such keys are read, and never written.
"""

import re
from typing import Final

from portable.errors import ConfigurationError, InvalidKey

S3_KEY_BYTES: Final = 1024
"""Amazon S3 user guide, "Naming Amazon S3 objects": UTF-8 bytes."""
AZURE_KEY_CHARACTERS: Final = 1024
"""Naming and Referencing Containers, Blobs, and Metadata."""
_SUSPECT: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f\\\ufffe\uffff]")
"""Finds what is wrong in any key that `awkward` refuses, and nothing in the others."""


def awkward(key: str) -> str | None:
    """Say why a whole key (the store's prefix included) cannot be written as it is, or None where it can."""
    if _SUSPECT.search(key) is None:
        return None
    segments = key.split("/")
    if not key:
        return "is empty"
    if "" in segments:
        return "has an empty segment (a slash at its start or end, or two together)"
    if "." in segments or ".." in segments:
        return "has a `.` or `..` segment"
    if "\\" in key:
        return "has a backslash, which hosts turn into a slash"
    if any(character < " " or character == "\x7f" for character in key):
        return "has a control character"
    if "\ufffe" in key or "\uffff" in key:
        return "has a character that no XML document has, and so no listing"
    return None


def check_text(key: str, *, url: str) -> None:
    """Raise InvalidKey for a key that is not text which UTF-8 can carry."""
    if key.isascii():
        return
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidKey(f"key {key!r} in {url}: lone surrogates cannot be encoded as UTF-8") from None


def check_range(start: int, stop: int | None) -> None:
    """Raise ConfigurationError for a range that counts from the end: sizes are not known here."""
    if start < 0 or (stop is not None and stop < 0):
        raise ConfigurationError(f"a range of bytes [{start}, {stop}) must not be negative")


def check_writable(key: str, length: int, limit: int, *, url: str, whole: str) -> None:
    """Raise InvalidKey where `whole` (prefix and key) is longer than the host allows, or awkward."""
    if length > limit:
        raise InvalidKey(f"key {key[:40]!r}... in {url}: {length} long with its prefix, and the host allows {limit}")
    if reason := awkward(whole):
        raise InvalidKey(f"key {key!r} in {url}: {reason}; it can be read here, but not written")
