"""The Azure backend's SDK: clients within a bound of time, and azure-core's errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from portable.backends.answers import describe, no_answer, refusal
from portable.backends.attribute_rules import HEADERS
from portable.backends.credentials import AzureCredentials
from portable.backends.extras import needed
from portable.backends.protocol import ABSENT, ANY, Attributes, Expectation, Fetched, Matches, Stat
from portable.errors import InvalidKey, PortableError

_UNREACHABLE: Final = {".", ".."}
"""Segments that HTTP clients resolve away: the request would be about another blob."""


def container_client(container: str, credentials: AzureCredentials, *, bound: float, attempts: int) -> Any:
    """Return a `ContainerClient` for which `attempts` requests, each as slow as it may be, end within `bound` seconds."""
    blob, core = needed("azure.storage.blob"), needed("azure.core.credentials")
    credential: Any = credentials.identity
    if credentials.key:
        credential = {"account_name": credentials.account, "account_key": credentials.key}
    elif credentials.sas:
        credential = core.AzureSasCredential(credentials.sas)
    pauses = 1.0 * (attempts - 1)
    share = max(bound - pauses, bound / 2) / attempts
    connect = min(5.0, share / 4)
    return blob.ContainerClient(
        credentials.endpoint,
        container,
        credential=credential,
        retry_policy=blob.LinearRetry(backoff=1, retry_total=attempts - 1, random_jitter_range=0),
        connection_timeout=connect,
        read_timeout=share - connect,
    )


def condition(expect: Expectation) -> dict[str, Any]:
    """Spell an expectation as the SDK's parameters."""
    conditions = needed("azure.core").MatchConditions
    if isinstance(expect, Matches):
        return {"etag": expect.etag, "match_condition": conditions.IfNotModified}
    return {"match_condition": conditions.IfMissing} if expect == ABSENT else {}


def content_settings(attributes: Attributes | None) -> dict[str, Any]:
    """Spell attributes as the SDK's parameters."""
    if attributes is None:
        return {}
    settings = {field: getattr(attributes, field) for field in HEADERS}
    return {
        "content_settings": needed("azure.storage.blob").ContentSettings(**settings),
        "metadata": dict(attributes.metadata),
    }


@contextmanager
def errors(operation: str, key: str, url: str, expect: Expectation = ANY) -> Iterator[None]:
    """Translate what the SDK raises inside."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise translated(error, operation, key, url, expect) from None


def translated(error: Any, operation: str, key: str, url: str, expect: Expectation = ANY) -> PortableError:
    """Return the error for an `azure.core.exceptions.AzureError`."""
    from azure.core.exceptions import HttpResponseError

    if isinstance(error, HttpResponseError) and error.status_code:
        code = getattr(error, "error_code", None) or ""
        return refusal(
            error.status_code, str(getattr(code, "value", code)), operation=operation, key=key, url=url, expect=expect
        )
    return no_answer(type(error).__name__, operation=operation, key=key, url=url)


def stat(container: Any, whole: str, *, key: str, url: str, if_match: str | None = None) -> Stat:
    """Do what `Backend.stat` does, for a key that obstore cannot hold."""
    _check_reachable(whole, key, url)
    expect: Expectation = ANY if if_match is None else Matches(if_match)
    with errors("stat", key, url, expect):
        found = container.get_blob_client(whole).get_blob_properties(**condition(expect))
    settings = {field: getattr(found.content_settings, field) for field in HEADERS}
    attributes = Attributes(**settings, metadata={name.lower(): value for name, value in (found.metadata or {}).items()})
    return Stat(key, found.size, found.last_modified, quoted(found.etag), attributes)


def get(container: Any, whole: str, start: int, stop: int | None, if_match: str | None, *, key: str, url: str) -> Fetched:
    """Do what `Backend.get` does, for a key that obstore cannot hold."""
    described = stat(container, whole, key=key, url=url, if_match=if_match)
    stop = described.size if stop is None else min(stop, described.size)
    if start >= stop:
        return Fetched(b"", described)
    expect = Matches(described.etag)
    with errors("get", key, url, expect):
        data: bytes = container.download_blob(whole, start, stop - start, **condition(expect)).readall()
    if len(data) != stop - start:
        raise no_answer(f"{len(data)} of {stop - start} bytes came", operation="get", key=key, url=url)
    return Fetched(data, described)


def quoted(etag: str) -> str:
    """Write an ETag as headers do: listings leave its quotes out."""
    return etag if etag.startswith('"') or not etag else f'"{etag}"'


def _check_reachable(whole: str, key: str, url: str) -> None:
    if _UNREACHABLE.intersection(whole.split("/")):
        raise InvalidKey(f"{describe('read', key, url)}: no HTTP client sends a `.` or `..` segment as it is")
