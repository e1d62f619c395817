"""Blob service requests, and what their answers say: text in, values out (Blob service REST API)."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError, fromstring

from typing_extensions import Buffer

from portable.backends import http_fields
from portable.backends.attribute_rules import HEADERS, answered
from portable.backends.extras import needed
from portable.backends.http_fields import moment, path, quoted
from portable.backends.protocol import Attributes, Checksum, Stat
from portable.backends.target import Target

VERSION: Final = "2023-11-03"
"""The service version of every request: it knows CRC64 (2019-02-02) and names in listings that are no XML (2021-02-12)."""
CHECKED_RANGE: Final = 4 << 20
"""Bytes: the longest range that the service gives a CRC64 of (Get Blob, `x-ms-range-get-content-crc64`)."""
CRC64: Final = "x-ms-content-crc64"
RANGE_CRC64: Final = "x-ms-range-get-content-crc64"
_TIER: Final = "x-ms-access-tier"
_METADATA: Final = "x-ms-meta-"
_WRITTEN: Final = {field: f"x-ms-blob-{name.lower()}" for field, name in HEADERS.items()}
"""The headers by which Put Blob and Put Block List set what `Attributes` holds."""
_BLOCK: Final = re.compile(r"([0-9a-f]{32})([0-9]{6})")
"""A block's id, decoded: the token of its upload, and its number."""


def target(container: Target, name: str, *queries: str) -> Target:
    """Return where a blob is, or the container where `name` is empty."""
    place = f"{container.path}/{path(name)}" if name else container.path
    return Target(container.origin, container.host, place, "&".join(filter(None, queries)))


def described(attributes: Attributes | None) -> dict[str, str]:
    """Return the headers that set a blob's attributes."""
    if attributes is None:
        return {}
    values = {name: getattr(attributes, field) for field, name in _WRITTEN.items()}
    given = {name: value for name, value in values.items() if value is not None}
    return given | {_METADATA + name: value for name, value in attributes.metadata.items()}


def in_tier(tier: str | None) -> dict[str, str]:
    """Return the header that says in which access tier a blob is written."""
    return {} if tier is None else {_TIER: tier}


def checksum(data: Buffer) -> str:
    """Return the CRC-64/NVME of `data` as the service writes it: base64 of 8 bytes, the least significant first."""
    return base64(_crc64nvme()(data).to_bytes(8, "little"))


def base64(digest: bytes) -> str:
    """Return a checksum as headers carry it."""
    return b2a_base64(digest, newline=False).decode()


def byte_range(start: int, stop: int | None, *, checked: bool) -> dict[str, str]:
    """Return the headers that ask for [start, stop), which is not empty; if `checked`, with its CRC64 where there is one."""
    if stop is None:
        return {"x-ms-range": f"bytes={start}-"} if start else {}
    asked = {"x-ms-range": f"bytes={start}-{stop - 1}"}
    return asked | {RANGE_CRC64: "true"} if checked and stop - start <= CHECKED_RANGE else asked


def place(headers: Mapping[str, str]) -> tuple[int, int]:
    """Return where the bytes of an answer to Get Blob begin, and the whole blob's size. Raises: KeyError, ValueError."""
    return http_fields.place(headers) or (0, _length(headers["content-length"]))


def stat(key: str, size: int, headers: Mapping[str, str], attributes: Attributes | None, confirmed: Checksum = "none") -> Stat:
    """Describe a blob from the headers of an answer. Raises: KeyError, ValueError (the answer lacks what it must have)."""
    if not (etag := quoted(headers["etag"])):
        raise ValueError("ETag")
    return Stat(key, size, moment(headers["last-modified"]), etag, attributes, confirmed=confirmed)


def attributes(headers: Mapping[str, str]) -> Attributes:
    """Read a blob's attributes from the answer to Get Blob or Get Blob Properties; names of metadata in lower case."""
    return answered(headers, _METADATA)


def block_id(token: str, number: int) -> str:
    """Return the id of a block. All ids of a blob have one length, as the service demands."""
    return base64(f"{token}{number:06}".encode())


def block_query(block: str) -> str:
    """Return the query of Put Block."""
    return f"comp=block&blockid={quote(block, safe='')}"


def block_list(ids: Iterable[str]) -> bytes:
    """Return the body of Put Block List."""
    blocks = "".join(f"<Uncommitted>{block}</Uncommitted>" for block in ids)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()


def uncommitted(page: Element) -> dict[str, dict[int, int]]:
    """Read Get Block List: the length in bytes of each block that `block_id` named, by token and number.

    Blocks of other writers are left out. Raises: KeyError, ValueError (no such list).
    """
    found: dict[str, dict[int, int]] = {}
    for block in page.iterfind("UncommittedBlocks/Block"):
        name, size = block.findtext("Name") or "", _length(block.findtext("Size") or "")
        try:
            ours = _BLOCK.fullmatch(b64decode(name, validate=True).decode("ascii"))
        except (NotBase64, UnicodeDecodeError):
            continue
        if ours:
            found.setdefault(ours[1], {})[int(ours[2])] = size
    return found


def begun(token: str) -> datetime | None:
    """Return when an upload was begun, in UTC, as its token tells; None for a token that is not of this form."""
    if not re.fullmatch(r"[0-9a-f]{32}", token):
        return None
    return datetime.fromtimestamp(int(token[:8], 16), UTC)


def xml(body: Buffer) -> Element:
    """Parse an answer's body. Raises: ValueError."""
    try:
        return fromstring(bytes(body))  # noqa: S314  # expat refuses amplification and external entities
    except (ParseError, LookupError):  # LookupError: an encoding that does not exist
        raise ValueError("XML") from None


def _length(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("a length")
    return int(digits)


@cache
def _crc64nvme() -> Callable[[Buffer], int]:
    computed: Callable[[Buffer], int] = needed("awscrt.checksums").crc64nvme
    return computed
