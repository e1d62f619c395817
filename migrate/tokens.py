"""Version tokens: what shows that an object changed. Opaque, compared for equality, never ordered; no clock is read."""

from portable.backends.protocol import Stat


def token(stat: Stat) -> str:
    """Return the version token of a stored object: its ETag, size (bytes) and Last-Modified (whole seconds, UTC)."""
    return f"{stat.etag}|{stat.size}|{int(stat.modified.timestamp())}"


def written(stat: Stat) -> str:
    """Return the token of an object as the answer to its write tells it: hosts give no Last-Modified there."""
    return f"{stat.etag}|{stat.size}|"


def same(one: str, other: str) -> bool:
    """Tell whether two tokens name one version. A token from a write leaves Last-Modified open."""
    etag, size, modified = one.rsplit("|", 2)
    other_etag, other_size, other_modified = other.rsplit("|", 2)
    return (etag, size) == (other_etag, other_size) and (not modified or not other_modified or modified == other_modified)


def etag_of(value: str) -> str:
    """Return the ETag inside a token, for conditional requests."""
    return value.rsplit("|", 2)[0]
