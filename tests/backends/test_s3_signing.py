"""Signatures of S3 requests, beside those of botocore."""

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError, CredentialRetrievalError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.credentials import S3Credentials
from portable.backends.s3_requests import target
from portable.backends.s3_signing import Signers
from portable.backends.sigv4 import UNSIGNED, Signer
from portable.backends.target import target_of
from portable.errors import ConfigurationError, Denied, PortableError, Unavailable

PRINTABLE = st.text(string.ascii_letters + string.digits + string.punctuation + " ", min_size=1, max_size=12).map(str.strip)
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8)
SECRETS = st.text(string.ascii_letters + string.digits + "+/=", min_size=1, max_size=40)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    host=st.sampled_from(["https://s3.example.org", "http://127.0.0.1:8333", "https://s3.example.org:443", "http://h:80"]),
    key=TEXT,
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
    headers=st.dictionaries(NAMES.map("x-amz-meta-{}".format), PRINTABLE, max_size=4),
    pair=st.tuples(SECRETS, SECRETS),
    token=st.none() | SECRETS,
    region=st.sampled_from(["us-east-1", "eu-west-1", "garage", "fr-par"]),
    payload=st.sampled_from([UNSIGNED, "0" * 64]),
    at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # Hypothesis takes bounds without a zone
)
def test_every_request_is_signed_as_botocore_signs_it(
    method: str,
    host: str,
    key: str,
    query: Mapping[str, str],
    headers: dict[str, str],
    pair: tuple[str, str],
    token: str | None,
    region: str,
    payload: str,
    at: datetime,
) -> None:
    place = target(target_of(f"{host}/bucket"), key, query)
    sent = {**headers, "Content-MD5": "aaaa", "If-Match": '"etag"', "Range": "bytes=0-1"}
    request = AWSRequest(method, str(place), headers=dict(sent))
    oracle = S3SigV4Auth(Credentials(*pair, token), "s3", region)
    with patch("botocore.auth.get_current_datetime", return_value=at), patch.object(oracle, "payload", return_value=payload):
        oracle.add_auth(request)
    signer = Signer(*pair, token, region)
    for _ in range(2):  # with a signing key that was made before, too
        signed = signer.headers(method, place, sent, payload=payload, at=at.timestamp())
        assert signed["Authorization"] == request.headers["Authorization"]


def test_a_bucket_has_a_target_of_its_own() -> None:
    assert str(target(target_of("http://h/b"), "", {"prefix": "a/b c"})) == "http://h/b?prefix=a%2Fb%20c"
    assert str(target(target_of("https://b.h"), "", {"list-type": 2})) == "https://b.h/?list-type=2"


@given(key=TEXT.filter(bool), query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3))
def test_a_target_spells_the_key_and_the_query_as_signatures_do(key: str, query: Mapping[str, str]) -> None:
    place = target(target_of("http://h/b"), key, query)
    assert place.path == f"/b/{quote(key, safe='/-_.~')}"
    assert place.query == urlencode(query, quote_via=quote, safe="-_.~")


def test_a_key_pair_that_a_session_renewed_signs_the_next_request() -> None:
    pairs = iter(
        [ReadOnlyCredentials("old", "s", "t"), ReadOnlyCredentials("old", "s", "t"), ReadOnlyCredentials("new", "s", None)]
    )
    session = SimpleNamespace(get_credentials=lambda: SimpleNamespace(get_frozen_credentials=lambda: next(pairs)))
    signers = Signers(S3Credentials("http://h", "r", session=session), url="s3://b")
    first = signers()
    assert (first.access_key_id, first.session_token, first.region) == ("old", "t", "r")
    assert signers() is first
    assert signers().access_key_id == "new"


def refused(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "AssumeRole")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (CredentialRetrievalError(provider="test", error_msg="HIDDEN"), Unavailable),
        (refused("AccessDenied", 403), Denied),
        (refused("InternalFailure", 500), Unavailable),
        (refused("NoSuchEntity", 404), ConfigurationError),
        (ParamValidationError(report="HIDDEN"), ConfigurationError),  # a name of the role's session that is too short
        (FileNotFoundError("HIDDEN"), ConfigurationError),  # a token file that is not there
        (ValueError("HIDDEN"), ConfigurationError),
    ],
)
def test_a_session_that_gets_no_key_pair_says_so_in_our_words(raised: Exception, kind: type[PortableError]) -> None:
    def fails() -> None:
        raise raised

    session = SimpleNamespace(get_credentials=lambda: SimpleNamespace(get_frozen_credentials=fails))
    with pytest.raises(PortableError, match="get credentials for s3://b") as caught:
        Signers(S3Credentials("http://h", "r", session=session), url="s3://b")()
    assert type(caught.value) is kind
    assert "HIDDEN" not in str(caught.value)


def test_a_file_that_a_session_cannot_read_any_more_makes_it_unavailable() -> None:
    frozen = iter([ReadOnlyCredentials("old", "s", "t")])

    def read() -> ReadOnlyCredentials:
        for pair in frozen:
            return pair
        raise FileNotFoundError("token")

    session = SimpleNamespace(get_credentials=lambda: SimpleNamespace(get_frozen_credentials=read))
    signers = Signers(S3Credentials("http://h", "r", session=session), url="s3://b")
    signers()
    with pytest.raises(Unavailable, match="FileNotFoundError"):
        signers()


def test_a_session_that_finds_no_credentials_any_more_is_an_error_of_ours() -> None:
    session = SimpleNamespace(get_credentials=lambda: None)
    with pytest.raises(ConfigurationError, match="get credentials for s3://b"):
        Signers(S3Credentials("http://h", "r", session=session), url="s3://b")()


@pytest.mark.parametrize("pair", [("AK", "HIDDEN\n", None), ("AK", "s", "HIDDEN\u00e9"), ("HIDDEN\udc80", "s", None)])
def test_a_key_pair_that_no_header_can_carry_is_refused_and_not_repeated(pair: tuple[str, str, str | None]) -> None:
    frozen = SimpleNamespace(get_frozen_credentials=lambda: ReadOnlyCredentials(*pair))
    session = SimpleNamespace(get_credentials=lambda: frozen)
    with pytest.raises(ConfigurationError, match="not ASCII") as caught:
        Signers(S3Credentials("http://h", "r", session=session), url="s3://b")()
    assert "HIDDEN" not in str(caught.value)
