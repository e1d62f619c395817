"""Signature Version 4 for S3, with a time and a payload of the caller's choice. Pure.

The SDK's signer takes the present for the time, and several times as long as all the rest of a small request. Source: Amazon
S3 API Reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" and "Using Query
Parameters".
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from portable.backends.target import Target
from portable.backends.transport import Withheld

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_ALTERED: Final = "accept-encoding"
"""A header that machines between here and the host may alter: it is not signed."""
_SHA256: Final = hashlib.sha256()
"""Of nothing yet: to copy it takes less than to set up another one."""
_SECONDS: Final = 8
"""How many times are kept as they are written."""
_SETS: Final = 64
"""How many sets of headers are kept in their order."""
_Keyed = tuple["hashlib._Hash", "hashlib._Hash"]  # noqa: SLF001  # a type that hashlib does not name


@dataclass(frozen=True, slots=True)
class Signer(Withheld):
    """One key pair for one region. Safe to use from several threads."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    _macs: dict[str, _Keyed] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What signs by the key of the day that was last signed for: to set one up takes longer than all the rest."""

    def headers(self, method: str, target: Target, headers: Mapping[str, str], *, payload: str, at: float) -> dict[str, str]:
        """Return `headers` with those that sign a request to `target`.

        `at` is the time, in seconds since the epoch; `payload` is what x-amz-content-sha256 says: the SHA-256 of the body in
        hexadecimal, or `UNSIGNED`.
        """
        stamp = _stamp(int(at))
        sent = {**headers, "x-amz-content-sha256": payload, "x-amz-date": stamp}
        if self.session_token:
            sent["x-amz-security-token"] = self.session_token
        host = target.host
        ordered, names = _ordered(tuple(sent))
        canonical = "".join([f"{name}:{sent[spelled] if spelled else host}\n" for name, spelled in ordered])
        if len(canonical.split()) != len(ordered):  # values with spaces, of which the canonical form has no two together
            canonical = "".join(
                [f"{name}:{' '.join(sent[spelled].split()) if spelled else host}\n" for name, spelled in ordered]
            )
        scope, signature = self._signature(f"{_asked(method, target)}\n{canonical}\n{names}\n{payload}", stamp)
        sent["Authorization"] = (
            f"{_ALGORITHM} Credential={self.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return sent

    def presigned(self, method: str, target: Target, *, at: float, seconds: int) -> str:
        """Return a URL that lets anybody make this request from `at` on, in seconds since the epoch, for some seconds."""
        stamp = _stamp(int(at))
        values = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{self._scope(stamp)}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            **({"X-Amz-Security-Token": self.session_token} if self.session_token else {}),
            "X-Amz-SignedHeaders": "host",
        }
        pairs = [f"{name}={quote(value, safe='-_.~')}" for name, value in values.items()]
        whole = replace(target, query="&".join(filter(None, [target.query, *pairs])))
        _, signature = self._signature(f"{_asked(method, whole)}\nhost:{whole.host}\n\nhost\n{UNSIGNED}", stamp)
        return f"{whole}&X-Amz-Signature={signature}"

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
            mac = _keyed(key)
            self._macs.clear()
            self._macs[scope] = mac
        digest = _SHA256.copy()
        digest.update(request.encode())
        inner, outer = mac[0].copy(), mac[1].copy()
        inner.update(f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest.hexdigest()}".encode())
        outer.update(inner.digest())
        return scope, outer.hexdigest()


def _keyed(key: bytes) -> _Keyed:
    """Return the hashes of HMAC by a key of at most a block, 64 bytes, after their pads (RFC 2104, section 2).

    One kind of object, which is only copied, serves all of a signature: that takes half the time of HMAC's own.
    """
    block = key.ljust(64, b"\0")
    inner, outer = (hashlib.sha256(bytes([byte ^ pad for byte in block])) for pad in (0x36, 0x5C))
    return inner, outer


@lru_cache(_SETS)
def _ordered(sent: tuple[str, ...]) -> tuple[list[tuple[str, str]], str]:
    """Return the signed headers in canonical order, each beside how it is spelled ("" for the host), and their joined names."""
    spelled = {name.lower(): name for name in sent} | {"host": ""}
    spelled.pop(_ALTERED, None)
    return sorted(spelled.items()), ";".join(sorted(spelled))


@lru_cache(_SECONDS)
def _stamp(at: int) -> str:
    """Write a time, in seconds since the epoch, as signatures do: to format it takes longer than to look it up."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def _asked(method: str, target: Target) -> str:
    """Return the first three lines of a canonical request: the method, the path, and the query in its canonical order."""
    query = target.query
    if "&" in query or (query and "=" not in query):
        pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
        query = "&".join([f"{name}={value}" for name, value in pairs])
    return f"{method}\n{target.path or '/'}\n{query}"
