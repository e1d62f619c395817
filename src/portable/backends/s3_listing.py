"""S3 listings by boto3, with exact keys.

boto3 sends and signs the requests; its generic parser, which takes 150 us a key, is given an empty page and ours reads the
real one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError, XMLParser

from portable.backends import boto3_edge
from portable.backends.answers import no_answer
from portable.backends.credentials import S3Credentials
from portable.backends.http_fields import quoted
from portable.backends.pages import Pages
from portable.backends.protocol import Stat, Unfinished

_EVENT: Final = "before-parse.s3.ListObjectsV2"
_EMPTY: Final = b"<ListBucketResult/>"
_DETAILS: Final = {"StorageClass": "storage_class", "ChecksumAlgorithm": "checksum_algorithm", "ChecksumType": "checksum_type"}
_ENCODED: Final = b"<EncodingType>url</EncodingType>"
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""Characters that no XML document has (Extensible Markup Language 1.0, production 2), in UTF-8."""
_NO_ETAG: Final = '""'
"""Of a stub of a folder, at some hosts."""
_BETWEEN: Final = "\0"
"""Between the two halves of an uploads marker: neither a key nor an upload id has it in XML."""


def client(credentials: S3Credentials, *, bound: float) -> Any:
    """Return a boto3 client whose `list_objects_v2` answers with `Page`, an XML element."""
    made = boto3_edge.client(credentials, bound=bound)
    made.meta.events.register_first(_EVENT, _take_page)  # before botocore parses the page, to look for an error in it
    return made


def objects(client: Any, bucket: str, root: str, prefix: str, *, url: str, with_details: bool) -> Pages[Stat]:
    """List the keys, relative to `root`, that start with `prefix`; the root itself only `with_details`.

    Raises, as it goes on: NotFound (the bucket), Denied, Unavailable.
    """

    def fetch(token: str | None) -> tuple[list[Stat], str | None]:
        parameters = {"Bucket": bucket, "Prefix": root + prefix, "EncodingType": "url"}
        if token is not None:
            parameters["ContinuationToken"] = token
        with boto3_edge.errors("list", "", url):
            page = client.list_objects_v2(**parameters).get("Page")
        try:
            if page is None:
                raise ValueError("its root element")
            following = _text(page, "NextContinuationToken") if _text(page, "IsTruncated") == "true" else None
            if following == "":
                raise ValueError("NextContinuationToken")
            return list(_stats(page, root, with_details=with_details)), following
        except (KeyError, ValueError) as error:
            raise no_answer(f"the answer is no listing ({error})", operation="list", key="", url=url) from None

    return Pages(fetch, url=url)


def uploads(client: Any, bucket: str, root: str, *, url: str) -> Pages[Unfinished]:
    """List the uploads below `root` that were neither completed nor aborted. Raises: as `objects`."""

    def fetch(marker: str | None) -> tuple[list[Unfinished], str | None]:
        parameters = {"Bucket": bucket, "Prefix": root, "EncodingType": "url"}
        if marker is not None:
            key, _, upload = marker.partition(_BETWEEN)
            parameters |= {"KeyMarker": key, "UploadIdMarker": upload}
        with boto3_edge.errors("list", "", url):
            page = client.list_multipart_uploads(**parameters)
        decode = unquote_plus if page.get("EncodingType") == "url" else str
        found = [(decode(entry["Key"]), entry) for entry in page.get("Uploads", [])]
        following = None
        if page.get("IsTruncated"):
            following = f"{decode(page.get('NextKeyMarker', ''))}{_BETWEEN}{page.get('NextUploadIdMarker', '')}"
        return [
            Unfinished(key[len(root) :], str(entry["UploadId"]), _utc(entry.get("Initiated")))
            for key, entry in found
            if key.startswith(root)  # a host may answer what was not asked
        ], following

    return Pages(fetch, url=url)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _stats(page: Element, root: str, *, with_details: bool) -> Iterator[Stat]:
    decode = unquote_plus if _text(page, "EncodingType") == "url" else str
    for child in page:
        if child.tag.rpartition("}")[2] != "Contents":
            continue
        entry = {field.tag.rpartition("}")[2]: field.text or "" for field in child}
        key = decode(entry["Key"])
        details: dict[str, str] = {}
        if with_details:
            details = {name: entry[tag] for tag, name in _DETAILS.items() if tag in entry}
            if key.endswith("/"):
                details["is_directory_stub"] = "true"
        if key.startswith(root) and (with_details or key != root):
            modified = datetime.fromisoformat(entry["LastModified"]).astimezone(UTC)
            size, etag = entry["Size"], quoted(entry["ETag"]) or _NO_ETAG
            if not (size.isascii() and size.isdigit()):
                raise ValueError("Size")
            yield Stat(key[len(root) :], int(size), modified, etag, None, details)


def _take_page(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] != 200:
        return
    body = response_dict["body"]
    if _ENCODED in body:
        body = _NOT_XML.sub(b"", body)  # hosts repeat the prefix as it is; keys are encoded
    parser = XMLParser()  # noqa: S314  # expat refuses amplification; external entities are not resolved
    try:
        parser.feed(body)
        page = parser.close()
    except ParseError:
        return  # botocore meets the same error and reports it
    if page.tag.rpartition("}")[2] == "ListBucketResult":
        customized_response_dict["Page"] = page
        response_dict["body"] = _EMPTY


def _text(page: Element, name: str) -> str:
    return next((child.text or "" for child in page if child.tag.rpartition("}")[2] == name), "")
