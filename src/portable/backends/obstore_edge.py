"""The one place that imports obstore (the Rust crate object_store), by its synchronous API.

Its exceptions, and Rust panics (`pyo3_runtime.PanicException`, which is no `Exception`), become `portable.errors` here.
No key here is one that `key_rules.awkward` names.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from obstore.store import AzureStore, S3Store
from typing_extensions import Buffer

from portable.backends.answers import describe, no_answer, refusal
from portable.backends.attribute_rules import from_obstore, to_obstore
from portable.backends.credentials import AzureCredentials, S3Credentials
from portable.backends.obstore_credentials import azure_provider, s3_provider
from portable.backends.protocol import ABSENT, ANY, Attributes, Expectation, Fetched, Matches, Stat
from portable.errors import ConfigurationError, InvalidKey, Unsupported

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig

_STATUS: Final = re.compile(r"non-2xx status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_STATUS_OF: Final[dict[type[BaseException], int]] = {
    FileNotFoundError: 404,
    AlreadyExistsError: 412,
    PreconditionError: 412,
    PermissionDeniedError: 403,
    UnauthenticatedError: 401,
}
_BEYOND_END: Final = ("StartTooLarge", "ParseContentRange")
"""How object_store names the answers 206 for a range that starts at the end (Azurite: `bytes 0--1/0`)."""
_READ_SECONDS: Final = 3600.0
"""A read that goes on giving bytes may take this long; one that gives none for a quarter of the bound may not."""

_NOT_OVERRIDABLE: Final = ("AWS_SERVER_SIDE_ENCRYPTION",)

Make = Callable[["ClientConfig", "RetryConfig"], Any]


@dataclass(frozen=True, slots=True)
class _Clients:
    """Three clients to one container, which differ in what they wait for and repeat."""

    reads: Any
    writes: Any
    """Repeats a request while the bound allows it."""
    conditional: Any
    """Never repeats: after a lost response, the second try of a conditional write would trip over the first."""


class ObstoreEdge:
    """One store through obstore: keys are relative to its prefix, each mutation within `bound` seconds, retries included."""

    def __init__(self, make: Make, *, url: str, prefix: str, bound: float, allow_http: bool) -> None:
        self._url, self._prefix = url, prefix
        self._process = os.getpid()
        with _vendor_errors("open", "", url):
            self._clients = _Clients(
                reads=make(
                    _client(bound, _READ_SECONDS, allow_http=allow_http) | {"read_timeout": _seconds(bound / 4)},
                    _retries(bound * 3 / 8, bound / 8),
                ),
                # An attempt begins at most 3/8 + 1/8 of the bound after the first one, and takes at most half.
                writes=make(_client(bound, bound / 2, allow_http=allow_http), _retries(bound * 3 / 8, bound / 8)),
                conditional=make(_client(bound, bound, allow_http=allow_http), {"max_retries": 0}),
            )

    def get(self, key: str, start: int, stop: int | None, if_match: str | None) -> Fetched:
        """Read [start, stop), clamped. Raises: NotFound, PreconditionFailed, Denied, Unavailable."""
        if stop is not None and stop <= start:
            return Fetched(b"", self._head(key, if_match))
        options: obstore.GetOptions = {} if if_match is None else {"if_match": if_match}
        if stop is not None:
            options["range"] = (start, stop)
        elif start:
            options["range"] = {"offset": start}
        expect = _condition(if_match)
        try:
            with self._errors("get", key, expect):
                answer = obstore.get(self._clients.reads, self._prefix + key, options=options)
                meta, data = answer.meta, answer.bytes()
        except _RangeBeyondEndError:
            stat = self._head(key, if_match)
            if start < stat.size:
                raise no_answer("the range was refused", operation="get", key=key, url=self._url) from None
            return Fetched(b"", stat)
        size = meta["size"]
        if len(data) != min(size if stop is None else stop, size) - start:
            raise no_answer(f"{len(data)} bytes came", operation="get", key=key, url=self._url)
        return Fetched(data, _stat(key, meta, from_obstore(answer.attributes)))

    def stat(self, key: str) -> Stat:
        """Describe an object. Raises: NotFound, Denied, Unavailable."""
        return self._head(key, None)

    def put(self, key: str, data: Buffer, expect: Expectation, attributes: Attributes | None) -> str:
        """Write in one request and return the ETag. Raises: what `Backend.put` raises."""
        mode: Any = {"e_tag": expect.etag} if isinstance(expect, Matches) else "create" if expect == ABSENT else "overwrite"
        client = self._clients.writes if expect == ANY else self._clients.conditional
        view = memoryview(data).cast("B")
        with self._errors("put", key, expect):
            result = obstore.put(
                client, self._prefix + key, view, attributes=to_obstore(attributes), mode=mode, use_multipart=False
            )
        etag = result["e_tag"]
        if not etag:
            raise Unsupported(f"{describe('put', key, self._url)}: the host gives no ETag, so versions cannot be told apart")
        return etag

    def delete(self, key: str) -> None:
        """Delete without a condition. Raises: NotFound (also for the container), Denied, Unavailable."""
        with self._errors("delete", key, ANY):
            obstore.delete(self._clients.writes, self._prefix + key)

    def _head(self, key: str, if_match: str | None) -> Stat:
        options: Any = {"head": True} | ({"if_match": if_match} if if_match is not None else {})
        with self._errors("stat", key, _condition(if_match)):
            answer = obstore.get(self._clients.reads, self._prefix + key, options=options)
            return _stat(key, answer.meta, from_obstore(answer.attributes))

    @contextmanager
    def _errors(self, operation: str, key: str, expect: Expectation) -> Iterator[None]:
        if os.getpid() != self._process:
            raise ConfigurationError(
                f"{self._url} was opened before this process was forked, and its client hangs here: "
                'start workers with the "spawn" method'
            )
        with _vendor_errors(operation, key, self._url, expect):
            yield


def _condition(if_match: str | None) -> Expectation:
    return ANY if if_match is None else Matches(if_match)


class _RangeBeyondEndError(Exception):
    """The host says that the range starts at or past the object's end."""


def s3_edge(bucket: str, prefix: str, credentials: S3Credentials, *, url: str, bound: float) -> ObstoreEdge:
    """Return the edge to an S3 bucket. Raises: ConfigurationError."""
    if set_here := [name for name in _NOT_OVERRIDABLE if name in os.environ]:
        raise ConfigurationError(f"{url}: unset {', '.join(set_here)}, which would change requests to every S3 host")
    # Everything that object_store would otherwise take from AWS_* variables is said here: with two S3 hosts in one process,
    # the session token or the endpoint of one must not reach the other.
    options: dict[str, Any] = {
        "endpoint": credentials.endpoint,
        "aws_endpoint_url_s3": credentials.endpoint,
        "region": credentials.region,
        "virtual_hosted_style_request": False,
        "skip_signature": False,
        "unsigned_payload": False,
        "request_payer": False,
        "s3_express": False,
        "conditional_put": "etag",
        "disable_bulk_delete": True,
        "credential_provider": s3_provider(credentials),
    }

    def make(client_options: "ClientConfig", retry_config: "RetryConfig") -> Any:
        return S3Store(bucket, **options, client_options=client_options, retry_config=retry_config)

    return ObstoreEdge(make, url=url, prefix=prefix, bound=bound, allow_http=credentials.endpoint.startswith("http://"))


def azure_edge(container: str, prefix: str, credentials: AzureCredentials, *, url: str, bound: float) -> ObstoreEdge:
    """Return the edge to an Azure container. Raises: ConfigurationError."""
    options: dict[str, Any] = {  # complete, so that no AZURE_* variable changes it
        "endpoint": credentials.endpoint,
        "account_name": credentials.account,
        "use_emulator": False,
        "use_fabric_endpoint": False,
        "skip_signature": False,
        "credential_provider": azure_provider(credentials),
    }

    def make(client_options: "ClientConfig", retry_config: "RetryConfig") -> Any:
        return AzureStore(container, **options, client_options=client_options, retry_config=retry_config)

    return ObstoreEdge(make, url=url, prefix=prefix, bound=bound, allow_http=credentials.endpoint.startswith("http://"))


@contextmanager
def _vendor_errors(operation: str, key: str, url: str, expect: Expectation = ANY) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if type(error).__module__ == "pyo3_runtime":
            raise Unsupported(f"{describe(operation, key, url)}: the client cannot express the request") from None
        if not isinstance(error, (obstore.exceptions.BaseError, FileNotFoundError, ValueError)):
            raise
        translated = _translated(error, operation, key, url, expect)
        raise translated from None


def _translated(error: BaseException, operation: str, key: str, url: str, expect: Expectation) -> Exception:
    if operation == "open":
        return ConfigurationError(f"{url}: the store cannot be opened ({type(error).__name__})")
    if isinstance(error, ValueError):
        return InvalidKey(f"{describe(operation, key, url)}: the client cannot address this key")
    # The message repeats the key, which may itself look like an answer.
    text = str(error).replace(key, "")
    found = _STATUS.search(text)
    status = int(found[1]) if found else _STATUS_OF.get(type(error), 0)
    code = _CODE.search(text[found.end() :]) if found else None
    if status == 416 or any(mark in text for mark in _BEYOND_END):
        return _RangeBeyondEndError()
    if status:
        return refusal(status, code[1] if code else "", operation=operation, key=key, url=url, expect=expect)
    reason = "it timed out" if "Timeout" in text else "no connection, or it was cut"
    return no_answer(reason, operation=operation, key=key, url=url)


def _stat(key: str, meta: Any, attributes: Attributes) -> Stat:
    return Stat(key, meta["size"], meta["last_modified"].astimezone(UTC), meta["e_tag"] or "", attributes)


def _client(bound: float, timeout: float, *, allow_http: bool) -> "ClientConfig":
    return {
        "timeout": _seconds(timeout),
        "connect_timeout": _seconds(min(5.0, bound / 4)),
        "allow_http": allow_http,
        "allow_invalid_certificates": False,
    }


def _retries(until: float, longest_pause: float) -> "RetryConfig":
    backoff: BackoffConfig = {
        "init_backoff": _seconds(min(0.1, longest_pause)),
        "max_backoff": _seconds(longest_pause),
        "base": 2,
    }
    return {"max_retries": 10, "retry_timeout": _seconds(until), "backoff": backoff}


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)
