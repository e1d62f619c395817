"""Multipart uploads in the XML of S3: bodies of requests, and what answers say. Pure.

Source: Amazon S3 API Reference, CreateMultipartUpload, CompleteMultipartUpload, ListParts and ListMultipartUploads.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from msgspec import Struct
from typing_extensions import Buffer

from portable.backends import s3_xml
from portable.backends.http_fields import quoted
from portable.backends.protocol import Unfinished
from portable.backends.s3_checksums import CRC_HEADER, read_crc, spelled

BETWEEN: Final = "\0"
"""Between the two halves of an uploads marker: neither a key nor an upload id has it in XML."""
_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_CRC: Final = "ChecksumCRC64NVME"
_WHOLE: Final = {"x-amz-checksum-type": "FULL_OBJECT"}
"""Says that the checksum is that of all bytes in a row, and none of the parts' checksums."""
_STATUSES: Final = {
    "PreconditionFailed": 412,
    "NoSuchKey": 404,
    "AccessDenied": 403,
    "EntityTooSmall": 400,
    "InvalidArgument": 400,
    "InvalidPartOrder": 400,
    "InvalidRequest": 400,
    "MalformedXML": 400,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
}
"""Of errors, by their codes."""


class Listed(Struct, frozen=True):
    """A part, as its host lists it."""

    etag: str
    size: int
    """Bytes."""
    crc: int | None
    """CRC-64/NVME, where the host tells it."""


class Done(Struct, frozen=True):
    """The answer to CompleteMultipartUpload."""

    etag: str
    """With its quotation marks; "" where the host tells none."""
    crc: str | None
    """CRC-64/NVME of the object, as S3 spells it."""


def creation(*, whole: bool) -> dict[str, str]:
    """Return the headers that ask for an upload whose host verifies the CRC-64/NVME of the `whole` object, or none."""
    return {"x-amz-checksum-algorithm": "CRC64NVME", **_WHOLE} if whole else {}


def begun(body: Buffer) -> str:
    """Read the upload's id from the answer to CreateMultipartUpload. Raises: ValueError."""
    return s3_xml.needed_text(_read(body, "InitiateMultipartUpload"), "UploadId")


def completion(parts: Iterable[tuple[str, int | None]]) -> bytes:
    """Return the body of CompleteMultipartUpload: ETag and CRC-64/NVME of each part, in order."""
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag, quote=False)}</ETag>"
        f"{'' if crc is None else f'<{_CRC}>{spelled(crc)}</{_CRC}>'}</Part>"
        for number, (etag, crc) in enumerate(parts, 1)
    )
    return f'<CompleteMultipartUpload xmlns="{_NAMESPACE}">{listed}</CompleteMultipartUpload>'.encode()


def sum_of_whole(crc: int | None) -> dict[str, str]:
    """Return the headers by which the host compares the object's CRC-64/NVME with this one."""
    return {} if crc is None else {CRC_HEADER: spelled(crc), **_WHOLE}


def late_status(code: str) -> int:
    """Return the status of an error that came behind that of a success, as hosts send it while they still work."""
    return _STATUSES.get(code, 500)


def committed(body: Buffer, *, etag_told: bool) -> Done:
    """Read the answer to CompleteMultipartUpload. Raises: ValueError (also where the ETag is missing that is `etag_told`)."""
    root = _read(body, "CompleteMultipartUpload")
    etag = (s3_xml.needed_text if etag_told else s3_xml.text)(root, "ETag")
    return Done(quoted(etag), s3_xml.text(root, _CRC) or None)


def parts(body: Buffer) -> tuple[Mapping[int, Listed], bool]:
    """Read a page of ListParts: the parts by number, counted from 0, and whether more follow. Raises: ValueError."""
    root = _read(body, "ListParts")
    found = dict(map(_part, root.iterfind("{*}Part")))
    return found, s3_xml.text(root, "IsTruncated") == "true"


def uploads(body: Buffer, root: str) -> tuple[list[Unfinished], str | None]:
    """Read a page of ListMultipartUploads: the uploads below `root`, keys relative to it, and the marker of the next page.

    Raises: ValueError.
    """
    page = _read(body, "ListMultipartUploads")
    decode = unquote_plus if s3_xml.text(page, "EncodingType") == "url" else str
    found: list[Unfinished] = []
    for entry in page.iterfind("{*}Upload"):
        key, token = decode(s3_xml.needed_text(entry, "Key")), s3_xml.needed_text(entry, "UploadId")
        started = s3_xml.text(entry, "Initiated")
        if key.startswith(root):  # a host may answer what was not asked
            found.append(Unfinished(key[len(root) :], token, s3_xml.moment(started) if started else None))
    if s3_xml.text(page, "IsTruncated") != "true":
        return found, None
    key, token = decode(s3_xml.text(page, "NextKeyMarker")), s3_xml.text(page, "NextUploadIdMarker")
    if not (key or token):  # of some hosts' it is the second alone
        raise ValueError("NextKeyMarker")
    return found, f"{key}{BETWEEN}{token}"


def _read(body: Buffer, name: str) -> Element:
    root = s3_xml.parsed(body)
    s3_xml.check_root(root, name)
    return root


def _part(entry: Element) -> tuple[int, Listed]:
    number = s3_xml.count(s3_xml.text(entry, "PartNumber"), "PartNumber")
    if not number:
        raise ValueError("PartNumber")
    size = s3_xml.count(s3_xml.text(entry, "Size"), "Size")
    return number - 1, Listed(s3_xml.needed_text(entry, "ETag"), size, read_crc(s3_xml.text(entry, _CRC)))
