"""Which headers and metadata a host keeps unchanged."""

import re
from collections.abc import Mapping
from typing import Final

from portable.backends.protocol import Attributes
from portable.errors import Unsupported

HEADERS: Final = {
    "content_type": "Content-Type",
    "cache_control": "Cache-Control",
    "content_disposition": "Content-Disposition",
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
}
"""The fields of `Attributes` that are HTTP headers."""
_ANSWERED: Final = {field: name.lower() for field, name in HEADERS.items()}
S3_METADATA_BYTES: Final = 2048
"""Amazon S3 user guide, "User-defined object metadata": names and values together."""
AZURE_METADATA_BYTES: Final = 8192
"""Blob service REST API, "Setting and retrieving properties and metadata": names and values together."""
_NOT_METADATA: Final = {*HEADERS.values(), "Storage-Class"}
_S3_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2: token
_AZURE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def check_s3(attributes: Attributes | None, *, url: str) -> None:
    """Raise Unsupported for attributes that an S3 host would refuse, drop or change."""
    _check(attributes, _S3_NAME, S3_METADATA_BYTES, url)


def check_azure(attributes: Attributes | None, *, url: str) -> None:
    """Raise Unsupported for attributes that Azure would refuse, drop or change (metadata names must be C# identifiers)."""
    _check(attributes, _AZURE_NAME, AZURE_METADATA_BYTES, url)


def answered(fields: Mapping[str, str], metadata_prefix: str) -> Attributes:
    """Read attributes from the headers of an answer, by names in lower case; `metadata_prefix` begins those of metadata."""
    kept = {field: fields.get(name) for field, name in _ANSWERED.items()}
    start = len(metadata_prefix)
    metadata = {name[start:]: value for name, value in fields.items() if name.startswith(metadata_prefix)}
    return Attributes(**kept, metadata=metadata)


def headers(attributes: Attributes) -> dict[str, str]:
    """Return the HTTP headers that are set, by their HTTP names."""
    values = {name: getattr(attributes, field) for field, name in HEADERS.items()}
    return {name: value for name, value in values.items() if value is not None}


def _check(attributes: Attributes | None, name_rule: re.Pattern[str], limit: int, url: str) -> None:
    if attributes is None:
        return
    for name, value in headers(attributes).items():
        if not _VALUE.fullmatch(value):
            raise Unsupported(f"{url}: the value of {name} is empty, starts or ends with a space, or is not printable ASCII")
    metadata = attributes.metadata
    for name, value in metadata.items():
        if not name_rule.fullmatch(name) or name in _NOT_METADATA:
            raise Unsupported(f"{url}: the host cannot keep metadata named {name!r}")
        if not _VALUE.fullmatch(value):
            raise Unsupported(
                f"{url}: the value of metadata {name!r} is empty, starts or ends with a space, or is not printable ASCII"
            )
    if len({name.lower() for name in metadata}) != len(metadata):
        raise Unsupported(f"{url}: two metadata names differ in case alone, and the host does not tell them apart")
    if sum(len(name) + len(value) for name, value in metadata.items()) > limit:
        raise Unsupported(f"{url}: the host keeps at most {limit} bytes of metadata")
