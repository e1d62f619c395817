"""Single S3 requests, signed as asked: rightly, wrongly, for the past, or over another body than is sent."""

import hashlib
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote, unquote_plus, urlencode
from xml.etree.ElementTree import Element, ParseError, fromstring

from portable.backends.credentials import S3Credentials
from portable.backends.raw import NO_HEADERS, Allow, Headers, Ledger, Page, Reply, Sender
from portable.backends.s3_signing import Signers
from portable.backends.sigv4 import Signer
from portable.backends.target import Target, target_of
from portable.backends.traits import Addressing
from portable.backends.wire import Wire
from portable.errors import Unavailable

_ROOM: Final = 64 << 20
"""Bytes of an answer at most."""


class RawS3:
    """One bucket. See `Raw`."""

    kind: Literal["s3", "az"] = "s3"

    def __init__(
        self, bucket: str, credentials: S3Credentials, *, url: str, allow: Allow, addressing: Addressing = "path"
    ) -> None:
        """`url` is the store's, for messages; `addressing` the style of requests that name none.

        Raises: ConfigurationError (a proxy that cannot be used).
        """
        self.endpoint, self.transport, self.ledger = credentials.endpoint, credentials.transport, Ledger()
        self._bucket, self._allow, self._addressing = bucket, allow, addressing
        self._signers = Signers(credentials, url=url)
        self._wire = Wire(credentials.transport, url=url)

    def send(
        self,
        method: str,
        key: str = "",
        query: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        *,
        sender: Sender = "owner",
        payload: str | None = None,
        style: Addressing | None = None,
        endpoint: str | None = None,
        at: datetime | None = None,
    ) -> Reply:
        """See `Raw.send`. `payload` is what is signed for the body's SHA-256, `at` the time of the signature."""
        self.ledger.note(method, key)
        target = self._target(key, query, style=style, endpoint=endpoint)
        if sender != "nobody":
            signer = self._signers()
            if sender == "forger":
                signer = replace(signer, secret_access_key=f"{signer.secret_access_key[:-1]}{_other(signer)}")
            digest = payload or hashlib.sha256(body or b"").hexdigest()
            headers = signer.headers(method, target, headers, payload=digest, at=at.timestamp() if at else time.time())
        reply = self._sent(method, target, headers, body, key)
        self.ledger.learn(method, key, reply.headers.get("x-amz-version-id"))
        return reply

    def fetch(self, url: str) -> Reply:
        """See `Raw.fetch`."""
        return self._sent("GET", target_of(url), NO_HEADERS, None, "")

    def presigned(self, key: str, *, start: datetime, seconds: int) -> str:
        """See `Raw.presigned`."""
        return self._signers().presigned("GET", self._target(key), at=start.timestamp(), seconds=seconds)

    def _target(self, key: str, query: str = "", *, style: Addressing | None = None, endpoint: str | None = None) -> Target:
        base = endpoint or self.endpoint
        if (style or self._addressing) == "virtual":
            scheme, _, rest = base.partition("://")
            address = f"{scheme}://{self._bucket}.{rest}/{quote(key, safe='/~')}"
        else:
            address = f"{base}/{self._bucket}/{quote(key, safe='/~')}" if key else f"{base}/{self._bucket}"
        return target_of(f"{address}?{query}" if query else address)

    def put(self, key: str, data: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """See `Raw.put`."""
        return self.send("PUT", key, "", headers, data)

    def metadata_header(self, name: str) -> str:
        """See `Raw.metadata_header`."""
        return f"x-amz-meta-{name}"

    def page(self, prefix: str, *, most: int = 1000, after: str = "", version: int = 2, encoded: bool = False) -> Page:
        """See `Raw.page`. `version` is that of ListObjects; `encoded` asks for keys that XML can carry."""
        asked: dict[str, object] = {"list-type": 2} if version == 2 else {}
        asked |= {"prefix": prefix, "max-keys": most} | ({"encoding-type": "url"} if encoded else {})
        if after:
            asked["continuation-token" if version == 2 else "marker"] = after
        reply = self.send("GET", "", urlencode(asked, quote_via=quote))
        if not reply.ok:
            return Page(reply)
        found = _xml(reply)
        decoded = unquote_plus if _text(found, "EncodingType") == "url" else str
        keys = tuple(decoded(_text(entry, "Key")) for entry in _all(found, "Contents"))
        etags = tuple(_text(entry, "ETag") for entry in _all(found, "Contents"))
        if _text(found, "IsTruncated") != "true":
            return Page(reply, keys, etags)
        if version == 2:
            return Page(reply, keys, etags, _text(found, "NextContinuationToken"))
        return Page(reply, keys, etags, decoded(_text(found, "NextMarker")) or (keys[-1] if keys else ""))

    def begin(self, key: str, headers: Mapping[str, str] = NO_HEADERS) -> tuple[Reply | None, str]:
        """See `Raw.begin`."""
        reply = self.send("POST", key, "uploads=", headers)
        upload = _text(_xml(reply), "UploadId") if reply.ok else ""
        if upload:
            self.ledger.uploads[key, upload] = None
        return reply, upload

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        data: bytes,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        payload: str | None = None,
    ) -> Reply:
        """See `Raw.part`, and `send` for `payload`."""
        return self.send("PUT", key, f"partNumber={number}&{_of(upload)}", headers, data, payload=payload)

    def complete(
        self, key: str, upload: str, parts: Sequence[tuple[int, str]], headers: Mapping[str, str] = NO_HEADERS
    ) -> Reply:
        """See `Raw.complete`."""
        listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        body = f'<CompleteMultipartUpload xmlns="{space}">{listed}</CompleteMultipartUpload>'.encode()
        return self.send("POST", key, _of(upload), headers, body)

    def abort(self, key: str, upload: str) -> Reply:
        """See `Raw.abort`."""
        return self.send("DELETE", key, _of(upload))

    def staged(self, key: str, upload: str) -> tuple[Reply, dict[int, int]]:
        """See `Raw.staged`."""
        reply = self.send("GET", key, _of(upload))
        parts = _all(_xml(reply), "Part") if reply.ok else []
        return reply, {int(_text(part, "PartNumber")): int(_text(part, "Size")) for part in parts}

    def uploads(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """See `Raw.uploads`."""
        reply = self.send("GET", "", f"uploads=&prefix={quote(prefix, safe='')}")
        found = [(_text(each, "Key"), _text(each, "UploadId")) for each in _all(_xml(reply), "Upload")] if reply.ok else []
        return reply, [(key, upload) for key, upload in found if key.startswith(prefix)]

    def versions(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """See `Raw.versions`."""
        reply = self.send("GET", "", f"encoding-type=url&prefix={quote(prefix, safe='')}&versions=")
        if not reply.ok:
            return reply, []
        found = _xml(reply)
        decoded = unquote_plus if _text(found, "EncodingType") == "url" else str
        listed = [*_all(found, "Version"), *_all(found, "DeleteMarker")]
        return reply, [(decoded(_text(each, "Key")), _text(each, "VersionId")) for each in listed]

    def delete(self, key: str, headers: Mapping[str, str] = NO_HEADERS, *, version: str = "") -> Reply:
        """See `Raw.delete`."""
        return self.send("DELETE", key, f"versionId={quote(version, safe='')}" if version else "", headers)

    def close(self) -> None:
        """See `Raw.close`."""
        self._wire.close()

    def _sent(self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None, key: str) -> Reply:
        answer = self._wire.send(
            method,
            target,
            headers,
            b"" if body is None and method in ("PUT", "POST") else body,
            seconds=self._allow(),
            operation=f"probe with {method} of",
            key=key,
            room=_ROOM,
        )
        return Reply(answer.status, Headers(answer.headers), bytes(answer.body))


def content_md5(data: bytes) -> str:
    """Return the value of Content-MD5 for a body (RFC 1864)."""
    return b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _of(upload: str) -> str:
    return f"uploadId={quote(upload, safe='')}"


def _other(signer: Signer) -> str:
    return "x" if signer.secret_access_key[-1:] != "x" else "y"


def _xml(reply: Reply) -> Element:
    """Parse a body. Raises: Unavailable (it is no XML)."""
    try:
        return fromstring(reply.body)  # noqa: S314  # expat refuses amplification and external entities
    except ParseError:
        raise Unavailable(f"the host's answer ({reply}) is no XML") from None


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(parent: Element, name: str) -> list[Element]:
    return [child for child in parent if _local(child) == name]


def _text(parent: Element, name: str) -> str:
    return next((child.text or "" for child in parent if _local(child) == name), "")
