"""Single Blob service requests: with a token of the owner's, a forged one, or none."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode
from xml.etree.ElementTree import Element

from portable.backends import azure_requests as requests
from portable.backends.azure_signing import Signer, signed_token
from portable.backends.credentials import AzureCredentials
from portable.backends.extras import needed
from portable.backends.raw import NO_HEADERS, Allow, Headers, Ledger, Page, Reply, Sender
from portable.backends.target import Target, target_of
from portable.backends.wire import Wire
from portable.errors import ConfigurationError, Unavailable

_ROOM: Final = 64 << 20
"""Bytes of an answer at most."""
_PERMISSIONS: Final = "racwdxlt"
"""Read, add, create, write, delete (versions too), list, tag."""
_VALID: Final = timedelta(hours=2)


class RawAzure:
    """One container. See `Raw`. An upload's id is the start of the names of its blocks."""

    kind: Literal["s3", "az"] = "az"

    def __init__(self, container: str, credentials: AzureCredentials, *, url: str, allow: Allow) -> None:
        """`url` is the store's, for messages. Raises: ConfigurationError (a proxy, key or endpoint that cannot be used)."""
        self.endpoint, self.transport, self.ledger = credentials.endpoint, credentials.transport, Ledger()
        self._container, self._credentials, self._url, self._allow = container, credentials, url, allow
        self._place = target_of(f"{credentials.endpoint}/{container}")
        self._wire = Wire(credentials.transport, url=url)
        self._signer = Signer(container, credentials, url=url)
        ends = datetime.now(UTC) + _VALID
        self._token = signed_token(container, credentials, _PERMISSIONS, ends, url=url) if credentials.key else ""

    def send(
        self,
        method: str,
        key: str = "",
        query: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        *,
        sender: Sender = "owner",
    ) -> Reply:
        """See `Raw.send`."""
        self.ledger.note(method, key)
        seconds = self._allow()
        token, signed, waited = ("", {}, 0.0) if sender == "nobody" else self._signature(seconds)
        if sender == "forger":
            token, signed = _forged(token), {name: value[:-8] + "AAAAAAAA" for name, value in signed.items()}
        target = requests.target(self._place, key, query, token)
        carried = {"x-ms-version": requests.VERSION, **signed, **headers}
        reply = self._sent(method, target, carried, body, key, seconds - waited)
        self.ledger.learn(method, key, reply.headers.get("x-ms-version-id"))
        return reply

    def fetch(self, url: str) -> Reply:
        """See `Raw.fetch`."""
        return self._sent("GET", target_of(url), NO_HEADERS, None, "", self._allow())

    def presigned(self, key: str, *, start: datetime, seconds: int) -> str:
        """See `Raw.presigned`."""
        if not self._credentials.key:
            raise ConfigurationError(f"{self._url}: only the account's key can sign a URL for others")
        token: str = needed("azure.storage.blob").generate_blob_sas(
            self._credentials.account,
            self._container,
            key,
            account_key=self._credentials.key,
            permission="r",
            start=start,
            expiry=start + timedelta(seconds=seconds),
        )
        return str(requests.target(self._place, key, token))

    def put(self, key: str, data: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """See `Raw.put`."""
        return self.send("PUT", key, "", {"x-ms-blob-type": "BlockBlob", **headers}, data)

    def metadata_header(self, name: str) -> str:
        """See `Raw.metadata_header`."""
        return f"x-ms-meta-{name.replace('-', '_')}"

    def page(self, prefix: str, *, most: int = 1000, after: str = "") -> Page:
        """See `Raw.page`."""
        reply, found, following = self._listed(prefix, f"maxresults={most}", after)
        return Page(reply, tuple(name for name, _ in found), tuple(etag for _, etag in found), following)

    def begin(self, key: str) -> tuple[Reply | None, str]:
        """See `Raw.begin`."""
        upload = secrets.token_hex(16)
        self.ledger.uploads[key, upload] = None
        return None, upload

    def part(self, key: str, upload: str, number: int, data: bytes, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """See `Raw.part`."""
        return self.send("PUT", key, requests.block_query(requests.block_id(upload, number)), headers, data)

    def complete(
        self, key: str, upload: str, parts: Sequence[tuple[int, str]], headers: Mapping[str, str] = NO_HEADERS
    ) -> Reply:
        """See `Raw.complete`."""
        body = requests.block_list(requests.block_id(upload, number) for number, _ in parts)
        return self.send("PUT", key, "comp=blocklist", headers, body)

    def abort(self, key: str, upload: str) -> Reply:  # noqa: ARG002  # all uploads of a key end together
        """Drop all staged blocks of a key. The service has no request for it: writing the blob drops them."""
        self.put(key, b"")
        return self.delete(key)

    def staged(self, key: str, upload: str) -> tuple[Reply, dict[int, int]]:
        """See `Raw.staged`."""
        reply = self.send("GET", key, "comp=blocklist&blocklisttype=uncommitted")
        if not reply.ok:
            return reply, {}
        try:
            return reply, requests.uncommitted(requests.xml(reply.body)).get(upload, {})
        except (KeyError, ValueError):
            raise Unavailable(f"the host's answer ({reply}) is no list of blocks") from None

    def uploads(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """See `Raw.uploads`. A key has one entry, without an id, however many uploads stage blocks of it."""
        reply = self.send("GET", "", f"restype=container&comp=list&include=uncommittedblobs&prefix={quote(prefix, safe='')}")
        blobs = _blobs(reply) if reply.ok else []
        # Such a blob has no content yet, and so no type of it.
        return reply, [(blob.findtext("Name") or "", "") for blob in blobs if not blob.findtext("Properties/Content-Type")]

    def versions(self, prefix: str) -> tuple[Reply, list[tuple[str, str]]]:
        """See `Raw.versions`. Empty where the account keeps none."""
        reply = self.send("GET", "", f"restype=container&comp=list&include=versions&prefix={quote(prefix, safe='')}")
        if not reply.ok:
            return reply, []
        found = [(blob.findtext("Name") or "", blob.findtext("VersionId") or "") for blob in _blobs(reply)]
        return reply, [(name, version) for name, version in found if version]

    def delete(self, key: str, headers: Mapping[str, str] = NO_HEADERS, *, version: str = "") -> Reply:
        """See `Raw.delete`."""
        return self.send("DELETE", key, f"versionid={quote(version, safe='')}" if version else "", headers)

    def close(self) -> None:
        """See `Raw.close`."""
        self._wire.close()

    def _listed(self, prefix: str, asked: str, after: str) -> tuple[Reply, list[tuple[str, str]], str]:
        marker = f"&marker={quote(after, safe='')}" if after else ""
        reply = self.send("GET", "", f"restype=container&comp=list&{asked}&prefix={quote(prefix, safe='')}{marker}")
        if not reply.ok:
            return reply, [], ""
        found = [(blob.findtext("Name") or "", blob.findtext("Properties/Etag") or "") for blob in _blobs(reply)]
        return reply, found, requests.xml(reply.body).findtext("NextMarker") or ""

    def _sent(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None, key: str, seconds: float
    ) -> Reply:
        answer = self._wire.send(
            method,
            target,
            headers,
            b"" if body is None and method == "PUT" else body,
            seconds=seconds,
            operation=f"probe with {method} of",
            key=key,
            room=_ROOM,
        )
        return Reply(answer.status, Headers(answer.headers), bytes(answer.body))

    def _signature(self, seconds: float) -> tuple[str, dict[str, str], float]:
        return (self._token, {}, 0.0) if self._token else self._signer.signature(seconds)


def _forged(token: str) -> str:
    """Return a token whose signature is of another key."""
    pairs = dict(parse_qsl(token))
    if "sig" in pairs:
        pairs["sig"] = f"{'B' if pairs['sig'][0] != 'B' else 'C'}{pairs['sig'][1:]}"
    return urlencode(pairs)


def _blobs(reply: Reply) -> list[Element]:
    try:
        return requests.xml(reply.body).findall("Blobs/Blob")
    except ValueError:
        raise Unavailable(f"the host's answer ({reply}) is no XML") from None
