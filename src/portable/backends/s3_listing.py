"""S3 listings by boto3, with exact keys.

obstore's listing renames `a/` and `/a` to `a` and fails as a whole on `a//b`, so it is not used. boto3 sends and signs the
requests; its generic parser, which takes 150 us a key, is given an empty page and ours reads the real one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError, XMLParser

from portable.backends import boto3_edge
from portable.backends.credentials import S3Credentials
from portable.backends.protocol import Stat
from portable.errors import Unavailable

_EVENT: Final = "before-parse.s3.ListObjectsV2"
_EMPTY: Final = b"<ListBucketResult/>"
_DETAILS: Final = {"StorageClass": "storage_class", "ChecksumAlgorithm": "checksum_algorithm", "ChecksumType": "checksum_type"}


def client(credentials: S3Credentials, *, bound: float) -> Any:
    """Return a boto3 client that repeats reads, and whose `list_objects_v2` answers with `Page`, an XML element."""
    made = boto3_edge.client(credentials, bound=bound, attempts=3)
    made.meta.events.register(_EVENT, _take_page)
    return made


def objects(client: Any, bucket: str, root: str, prefix: str, *, url: str, with_details: bool) -> Iterator[Stat]:
    """List the keys, relative to `root`, that start with `prefix`. Raises: NotFound (the bucket), Denied, Unavailable."""
    token: str | None = None
    seen: set[int] = set()
    while True:
        parameters = {"Bucket": bucket, "Prefix": root + prefix, "EncodingType": "url"}
        if token is not None:
            parameters["ContinuationToken"] = token
        with boto3_edge.errors("list", "", url):
            page = client.list_objects_v2(**parameters)["Page"]
        yield from _stats(page, root, with_details=with_details)
        if _text(page, "IsTruncated") != "true":
            return
        token = _text(page, "NextContinuationToken")
        # One integer a page: a listing of a billion objects keeps a million.
        if not token or hash(token) in seen:
            raise Unavailable(f"list {url}: the host repeats a continuation token, so the listing would never end")
        seen.add(hash(token))


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
        if key.startswith(root):  # a host may answer what was not asked
            modified = datetime.fromisoformat(entry["LastModified"]).astimezone(UTC)
            yield Stat(key[len(root) :], int(entry["Size"]), modified, entry["ETag"], None, details)


def _take_page(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] != 200:
        return
    parser = XMLParser()  # noqa: S314  # expat refuses amplification; external entities are not resolved
    try:
        parser.feed(response_dict["body"])
        page = parser.close()
    except ParseError:
        return  # botocore meets the same error and reports it
    if page.tag.rpartition("}")[2] == "ListBucketResult":
        customized_response_dict["Page"] = page
        response_dict["body"] = _EMPTY


def _text(page: Element, name: str) -> str:
    return next((child.text or "" for child in page if child.tag.rpartition("}")[2] == name), "")
