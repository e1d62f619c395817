"""What a host's refusals mean: one table for all edges, from HTTP status and error code to `portable.errors`.

Messages are made of the operation, the key, the store's URL, the status and the code. A host's own words stay out: they
repeat URLs, and those may carry signatures.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from portable.backends.protocol import ABSENT, ANY, Expectation, Matches
from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    Corrupt,
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    PreconditionFailed,
    Throttled,
    Unavailable,
    Unsupported,
)

_Kind = tuple[type[PortableError], str]

_THROTTLED: Final[_Kind] = (Throttled, "the host asks for fewer requests")
_CORRUPT: Final[_Kind] = (Corrupt, "the bytes that came do not fit their checksum")
_EXPIRED: Final[_Kind] = (Denied, "the credentials have expired: get new ones")
_IMMUTABLE: Final[_Kind] = (Denied, "an immutability policy or legal hold protects the blob")
_OTHER_KIND: Final[_Kind] = (Unsupported, "what stands there is a page or append blob, a folder, or the Data Lake API's")
_TOO_LONG_FOR_ITS_TIER: Final[_Kind] = (Unsupported, "the access tier does not take so long a blob")
_CODES: Final[dict[str, _Kind]] = {
    **dict.fromkeys(
        (
            "SlowDown",  # Amazon S3, "Error responses"
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "TooManyRequests",
            "TooManyRequestsException",
            "SlowDownRead",  # MinIO
            "SlowDownWrite",
            "ServerBusy",  # Blob service REST API, "Common REST API error codes"
        ),
        _THROTTLED,
    ),
    **dict.fromkeys(
        (
            "BadDigest",
            "InvalidDigest",
            "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch",
            "ContentSHA256Mismatch",
            "ContentChecksumMismatch",
            "InvalidChecksum",
            "Md5Mismatch",
            "InvalidMd5",
            "Crc64Mismatch",
            "InvalidCrc64",
        ),
        _CORRUPT,
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(
        (
            "InvalidBlobType",  # Blob service REST API, "Blob service error codes": what conflicts for as long as it stands
            "BlobTypeNotSupported",
            "BlobOperationNotSupported",
            "ResourceTypeMismatch",
        ),
        _OTHER_KIND,
    ),
    **dict.fromkeys(("BlobTierInadequateForContentLength", "ContentLengthLargerThanTierLimit"), _TOO_LONG_FOR_ITS_TIER),
    **dict.fromkeys(("BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"), _IMMUTABLE),
    "NoSuchBucket": (NotFound, "the bucket does not exist"),
    "ContainerNotFound": (NotFound, "the container does not exist"),
    "ContainerBeingDeleted": (NotFound, "the container is being deleted"),
    "NoSuchUpload": (NotFound, "the upload does not exist (any more)"),
    "InvalidPart": (NotFound, "a staged part does not exist (any more)"),
    "InvalidBlockList": (NotFound, "a staged block does not exist (any more)"),
    "ConditionalRequestConflict": (Unavailable, "another conditional write is in progress"),
    "OperationAborted": (Unavailable, "another operation is in progress"),
    "RequestTimeout": (Unavailable, "the host waited too long for the request"),
    "IncompleteBody": (Unavailable, "the request was cut short on its way"),
    "RequestTimeTooSkewed": (Denied, "this machine's clock and the host's differ too much"),
    "InvalidToken": (Denied, "the session token is not valid"),
    "InvalidAuthenticationInfo": (Denied, "the credentials are not valid, or have expired"),
    "AuthenticationFailed": (Denied, "the credentials were refused: they are wrong or expired, or the clock here is wrong"),
    "InvalidObjectState": (Unsupported, "the object is archived: restore it first"),
    "BlobArchived": (Unsupported, "the blob is archived: rehydrate it first"),
    "BlobBeingRehydrated": (Unsupported, "the blob is being rehydrated: wait for it"),
    "SnapshotsPresent": (Unsupported, "the blob has snapshots"),
    "BlobUsesCustomerSpecifiedEncryption": (Unsupported, "the blob is encrypted with a key that requests must bring"),
    "BlockCountExceedsLimit": (Unsupported, "more blocks were staged than the host takes"),
    "ContainerDisabled": (Denied, "the container is disabled"),
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
_UPLOAD_GONE: Final = {"NoSuchUpload", "InvalidPart", "InvalidBlockList"}
_STATUSES: Final[dict[int, _Kind]] = {
    301: (ConfigurationError, "the bucket is at another endpoint: set `region` or `endpoint`"),
    307: (ConfigurationError, "the bucket is at another endpoint: set `region` or `endpoint`"),
    401: (Denied, "the credentials were refused"),
    403: (Denied, "the credentials were refused, or do not allow it"),
    404: (NotFound, "nothing is there"),
    407: (Denied, "the proxy wants credentials: write them in its URL (http://user:password@proxy:port)"),
    408: (Unavailable, "the host waited too long for the request"),
    409: (Unavailable, "it conflicts with another operation"),
    412: (PreconditionFailed, "another version stands there"),
    429: _THROTTLED,
    501: (Unsupported, "the host does not implement it"),
}
_LONGEST_RETRY_AFTER: Final = 3600.0
"""Seconds: what a host asks for beyond this is taken for this."""


def refusal(
    status: int,
    code: str,
    *,
    operation: str,
    key: str,
    url: str,
    expect: Expectation = ANY,
    retry_after: float | None = None,
) -> PortableError:
    """Return the error for a host's refusal of `operation` on `key`.

    `expect` is what the request was conditional on, `retry_after` what `read_retry_after` made of the answer's header. A 503
    that names a time is Throttled, whatever its code.
    """
    kind, meaning = _CODES.get(code) or _STATUSES.get(status) or _by_class(status)
    if expect == ABSENT and (kind is PreconditionFailed or code == "BlobAlreadyExists"):
        kind, meaning = AlreadyExists, "an object stands there"
    elif isinstance(expect, Matches) and kind is NotFound and code not in _CONTAINER_MISSING | _UPLOAD_GONE:
        kind, meaning = PreconditionFailed, "nothing stands there"
    elif kind is Unavailable and status == 503 and retry_after is not None:
        kind, meaning = _THROTTLED
    answered = f"HTTP {status} {code}".strip()
    message = f"{describe(operation, key, url)}: {meaning} ({answered})"
    return Throttled(message, retry_after) if kind is Throttled else kind(message)


def read_retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Read a Retry-After header (RFC 9110, section 10.2.3): seconds from `now` (by default the present), at most an hour.

    None for a header that is missing or says nothing that can be read.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        # Longer digits than a float holds, or than int() takes, are all past the limit.
        return min(float(text[:10]), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # An HTTP date is in GMT, also where an old format leaves the zone out.
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def is_missing_container(code: str) -> bool:
    """Tell whether a 404 is about the container, not about the object."""
    return code in _CONTAINER_MISSING


def no_answer(reason: str, *, operation: str, key: str, url: str) -> Unavailable:
    """Return the error for a request that no usable answer came to; a mutation's outcome is then unknown."""
    return Unavailable(f"{describe(operation, key, url)}: {reason}")


def not_understood(error: Exception, *, operation: str, key: str, url: str) -> Unavailable:
    """Return the error for an answer that lacks what it must have, or says nonsense, as `error` tells."""
    return no_answer(f"the answer cannot be understood ({error})", operation=operation, key=key, url=url)


def describe(operation: str, key: str, url: str) -> str:
    """Name an operation for a message."""
    return f"{operation} {key!r} in {url}" if key else f"{operation} {url}"


def _by_class(status: int) -> _Kind:
    if status >= 500:
        return Unavailable, "the host failed"
    return Unsupported, "the host refused the request"
