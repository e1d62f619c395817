"""What a host's refusals mean: one table for all edges, from HTTP status and error code to `portable.errors`.

Messages are made of the operation, the key, the store's URL, the status and the code. A host's own words stay out: they
repeat URLs, and those may carry signatures.
"""

from typing import Final

from portable.backends.protocol import ABSENT, ANY, Expectation, Matches
from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    PreconditionFailed,
    Unavailable,
    Unsupported,
)

_Kind = tuple[type[PortableError], str]

_CODES: Final[dict[str, _Kind]] = {
    "NoSuchBucket": (NotFound, "the bucket does not exist"),
    "ContainerNotFound": (NotFound, "the container does not exist"),
    "ContainerBeingDeleted": (NotFound, "the container is being deleted"),
    "NoSuchUpload": (NotFound, "the upload does not exist (any more)"),
    "ConditionalRequestConflict": (Unavailable, "another conditional write is in progress"),
    "OperationAborted": (Unavailable, "another operation is in progress"),
    "RequestTimeout": (Unavailable, "the host waited too long for the request"),
    "SlowDown": (Unavailable, "the host throttles"),
    "ExpiredToken": (Denied, "the credentials have expired"),
    "InvalidToken": (Denied, "the session token is not valid"),
    "InvalidAuthenticationInfo": (Denied, "the credentials are not valid"),
    "InvalidObjectState": (Unsupported, "the object is archived: restore it first"),
    "BlobArchived": (Unsupported, "the blob is archived: rehydrate it first"),
    "BlobBeingRehydrated": (Unsupported, "the blob is being rehydrated: wait for it"),
    "SnapshotsPresent": (Unsupported, "the blob has snapshots"),
    "BlobImmutableDueToPolicy": (Denied, "an immutability policy or legal hold protects the blob"),
    "LeaseIdMissing": (Denied, "the blob is leased"),
    "KeyTooLongError": (InvalidKey, "the host does not take so long a key"),
    "InvalidResourceName": (InvalidKey, "the host does not take such a key"),
    "OutOfRangeInput": (InvalidKey, "the host does not take such a key"),
    "InvalidURI": (InvalidKey, "the host does not take such a key"),
    "AuthorizationHeaderMalformed": (ConfigurationError, "the region is wrong: set `region`"),
    "PermanentRedirect": (ConfigurationError, "the bucket is in another region: set `region` or `endpoint`"),
    "IllegalLocationConstraintException": (ConfigurationError, "the bucket is in another region: set `region`"),
}
_CONTAINER_MISSING: Final = {"NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"}
_STATUSES: Final[dict[int, _Kind]] = {
    301: (ConfigurationError, "the bucket is at another endpoint: set `region` or `endpoint`"),
    307: (ConfigurationError, "the bucket is at another endpoint: set `region` or `endpoint`"),
    401: (Denied, "the credentials were refused"),
    403: (Denied, "the credentials were refused, or do not allow it"),
    404: (NotFound, "nothing is there"),
    408: (Unavailable, "the host waited too long for the request"),
    409: (Unavailable, "it conflicts with another operation"),
    412: (PreconditionFailed, "another version stands there"),
    429: (Unavailable, "the host throttles"),
    501: (Unsupported, "the host does not implement it"),
}


def refusal(status: int, code: str, *, operation: str, key: str, url: str, expect: Expectation = ANY) -> PortableError:
    """Return the error for a host's refusal of `operation` on `key`; `expect` is what the request was conditional on."""
    kind, meaning = _CODES.get(code) or _STATUSES.get(status) or _by_class(status)
    if expect == ABSENT and (kind is PreconditionFailed or code == "BlobAlreadyExists"):
        kind, meaning = AlreadyExists, "an object stands there"
    elif isinstance(expect, Matches) and kind is NotFound and code not in _CONTAINER_MISSING:
        kind, meaning = PreconditionFailed, "nothing stands there"
    answered = f"HTTP {status} {code}".strip()
    return kind(f"{describe(operation, key, url)}: {meaning} ({answered})")


def is_missing_container(code: str) -> bool:
    """Tell whether a 404 is about the container, not about the object."""
    return code in _CONTAINER_MISSING


def no_answer(reason: str, *, operation: str, key: str, url: str) -> Unavailable:
    """Return the error for a request that no usable answer came to; a mutation's outcome is then unknown."""
    return Unavailable(f"{describe(operation, key, url)}: {reason}")


def describe(operation: str, key: str, url: str) -> str:
    """Name an operation for a message."""
    return f"{operation} {key!r} in {url}" if key else f"{operation} {url}"


def _by_class(status: int) -> _Kind:
    if status >= 500:
        return Unavailable, "the host failed"
    return Unsupported, "the host refused the request"
