"""Where a request goes: the parts of a URL, as a connection, a request line and a signature each name their own. Pure."""

from typing import Final

from msgspec import Struct

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class Target(Struct, frozen=True):
    """An absolute http: or https: URL without a fragment, percent-encoded (RFC 3986, section 3)."""

    origin: str
    """scheme://host, with the port where the URL has one."""
    host: str
    """What the field Host says: the host, with a port that is not the scheme's own (RFC 9110, section 7.2)."""
    path: str
    """Begins with a slash, or is empty."""
    query: str = ""
    """Without its mark."""

    def __str__(self) -> str:
        return f"{self.origin}{self.path}?{self.query}" if self.query else f"{self.origin}{self.path}"


def target_of(url: str) -> Target:
    """Take a URL apart. Raises: KeyError (another scheme)."""
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    netloc, slash, path = address.partition("/")
    return Target(f"{scheme}://{netloc}", netloc.removesuffix(_DEFAULT_PORTS[scheme]), slash + path, query)
