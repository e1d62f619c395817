"""S3 requests for objects, and what their answers say: text in, values out (Amazon S3 API Reference)."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from typing_extensions import Buffer

from portable.backends.attribute_rules import answered, headers
from portable.backends.http_fields import moment, path, place, quoted
from portable.backends.protocol import Attributes, Stat
from portable.backends.target import Target, target_of
from portable.backends.traits import Addressing
from portable.errors import ConfigurationError

_METADATA: Final = "x-amz-meta-"
_STORAGE_CLASS: Final = "x-amz-storage-class"
_IN_A_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_CODE: Final = re.compile(rb"<Code>\s*(\w+)\s*</Code>")


def container(endpoint: str, bucket: str, addressing: Addressing) -> Target:
    """Return where a bucket is ("Virtual hosting of buckets", Amazon S3 User Guide). Raises: ConfigurationError."""
    if addressing == "path":
        return target_of(f"{endpoint}/{bucket}")
    scheme, _, rest = endpoint.partition("://")
    if not _IN_A_HOST.fullmatch(bucket) or (scheme == "https" and "." in bucket):
        raise ConfigurationError(
            f"the bucket {bucket!r} cannot be a part of a host's name, as this host wants it (letters of lower case, digits, "
            "hyphens): use another bucket"
        )
    return target_of(f"{scheme}://{bucket}.{rest}")


def in_class(storage_class: str | None) -> dict[str, str]:
    """Return the header that says in which storage class an object is written."""
    return {} if storage_class is None else {_STORAGE_CLASS: storage_class}


def target(container: Target, whole: str, query: Mapping[str, object] | None = None) -> Target:
    """Return where an object is: `whole` is its key with the store's prefix. Where that is empty, it is the bucket's place."""
    place = container.path
    if whole or not place:  # there is a path, if only a slash
        place = f"{place}/{path(whole)}"
    return Target(container.origin, container.host, place, urlencode(query, quote_via=quote) if query else "")


def described(attributes: Attributes | None) -> dict[str, str]:
    """Return the headers that set an object's attributes."""
    if attributes is None:
        return {}
    return headers(attributes) | {_METADATA + name: value for name, value in attributes.metadata.items()}


def byte_range(start: int, stop: int | None) -> dict[str, str]:
    """Return the header that asks for [start, stop), which is not empty."""
    if stop is None:
        return {"Range": f"bytes={start}-"} if start else {}
    return {"Range": f"bytes={start}-{stop - 1}"}


def found(answer: Mapping[str, str], length: int) -> tuple[int, int]:
    """Return where the `length` bytes of an answer begin, and the whole object's size. Raises: ValueError."""
    return place(answer) or (0, length)


def stat(key: str, size: int, answer: Mapping[str, str]) -> Stat:
    """Describe an object from the headers of an answer. Raises: KeyError, ValueError (it lacks what it must have)."""
    if not (etag := quoted(answer["etag"])):
        raise ValueError("ETag")
    return Stat(key, size, moment(answer["last-modified"]), etag, attributes(answer))


def attributes(answer: Mapping[str, str]) -> Attributes:
    """Read an object's attributes; names of metadata in lower case."""
    return answered(answer, _METADATA)


def code(body: Buffer) -> str:
    """Return the code of a refusal, "" where its body names none."""
    told = _CODE.search(bytes(body))
    return told[1].decode() if told else ""
