"""Signatures, beside those of botocore; and dates of the caller's choice."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from portable.backends.sigv4 import UNSIGNED, Signer
from portable.backends.target import target_of

AT = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
URLS = [
    "https://s3.example.org/bucket/key",
    "https://s3.example.org:8443/bucket?list-type=2&prefix=a%2Fb&max-keys=4",
    "http://127.0.0.1:8333/bucket/a//b/../c%20d%2Be?uploads=",
    "https://bucket.s3.example.org/",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_requests_are_signed_as_botocore_signs_them(url: str, token: str | None) -> None:
    headers = {"Content-MD5": "aaaa", "x-amz-meta-a": "b  c", "If-Match": '"etag"'}
    ours = Signer("AKID", "secret", token, "eu-west-1").headers(
        "PUT", target_of(url), headers, payload=UNSIGNED, at=AT.timestamp()
    )
    request = AWSRequest("PUT", url, headers=headers)
    signer = S3SigV4Auth(Credentials("AKID", "secret", token), "s3", "eu-west-1")
    signer.payload = lambda _: UNSIGNED
    with patch("botocore.auth.get_current_datetime", return_value=AT):
        request.headers["X-Amz-Content-SHA256"] = UNSIGNED
        signer.add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_urls_are_presigned_as_botocore_presigns_them(token: str | None) -> None:
    url = "https://s3.example.org/bucket/a%20b"
    ours = Signer("AKID", "secret", token, "eu-west-1").presigned("GET", target_of(url), at=AT.timestamp(), seconds=300)
    request = AWSRequest("GET", url)
    with patch("botocore.auth.get_current_datetime", return_value=AT):
        S3SigV4QueryAuth(Credentials("AKID", "secret", token), "s3", "eu-west-1", expires=300).add_auth(request)
    assert sorted(ours.partition("?")[2].split("&")) == sorted(request.url.partition("?")[2].split("&"))


def test_a_signer_does_not_show_its_secret() -> None:
    assert "secret" not in repr(Signer("AKID", "secret-value", "token-secret", "eu-west-1"))
