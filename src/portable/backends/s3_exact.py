"""Reads through boto3, which addresses every key exactly: for the keys that obstore cannot hold."""

from datetime import UTC
from typing import Any, Final

from portable.backends import boto3_edge
from portable.backends.answers import describe, no_answer
from portable.backends.protocol import ANY, Attributes, Expectation, Fetched, Matches, Stat
from portable.errors import InvalidKey, Unsupported

_HEADERS: Final = {
    "content_type": "ContentType",
    "cache_control": "CacheControl",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
}


def get(
    client: Any, target: dict[str, str], start: int, stop: int | None, if_match: str | None, *, key: str, url: str
) -> Fetched:
    """Do what `Backend.get` does for the object at `target` (Bucket and Key)."""
    described = stat(client, target, key=key, url=url, if_match=if_match)
    stop = described.size if stop is None else min(stop, described.size)
    if start >= stop:
        return Fetched(b"", described)
    from botocore.exceptions import BotoCoreError

    with boto3_edge.errors("get", key, url, Matches(described.etag)):
        answer = client.get_object(**target, Range=f"bytes={start}-{stop - 1}", IfMatch=described.etag)
        try:
            data: bytes = answer["Body"].read()
        except (OSError, BotoCoreError) as error:
            raise no_answer(type(error).__name__, operation="get", key=key, url=url) from None
    if len(data) != stop - start:
        raise no_answer(f"{len(data)} of {stop - start} bytes came", operation="get", key=key, url=url)
    return Fetched(data, described)


def stat(client: Any, target: dict[str, str], *, key: str, url: str, if_match: str | None = None) -> Stat:
    """Do what `Backend.stat` does."""
    condition = {} if if_match is None else {"IfMatch": if_match}
    expect: Expectation = ANY if if_match is None else Matches(if_match)
    try:
        with boto3_edge.errors("stat", key, url, expect):
            answer = client.head_object(**target, **condition)
    except Unsupported:  # 400, without a body that would say more
        raise InvalidKey(f"{describe('stat', key, url)}: the host takes no such key") from None
    known = {field: answer[name] for field, name in _HEADERS.items() if name in answer}
    attributes = Attributes(**known, metadata=dict(answer.get("Metadata", {})))
    return Stat(key, answer["ContentLength"], answer["LastModified"].astimezone(UTC), answer["ETag"], attributes)


def spelled(attributes: Attributes | None) -> dict[str, Any]:
    """Spell attributes as boto3's parameters."""
    if attributes is None:
        return {}
    values = {name: getattr(attributes, field) for field, name in _HEADERS.items()}
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return given | ({"Metadata": dict(attributes.metadata)} if attributes.metadata else {})
