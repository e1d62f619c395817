"""Azure listings with exact keys: signed by the SDK's public functions, read by a fast parser.

obstore's listing renames `a/` and `/a` to `a` and fails as a whole on `a//b`; the SDK's own takes 400 us a key.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, unquote, urlencode
from xml.etree.ElementTree import Element, ParseError, fromstring

from portable.backends import azure_edge
from portable.backends.answers import no_answer, refusal
from portable.backends.attribute_rules import HEADERS
from portable.backends.credentials import AZURE_SCOPE, AzureCredentials
from portable.backends.extras import needed
from portable.backends.protocol import Attributes, Stat
from portable.errors import Unavailable

_VERSION: Final = "2023-11-03"
"""The service version that names what cannot stand in XML percent-encoded (2021-02-12), and that Azurite knows."""
PAGE_SIZE = 5000
"""Blobs; the most that the service gives at once."""
INVENTORY: Final = ("copy,deleted,metadata,snapshots,uncommittedblobs,versions", "copy,metadata,snapshots,uncommittedblobs")
"""What an inventory asks for: all, or where the account does not know versions or soft deletion, the rest."""
_DETAILS: Final = {
    "Snapshot": "snapshot",
    "VersionId": "version_id",
    "IsCurrentVersion": "is_current_version",
    "Deleted": "deleted",
    "HasVersionsOnly": "has_versions_only",
}
_PROPERTY_DETAILS: Final = {
    "BlobType": "blob_type",
    "AccessTier": "tier",
    "AccessTierInferred": "tier_inferred",
    "ArchiveStatus": "archive_status",
    "Content-MD5": "content_md5",
    "LeaseState": "lease_state",
    "CopyStatus": "copy_status",
    "IncrementalCopy": "incremental_copy",
    "EncryptionScope": "encryption_scope",
    "CustomerProvidedKeySha256": "customer_key_sha256",
    "ImmutabilityPolicyUntilDate": "immutable_until",
    "LegalHold": "legal_hold",
    "ResourceType": "resource_type",
    "TagCount": "tag_count",
}
_SIGNED_FOR: Final = timedelta(hours=1)


class AzureListing:
    """The listings of one container."""

    def __init__(self, container: str, credentials: AzureCredentials, *, url: str, bound: float) -> None:
        self._container, self._credentials, self._url = container, credentials, url
        core, policies = needed("azure.core"), needed("azure.core.pipeline.policies")
        share = bound / 3
        chain = [
            policies.HeadersPolicy({"x-ms-version": _VERSION}),
            policies.ProxyPolicy(),
            policies.RetryPolicy(retry_total=2, retry_backoff_factor=0.2, retry_backoff_max=1),
        ]
        if credentials.identity is not None:
            chain.append(policies.BearerTokenCredentialPolicy(credentials.identity, AZURE_SCOPE))
        self._client = core.PipelineClient(
            credentials.endpoint, policies=chain, connection_timeout=min(5.0, share / 4), read_timeout=share * 3 / 4
        )

    def objects(self, root: str, prefix: str) -> Iterator[Stat]:
        """List the current blobs whose keys, relative to `root`, start with `prefix`.

        Raises: NotFound (the container), Denied, Unavailable.
        """
        for blob in self._blobs(root + prefix, ""):
            name = _name(blob)
            if name.startswith(root) and blob.findtext("Properties/ResourceType") != "directory":
                yield _stat(name[len(root) :], blob, None, {})

    def inventory(self, root: str) -> Iterator[Stat]:
        """List every blob below `root`, its snapshots, versions and uncommitted blocks, with attributes and details."""
        for blob in self._blobs(root, *INVENTORY):
            name = _name(blob)
            if name.startswith(root):
                yield _inventory_stat(name[len(root) :], blob)

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _blobs(self, prefix: str, *includes: str) -> Iterator[Element]:
        marker, seen, include, *simpler = "", set[int](), *includes
        while True:
            status, code, page = self._page(prefix, marker, include)
            if status == 400 and simpler and not marker:
                include, simpler = simpler[0], simpler[1:]
                continue
            if page is None:
                raise refusal(status, code, operation="list", key="", url=self._url)
            yield from page.iterfind("Blobs/Blob")
            marker = page.findtext("NextMarker") or ""
            if not marker:
                return
            # One integer a page: a listing of a billion blobs keeps 200,000.
            if hash(marker) in seen:
                raise Unavailable(f"list {self._url}: the host repeats a continuation token, so the listing would never end")
            seen.add(hash(marker))

    def _page(self, prefix: str, marker: str, include: str) -> tuple[int, str, Element | None]:
        query = {
            "restype": "container",
            "comp": "list",
            "prefix": prefix,
            "marker": marker,
            "include": include,
            "maxresults": str(PAGE_SIZE),
        }
        asked = urlencode({name: value for name, value in query.items() if value}, quote_via=quote)
        target = f"{self._credentials.endpoint}/{self._container}?{asked}{self._signature()}"
        with azure_edge.errors("list", "", self._url):
            answer = self._client.send_request(needed("azure.core.rest").HttpRequest("GET", target))
            body = answer.read()
        if answer.status_code != 200:
            return answer.status_code, answer.headers.get("x-ms-error-code", ""), None
        try:
            return 200, "", fromstring(body)  # noqa: S314  # expat refuses amplification and external entities
        except ParseError:
            raise no_answer("the listing is not XML", operation="list", key="", url=self._url) from None

    def _signature(self) -> str:
        credentials = self._credentials
        if credentials.identity is not None:
            return ""
        if credentials.sas:
            return f"&{credentials.sas}"
        token: str = needed("azure.storage.blob").generate_container_sas(
            credentials.account,
            self._container,
            credentials.key,
            permission="l",
            expiry=datetime.now(UTC) + _SIGNED_FOR,
        )
        return f"&{token}"


def _name(blob: Element) -> str:
    element = blob.find("Name")
    if element is None:
        return ""
    text = element.text or ""
    return unquote(text) if element.get("Encoded") == "true" else text


def _stat(key: str, blob: Element, attributes: Attributes | None, details: dict[str, str]) -> Stat:
    properties = {field.tag: field.text or "" for field in blob.find("Properties") or ()}
    modified = (
        parsedate_to_datetime(properties["Last-Modified"]) if "Last-Modified" in properties else datetime.fromtimestamp(0, UTC)
    )
    etag = azure_edge.quoted(properties.get("Etag", "")) or '"uncommitted"'
    return Stat(key, int(properties.get("Content-Length") or 0), modified, etag, attributes, details)


def _inventory_stat(key: str, blob: Element) -> Stat:
    properties = {field.tag: field.text for field in blob.find("Properties") or () if field.text}
    metadata = {field.tag.lower(): field.text or "" for field in blob.find("Metadata") or ()}
    details = {name: properties[tag] for tag, name in _PROPERTY_DETAILS.items() if tag in properties}
    details |= {name: text for tag, name in _DETAILS.items() if (text := blob.findtext(tag))}
    if metadata.get("hdi_isfolder", "").lower() == "true" or key.endswith("/") or details.get("resource_type") == "directory":
        details["is_directory_stub"] = "true"
    if "Etag" not in properties or ("Content-Type" not in properties and properties.get("Content-Length") == "0"):
        details["uncommitted"] = "true"
    settings = {field: properties[tag] for field, tag in HEADERS.items() if tag in properties}
    return _stat(key, blob, Attributes(**settings, metadata=metadata), details)
