"""Where a store is: its URL, and what must be known besides to reach it. Pure; opens nothing and reads no environment."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from portable.errors import ConfigurationError

if TYPE_CHECKING:
    from portable.backends.traits import Contract

_CONTAINER: Final = {
    "az": re.compile(r"\$(root|web|logs)|[a-z0-9](?:-?[a-z0-9])*"),
    "s3": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]"),
    "memory": re.compile(r"[A-Za-z0-9._-]+"),
}
_FSSPEC: Final = re.compile(r"fsspec\+([a-z][a-z0-9.-]*)")
_FRAGMENTS: Final = ("http", "https")
"""Protocols of fsspec whose URLs have a fragment, which no request carries."""
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^@:]*)(:[0-9]*)?")
"""A container or a host, perhaps with a port: whatever stands behind a colon otherwise may be a password."""
_SECRET: Final = re.compile(r"(?i)\?|(accountkey|sharedaccesssignature)=|[;&]sig=")
_ENDPOINT: Final = re.compile(r"https?://(?:\[(?P<ip>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(?::[0-9]+)?(?:/[^@?#]*)?")
_CREDENTIALS: Final = re.compile(r"default|env:[A-Za-z_][A-Za-z0-9_]*|env:|profile:\S.*")


@dataclass(frozen=True, slots=True)
class Location:
    """One store: `az://container/prefix`, `s3://bucket/prefix`, `file:///path`, `memory://name` or `fsspec+PROTOCOL://path`.

    URLs are literal: nothing in them is percent-decoded. `credentials` names where credentials come from (`env:PREFIX_`,
    `profile:NAME` or `default`), never values; `provider` names a host profile. `storage_class` is what objects are written
    in: a storage class (Azure: access tier) by the host's own name, or a tier that it has one for (`hot`, `cool`, `cold`,
    `archive`); the host's own default where it is None. `contract` is what is known of the host where more is known than the
    file of its provider says.

    Raises: ConfigurationError for a URL that names no store, or that carries credentials.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    credentials: str = "default"
    provider: str | None = None
    storage_class: str | None = None
    contract: "Contract | None" = None

    def __post_init__(self) -> None:
        authority = self.url.partition("://")[2].partition("/")[0]
        fragment = self.protocol in _FRAGMENTS and "#" in self.url
        if _SECRET.search(self.url) or fragment or not _AUTHORITY.fullmatch(authority):
            raise ConfigurationError(
                "a store URL carries a query, user information or a key, which it never does: "
                "name where credentials come from (env:PREFIX_, profile:NAME) instead of their values"
            )
        if not _CREDENTIALS.fullmatch(self.credentials):
            raise ConfigurationError("credentials must be `default`, `env:PREFIX_` or `profile:NAME`")
        if self.endpoint is not None:
            check_endpoint(self.endpoint, named="an endpoint")
        self._check_url()
        if self.storage_class is not None and self.scheme not in ("s3", "az"):
            raise ConfigurationError(f"{self.url!r} has no storage classes (`storage_class`): only s3: and az: have")

    def _check_url(self) -> None:
        """Raise ConfigurationError for what is no store's URL, and do not repeat it: what was pasted may hold a secret."""
        if self.scheme == "file":
            _check_path(self.url, self.path)
            return
        if self.scheme == "fsspec":
            if "://" not in self.url or not (self.container or self.prefix) or "\0" in self.url:
                raise ConfigurationError(
                    f"the fsspec+{self.protocol}: URL names no container or folder of a filesystem: write fsspec+s3://bucket"
                )
        elif self.scheme not in _CONTAINER:
            raise ConfigurationError("this is not a store URL: use az://, s3://, file:///, memory:// or fsspec+PROTOCOL://")
        elif "://" not in self.url or not _CONTAINER[self.scheme].fullmatch(self.container):
            raise ConfigurationError(f"the {self.scheme}: URL names no valid container or bucket: write {self.scheme}://NAME")
        if any(segment in ("", ".", "..") for segment in self.prefix.split("/")[:-1]):
            raise ConfigurationError(f"the prefix of {self.url!r} has an empty, `.` or `..` segment")

    @property
    def scheme(self) -> str:
        """`az`, `s3`, `file`, `memory` or `fsspec`."""
        return "fsspec" if self.protocol else self.url.partition(":")[0]

    @property
    def protocol(self) -> str:
        """The PROTOCOL of a `fsspec+PROTOCOL:` store, by which fsspec knows its filesystem; "" for all others."""
        found = _FSSPEC.fullmatch(self.url.partition(":")[0])
        return found[1] if found else ""

    @property
    def container(self) -> str:
        """What stands between `//` and the next slash: the container, the bucket, a memory store's name; "" for `file:`."""
        return "" if self.scheme == "file" else self.url.partition("://")[2].partition("/")[0]

    @property
    def prefix(self) -> str:
        """What stands before every key: "" or a string that ends with "/"."""
        if self.scheme == "file":
            return ""
        below = self.url.partition("://")[2].partition("/")[2].rstrip("/")
        return f"{below}/" if below else ""

    @property
    def path(self) -> Path:
        """The folder of a `file:` store."""
        below = self.url.removeprefix("file:")
        if below.startswith("//"):
            host, slash, rest = below[2:].partition("/")
            below = slash + rest if host in ("", "localhost") else ""
        return Path(below)

    def __str__(self) -> str:
        return self.url


def same_store(one: Location, other: Location) -> bool:
    """Tell whether two addresses name one store. What only one of them says, such as an endpoint, does not tell them apart."""
    if any(getattr(one, part) != getattr(other, part) for part in ("scheme", "protocol", "container", "prefix")):
        return False
    if one.scheme == "file":
        return one.path == other.path
    pairs = ((one.endpoint, other.endpoint), (one.account, other.account))
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def check_endpoint(endpoint: str, *, named: str) -> None:
    """Raise ConfigurationError for what is no host's URL; `named` is what the message calls it, which does not repeat it."""
    try:
        parts, found = urlsplit(endpoint), _ENDPOINT.fullmatch(endpoint)
        fits = found is not None and endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and parts.port != 0
        if found is not None and found["ip"]:
            IPv6Address(found["ip"])
        (parts.hostname or "").encode("idna")  # as a connection will: no label of a name is empty or too long
    except ValueError:
        fits = False
    if not fits:
        raise ConfigurationError(f"{named} must be an http:// or https:// URL without user information or query")


def _check_path(url: str, path: Path) -> None:
    if not path.is_absolute() or "\0" in url or ".." in path.parts:
        raise ConfigurationError(f"{url!r} names no folder: write file:///absolute/path, without `..`")
