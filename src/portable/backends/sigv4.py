"""Signature Version 4 for S3, with a time and a payload of the caller's choice. Pure.

The SDK's signer takes the present for the time, and several times as long as all the rest of a small request. Source: Amazon
S3 API Reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" and "Using Query
Parameters".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from portable.backends.transport import Withheld

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_ALTERED: Final = "accept-encoding"
"""A header that machines between here and the host may alter: it is not signed."""
_PORTS: Final = {"http": ":80", "https": ":443"}
_SECONDS: Final = 8
"""How many times are kept as they are written."""
_SETS: Final = 64
"""How many sets of headers are kept in their order."""


@dataclass(frozen=True, slots=True)
class Signer(Withheld):
    """One key pair for one region. Safe to use from several threads."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    _macs: dict[str, hmac.HMAC] = field(default_factory=dict, init=False, repr=False, compare=False)
    """An HMAC by the signing key of the day that was last signed for: to set one up takes longer than all the rest."""

    def headers(self, method: str, url: str, headers: Mapping[str, str], *, payload: str, at: datetime) -> dict[str, str]:
        """Return `headers` with those that sign a request to `url`, which is percent-encoded.

        `payload` is what x-amz-content-sha256 says: the SHA-256 of the body in hexadecimal, or `UNSIGNED`.
        """
        stamp = _stamp(at.replace(microsecond=0))
        sent = {**headers, "x-amz-content-sha256": payload, "x-amz-date": stamp}
        if self.session_token:
            sent["x-amz-security-token"] = self.session_token
        host, path, query = _places(url)
        ordered, names = _ordered(tuple(sent))
        canonical = "".join([f"{name}:{sent[spelled] if spelled else host}\n" for name, spelled in ordered])
        if len(canonical.split()) != len(ordered):  # values with spaces, of which the canonical form has no two together
            canonical = "".join(
                [f"{name}:{' '.join(sent[spelled].split()) if spelled else host}\n" for name, spelled in ordered]
            )
        scope, signature = self._signature(f"{method}\n{path}\n{query}\n{canonical}\n{names}\n{payload}", stamp)
        sent["Authorization"] = (
            f"{_ALGORITHM} Credential={self.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return sent

    def presigned(self, method: str, url: str, *, at: datetime, seconds: int) -> str:
        """Return `url` with a query that lets anybody make this request from `at` on, for some seconds."""
        stamp = _stamp(at.replace(microsecond=0))
        values = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{self._scope(stamp)}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            **({"X-Amz-Security-Token": self.session_token} if self.session_token else {}),
            "X-Amz-SignedHeaders": "host",
        }
        asked = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in values.items())
        address = f"{url}{'&' if '?' in url else '?'}{asked}"
        host, path, query = _places(address)
        _, signature = self._signature(f"{method}\n{path}\n{query}\nhost:{host}\n\nhost\n{UNSIGNED}", stamp)
        return f"{address}&X-Amz-Signature={signature}"

    def _scope(self, stamp: str) -> str:
        return f"{stamp[:8]}/{self.region}/s3/aws4_request"

    def _signature(self, request: str, stamp: str) -> tuple[str, str]:
        """Return the scope of a signature, and the signature."""
        scope = self._scope(stamp)
        mac = self._macs.get(scope)
        if mac is None:
            key = f"AWS4{self.secret_access_key}".encode()
            for step in scope.split("/"):
                key = hmac.digest(key, step.encode(), "sha256")
            mac = hmac.new(key, digestmod="sha256")
            self._macs.clear()
            self._macs[scope] = mac
        digest = hashlib.sha256(request.encode()).hexdigest()
        mac = mac.copy()
        mac.update(f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode())
        return scope, mac.hexdigest()


@lru_cache(_SETS)
def _ordered(sent: tuple[str, ...]) -> tuple[list[tuple[str, str]], str]:
    """Return the signed headers in canonical order, each beside how it is spelled ("" for the host), and their joined names."""
    spelled = {name.lower(): name for name in sent} | {"host": ""}
    spelled.pop(_ALTERED, None)
    return sorted(spelled.items()), ";".join(sorted(spelled))


@lru_cache(_SECONDS)
def _stamp(at: datetime) -> str:
    """Write a time, in whole seconds, as signatures do: to format it takes longer than to look it up."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def _places(url: str) -> tuple[str, str, str]:
    """Return the host as requests name it, the path, and the query in its canonical order."""
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    netloc, _, path = address.partition("/")
    if "&" in query or (query and "=" not in query):
        pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
        query = "&".join([f"{name}={value}" for name, value in pairs])
    return netloc.removesuffix(_PORTS[scheme]), f"/{path}", query
