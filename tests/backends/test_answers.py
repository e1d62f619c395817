"""What a host's refusals mean."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.answers import read_retry_after, refusal
from portable.backends.protocol import ABSENT, ANY, Expectation, Matches
from portable.errors import (
    AlreadyExists,
    Corrupt,
    Denied,
    NotFound,
    PortableError,
    PreconditionFailed,
    Throttled,
    Unavailable,
    Unsupported,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def refused(status: int, code: str = "", expect: Expectation = ANY, retry_after: float | None = None) -> PortableError:
    return refusal(status, code, operation="put", key="key", url="s3://bucket", expect=expect, retry_after=retry_after)


@pytest.mark.parametrize(
    ("status", "code", "expect", "kind"),
    [
        (503, "SlowDown", ANY, Throttled),
        (503, "ServerBusy", ANY, Throttled),
        (503, "RequestLimitExceeded", ANY, Throttled),
        (400, "TooManyRequests", ANY, Throttled),
        (429, "", ANY, Throttled),
        (503, "SlowDown", ABSENT, Throttled),
        (503, "", ANY, Unavailable),
        (500, "InternalError", ANY, Unavailable),
        (409, "ConditionalRequestConflict", ABSENT, Unavailable),
        (400, "BadDigest", ANY, Corrupt),
        (400, "InvalidDigest", ABSENT, Corrupt),
        (400, "XAmzContentSHA256Mismatch", ANY, Corrupt),
        (400, "XAmzContentChecksumMismatch", Matches('"1"'), Corrupt),
        (400, "Md5Mismatch", ANY, Corrupt),
        (400, "Crc64Mismatch", ANY, Corrupt),
        (400, "ExpiredToken", ANY, Denied),
        (401, "", ANY, Denied),
        (401, "InvalidAuthenticationInfo", ANY, Denied),
        (400, "InvalidToken", ANY, Denied),
        (400, "TokenRefreshRequired", ANY, Denied),
        (403, "RequestTimeTooSkewed", ANY, Denied),
        (403, "AuthenticationFailed", ANY, Denied),
        (407, "", ANY, Denied),
        (409, "", ANY, Unavailable),
        (409, "LeaseAlreadyPresent", ANY, Unavailable),
        (409, "InvalidBlobType", ANY, Unsupported),
        (409, "BlobTypeNotSupported", Matches('"1"'), Unsupported),
        (409, "BlobOperationNotSupported", ABSENT, Unsupported),
        (409, "ResourceTypeMismatch", ANY, Unsupported),
        (409, "BlobUsesCustomerSpecifiedEncryption", ANY, Unsupported),
        (409, "BlobTierInadequateForContentLength", ANY, Unsupported),
        (409, "ContentLengthLargerThanTierLimit", ANY, Unsupported),
        (409, "BlockCountExceedsLimit", ANY, Unsupported),
        (409, "BlobImmutableDueToPolicy", ANY, Denied),
        (409, "BlobImmutableDueToLegalHold", ANY, Denied),
        (409, "ContainerDisabled", ANY, Denied),
        (404, "NoSuchUpload", Matches('"1"'), NotFound),
        (400, "InvalidBlockList", ANY, NotFound),
        (404, "NoSuchKey", Matches('"1"'), PreconditionFailed),
        (404, "NoSuchBucket", Matches('"1"'), NotFound),
        (412, "", ABSENT, AlreadyExists),
        (409, "BlobAlreadyExists", ABSENT, AlreadyExists),
        (412, "", Matches('"1"'), PreconditionFailed),
    ],
)
def test_a_refusal_has_one_meaning(status: int, code: str, expect: Expectation, kind: type[PortableError]) -> None:
    assert type(refused(status, code, expect)) is kind


def test_expired_credentials_are_named_as_such() -> None:
    assert "expired" in str(refused(400, "ExpiredToken"))
    assert "expired" in str(refused(401, "InvalidAuthenticationInfo"))


def test_a_clock_that_is_wrong_is_named_as_such() -> None:
    for code in ("RequestTimeTooSkewed", "AuthenticationFailed"):
        assert "clock" in str(refused(403, code))


def test_a_proxy_that_refuses_is_told_from_the_host() -> None:
    assert "proxy" in str(refused(407))


@pytest.mark.parametrize(("status", "code"), [(503, ""), (503, "ServiceUnavailable"), (503, "SlowDown"), (429, "")])
def test_a_time_that_the_host_names_is_kept(status: int, code: str) -> None:
    error = refused(status, code, retry_after=7.0)
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0


def test_only_a_503_is_throttling_because_it_names_a_time() -> None:
    assert type(refused(500, retry_after=7.0)) is Unavailable
    assert type(refused(404, retry_after=7.0)) is NotFound


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 5000, 3600.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thursday, 01-Jan-26 00:01:00 GMT", 60.0),
        ("Thu Jan  1 00:01:00 2026", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 3600.0),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999", None),
        ("Thu, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 3600.0),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, now=NOW) == seconds


words = st.sampled_from(
    ["Thu,", "01", "Jan", "2026", "00:00:00", "GMT", "+0100", "-", ":", "0", "9" * 20, "+" + "9" * 20, "()"]
)


@given(st.text() | st.lists(words, max_size=7).map(" ".join))
def test_no_retry_after_header_raises(value: str) -> None:
    seconds = read_retry_after(value)
    assert seconds is None or 0 <= seconds <= 3600


@given(st.integers(0, 3600))
def test_a_date_says_what_its_seconds_say(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert read_retry_after(date, now=NOW) == read_retry_after(str(seconds), now=NOW) == seconds
