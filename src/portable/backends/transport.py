"""How a host is reached: whose certificates are trusted, and through which proxy. From the environment, for each store its own.

    PREFIX_CA_BUNDLE   a PEM file of the certificate authorities to trust, for `credentials = "env:PREFIX_"`
    PREFIX_PROXY       http://[user:password@]proxy:port, or "none"

What a store's own variables do not say, an AWS profile's `ca_bundle` says for its store, and then for all stores SSL_CERT_FILE,
REQUESTS_CA_BUNDLE (before them, for S3 alone, AWS_CA_BUNDLE), HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

from portable.errors import ConfigurationError

AUTHORITIES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""The variables that name a file of authorities for every host."""
_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy")
_PORTS: Final = {"http": 80, "https": 443}


class Withheld:
    """Refuses to leave the process: other processes resolve the reference to credentials themselves."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are never pickled: send the Location, and resolve it there")


@dataclass(frozen=True)
class Transport(Withheld):
    """What connections to one endpoint need."""

    ca_bundle: str | None = None
    """Path of a PEM file; None for the authorities that each client comes with."""
    proxy: str | None = field(default=None, repr=False)
    """http: URL of a proxy, which may hold credentials; None for direct connections."""
    named_by: str = "CA_BUNDLE"
    """What names `ca_bundle`: a variable or a profile. For messages."""


def transport(
    endpoint: str,
    environment: Mapping[str, str],
    *,
    prefix: str = "",
    configured: tuple[str, str] | None = None,
    authorities: Sequence[str] = AUTHORITIES,
) -> Transport:
    """Resolve what `endpoint` is reached through, from the variables with `prefix`, where there is one, and the general ones.

    `configured` is a file of authorities that a profile names, after who names it; `authorities` are the general variables
    that may name one. Raises: ConfigurationError (no file of certificates, or no http: URL of a proxy).
    """
    named_by, ca_bundle = _ca_bundle(environment, prefix, configured, authorities)
    return Transport(ca_bundle, _proxy(endpoint, prefix, environment), named_by)


def _ca_bundle(
    environment: Mapping[str, str], prefix: str, configured: tuple[str, str] | None, authorities: Sequence[str]
) -> tuple[str, str | None]:
    """Return what names the file, and its path."""
    own = [(f"{prefix}CA_BUNDLE", environment.get(f"{prefix}CA_BUNDLE", ""))] if prefix else []
    named = [*own, *([configured] if configured else []), *((name, environment.get(name, "")) for name in authorities)]
    name, path = next(((name, path) for name, path in named if path), ("", ""))
    if not path:
        return "", None
    try:
        holds_any = _PEM in Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name} names a file that cannot be read: {path} ({error.strerror})") from None
    if not holds_any:
        raise ConfigurationError(f"{name} names a file without certificates: {path} (PEM is expected)")
    return name, path


def _proxy(endpoint: str, prefix: str, environment: Mapping[str, str]) -> str | None:
    variable = f"{prefix}PROXY"
    url = environment.get(variable, "") if prefix else ""
    if url.lower() == "none":
        return None
    if not url:
        # The name in lower case wins, as it does for other programs.
        proxies = {name: environment.get(name) or environment.get(name.upper(), "") for name in _PROXIES}
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), _PORTS.get(parts.scheme) if parts.port is None else parts.port
        if any(_covers(excluded.strip().lower(), host, port) for excluded in proxies["no_proxy"].split(",")):
            return None
        variable, url = f"{parts.scheme.upper()}_PROXY", proxies.get(f"{parts.scheme}_proxy", "")
    if not url:
        return None
    # Other programs take proxy:port as well; a word alone is no more likely a host than something that they do not know.
    whole = url if "://" in url or ":" not in url else f"http://{url}"
    if not _is_proxy(whole):
        raise ConfigurationError(f"{variable} is not the URL of a proxy: write http://[user:password@]proxy:port")
    return whole


def _covers(excluded: str, host: str, port: int | None) -> bool:
    """Tell whether an entry of NO_PROXY covers a host: "*", a name and all below it, a network, each perhaps with a port."""
    name, _, only = excluded.partition(":") if excluded.count(":") < 2 else (excluded, "", "")
    if not name or (only and only != str(port)):
        return False
    if name == "*" or host == name.lstrip(".") or host.endswith(f".{name.lstrip('.')}"):
        return True
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        return False


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_host = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    # What follows a slash may be the rest of a password that was not percent-encoded.
    return is_host and parts.path in ("", "/") and not (parts.query or parts.fragment) and not re.search(r"\s", url)
