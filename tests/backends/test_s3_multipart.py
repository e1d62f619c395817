"""The requests of an upload: as boto3 makes them, within their bound, and no answer is taken for what it is not."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import canonicalize, fromstring

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from portable.backends import boto3_edge, s3_multipart
from portable.backends.credentials import S3Credentials
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, ANY, Attributes, Expectation, Matches
from portable.backends.s3 import S3Backend
from portable.backends.s3_checksums import spelled
from portable.backends.traits import Contract
from portable.errors import (
    AlreadyExists,
    Denied,
    NotFound,
    PortableError,
    PreconditionFailed,
    Throttled,
    Unavailable,
    Unsupported,
)
from tests.backends.answering import Answering, Asked, Says
from tests.backends.s3_opening import Place
from tests.servers import SeaweedFS
from tests.servers.faults import Rule, SlowBody

BEGUN = b"<InitiateMultipartUploadResult><UploadId>a+b/c=</UploadId></InitiateMultipartUploadResult>"
PART = b"<Part><PartNumber>2</PartNumber><ETag>&quot;e&quot;</ETag><Size>7</Size></Part>"
UPLOAD = b"<Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"
MORE = b"<IsTruncated>true</IsTruncated>"


def committed(inside: bytes) -> bytes:
    return b"<CompleteMultipartUploadResult>%s</CompleteMultipartUploadResult>" % inside


def parts(inside: bytes) -> bytes:
    return b"<ListPartsResult>%s</ListPartsResult>" % inside


def uploads(inside: bytes) -> bytes:
    return b"<ListMultipartUploadsResult>%s</ListMultipartUploadsResult>" % inside


class Host:
    """Takes uploads, and answers each request as `answers` says, by its method; b"" for the others."""

    def __init__(self, contract: Contract) -> None:
        self.answers: dict[str, bytes | Says] = {"POST uploads": BEGUN}
        self.answering = Answering(self._answer)
        self._contract = contract

    def open(self, bucket: str = "bucket", **named: Any) -> S3Backend:
        credentials = S3Credentials(self.answering.endpoint, "eu-1", "AK", "SK")
        return S3Backend(Location(f"s3://{bucket}", contract=self._contract, **named), credentials, bound=5.0)

    def _answer(self, asked: Asked) -> Says:
        query = "encoded" if "encoding-type=url" in asked.target else "uploads" if "uploads" in asked.target else ""
        body = self.answers.get(f"{asked.method} {query}".strip(), b"")
        return Says(200, {"ETag": '"1"'}, body) if isinstance(body, bytes) else body


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that verifies checksums of whole objects, as Amazon does."""
    made = Host(Contract())
    with made.answering:
        yield made


def begin(backend: S3Backend) -> object:
    return backend.begin("key")


def commit(backend: S3Backend) -> object:
    upload = backend.begin("key")
    upload.part(0, b"data")
    return upload.commit()


def resume(backend: S3Backend) -> object:
    return backend.resume("key", "token").staged()


def unfinished(backend: S3Backend) -> object:
    return list(backend.unfinished())


NONSENSE = [
    ("POST uploads", begin, b""),
    ("POST uploads", begin, b"<html>Welcome</html>"),
    ("POST uploads", begin, BEGUN[:-3]),
    ("POST uploads", begin, b"<InitiateMultipartUploadResult/>"),
    ("POST uploads", begin, b'<?xml version="1.0" encoding="foo"?>' + BEGUN),
    ("POST uploads", begin, b'<?xml version="1.0" encoding="hex"?>' + BEGUN),
    ("POST", commit, b""),
    ("POST", commit, committed(b"")),
    ("POST", commit, committed(b"<ETag/>")),
    ("POST", commit, b"<Other><ETag>1</ETag></Other>"),
    ("GET", resume, b""),
    ("GET", resume, b"<html/>"),
    ("GET", resume, parts(PART.replace(b"ETag", b"Etag"))),
    ("GET", resume, parts(PART.replace(b">2<", b">x<"))),
    ("GET", resume, parts(PART.replace(b">2<", b">0<"))),
    ("GET", resume, parts(PART.replace(b">7<", b">-7<"))),
    ("GET", resume, parts(PART.replace(b">7<", b">" + b"7" * 5000 + b"<"))),
    ("GET uploads", unfinished, b""),
    ("GET uploads", unfinished, b"<html/>"),
    ("GET uploads", unfinished, uploads(UPLOAD.replace(b"Key", b"Kez"))),
    ("GET uploads", unfinished, uploads(UPLOAD.replace(b"UploadId", b"Uploadid"))),
    ("GET uploads", unfinished, uploads(UPLOAD.replace(b"2026-01-02T", b"yesterday"))),
    ("GET uploads", unfinished, uploads(UPLOAD.replace(b"2026-01-02T03:04:05.000Z", b"0001-01-01T00:00:00+23:59"))),
    ("GET uploads", unfinished, uploads(UPLOAD + MORE)),
]


@pytest.mark.parametrize(("request_", "call", "body"), NONSENSE)
def test_an_answer_that_does_not_say_what_it_must_is_none(
    host: Host, request_: str, call: Callable[[S3Backend], object], body: bytes
) -> None:
    host.answers[request_] = body
    with pytest.raises(Unavailable, match=r"cannot be understood|no listing"):
        call(host.open())


READERS: list[tuple[Callable[[bytes], object], bytes]] = [
    (s3_multipart.begun, BEGUN),
    (lambda body: s3_multipart.committed(body, etag_told=True), committed(b"<ETag>1</ETag>")),
    (s3_multipart.parts, parts(PART + MORE)),
    (lambda body: s3_multipart.uploads(body, ""), uploads(UPLOAD + MORE + b"<NextKeyMarker>k</NextKeyMarker>")),
]
PIECES = [
    b"",
    b"<",
    b"<a/>",
    b"-",
    b"\0",
    b"\xff",
    b"9" * 5000,
    b"&#1;",
    b"0001-01-01T00:00:00+23:59",
    b"<!DOCTYPE a>",
    b"\xd9\xa1",
]


@given(st.sampled_from(READERS), st.data(), st.sampled_from(PIECES) | st.binary(max_size=8))
def test_whatever_is_altered_in_an_answer_it_is_read_or_refused(
    reader: tuple[Callable[[bytes], object], bytes], data: st.DataObject, piece: bytes
) -> None:
    read, body = reader
    start = data.draw(st.integers(0, len(body)))
    stop = data.draw(st.integers(start, min(start + 30, len(body))))
    with suppress(ValueError):
        read(body[:start] + piece + body[stop:])


def test_a_list_of_parts_that_never_ends_is_stopped(host: Host) -> None:
    host.answers["GET"] = parts(PART + MORE)
    with pytest.raises(Unavailable, match="never end"):
        resume(host.open())


LATE: list[tuple[str, Expectation, type[PortableError]]] = [
    ("InternalError", ANY, Unavailable),
    ("ServiceUnavailable", ANY, Unavailable),
    ("SomethingNew", ANY, Unavailable),
    ("SlowDown", ANY, Throttled),
    ("NoSuchUpload", ANY, NotFound),
    ("AccessDenied", ANY, Denied),
    ("EntityTooSmall", ANY, Unsupported),
    ("PreconditionFailed", ABSENT, AlreadyExists),
    ("PreconditionFailed", Matches('"1"'), PreconditionFailed),
    ("NoSuchKey", Matches('"1"'), PreconditionFailed),
]


@pytest.mark.parametrize(("code", "expect", "error"), LATE, ids=str)
def test_an_error_behind_the_status_of_a_success_is_that_error(
    host: Host, code: str, expect: Expectation, error: type[PortableError]
) -> None:
    host.answers["POST"] = b'<?xml version="1.0" encoding="UTF-8"?>\n   \n<Error><Code>%s</Code></Error>' % code.encode()
    upload = host.open().begin("key")
    upload.part(0, b"data")
    with pytest.raises(error) as raised:
        upload.commit(expect)
    assert type(raised.value) is error
    assert code in str(raised.value)


def test_a_host_that_works_for_long_may_send_white_space_before_its_answer(host: Host) -> None:
    host.answers["POST"] = b" \n" * 1000 + b'<?xml version="1.0" encoding="UTF-8"?>' + committed(b"<ETag>e-1</ETag>")
    upload = host.open().begin("key")
    upload.part(0, b"data")
    assert upload.commit().etag == '"e-1"'


def test_another_checksum_of_the_whole_object_is_refused(host: Host) -> None:
    host.answers["POST"] = committed(b"<ETag>e-1</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>")
    with pytest.raises(PortableError, match="checksum of the whole object is another"):
        commit(host.open())


@pytest.mark.parametrize("expect", [ANY, ABSENT, Matches('"1"')], ids=str)
def test_requests_of_an_upload_are_those_that_boto3_makes(host: Host, expect: Expectation) -> None:
    data, crc = b"123456789", spelled(0xAE8B14860A799888)
    host.answers |= {"POST": committed(b"<ETag>1</ETag>"), "GET": parts(b"")}
    attributes = Attributes(content_type="text/csv", cache_control="no-store", metadata={"name": "a value"})
    backend = host.open(storage_class="STANDARD_IA")
    upload = backend.begin("a b/ü", attributes=attributes)
    upload.part(0, data)
    upload.staged()
    upload.commit(expect)
    backend.resume("a b/ü", upload.token).abort()
    ours = [asked for asked in host.answering.asked if asked.method != "PUT"]
    host.answering.asked.clear()

    client = boto3.client(
        "s3",
        endpoint_url=host.answering.endpoint,
        region_name="eu-1",
        aws_access_key_id="AK",
        aws_secret_access_key="SK",
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    at = {"Bucket": "bucket", "Key": "a b/ü"}
    listed = {"Parts": [{"PartNumber": 1, "ETag": '"1"', "ChecksumCRC64NVME": crc}]}
    conditions = {ANY: {}, ABSENT: {"IfNoneMatch": "*"}}.get(expect, {"IfMatch": '"1"'})
    client.create_multipart_upload(
        **at,
        ContentType="text/csv",
        CacheControl="no-store",
        Metadata={"name": "a value"},
        StorageClass="STANDARD_IA",
        ChecksumAlgorithm="CRC64NVME",
        ChecksumType="FULL_OBJECT",
    )
    at["UploadId"] = upload.token
    client.list_parts(**at, PartNumberMarker=0)
    client.complete_multipart_upload(
        **at, **conditions, MultipartUpload=listed, ChecksumCRC64NVME=crc, ChecksumType="FULL_OBJECT"
    )
    client.list_parts(**at, PartNumberMarker=0)
    client.abort_multipart_upload(**at)
    client.close()
    assert list(map(essence, ours)) == list(map(essence, host.answering.asked))


def essence(asked: Asked) -> tuple[object, ...]:
    """Return what of a request is the host's to act on."""
    place = urlsplit(asked.target)
    signed = ("x-amz-date", "x-amz-content-sha256")
    headers = {
        name: value
        for name, value in asked.headers.items()
        if (name.startswith(("x-amz-", "if-", "content-t", "cache-")) and name not in signed)
    }
    body = canonicalize(asked.body.decode()) if asked.body else ""
    return asked.method, place.path, sorted(parse_qsl(place.query, keep_blank_values=True)), headers, body


def test_an_etag_is_sent_back_as_it_was_told() -> None:
    etags = ['"1"', "2", "<&>", '"ü"']
    body = fromstring(s3_multipart.completion([(etag, None) for etag in etags]))  # noqa: S314  # of our own making
    assert [element.text for element in body.iterfind(".//{*}ETag")] == etags
    assert body.find(".//{*}ChecksumCRC64NVME") is None


@pytest.mark.parametrize("call", [begin, commit, resume, unfinished])
def test_an_upload_needs_no_boto3(host: Host, monkeypatch: pytest.MonkeyPatch, call: Callable[[S3Backend], object]) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(boto3_edge, "client", refuse)
    host.answers |= {"POST": committed(b"<ETag>1</ETag>"), "GET": parts(PART), "GET uploads": uploads(UPLOAD)}
    call(host.open())


@pytest.fixture
def place(seaweedfs: SeaweedFS, bucket: str) -> Place:
    """Name a bucket of SeaweedFS."""
    return Place(seaweedfs, bucket, "seaweedfs")


@pytest.mark.parametrize("verb", ["begin", "commit"])
def test_an_answer_that_trickles_ends_with_the_bound(place: Place, verb: str) -> None:
    with place.behind_proxy(bound=2.0) as (backend, proxy):
        upload = backend.begin("key")
        upload.part(0, b"data")
        proxy.rules = [Rule(SlowBody(20), method="POST")]
        started = time.monotonic()
        with pytest.raises(Unavailable):
            backend.begin("key") if verb == "begin" else upload.commit()
        assert time.monotonic() - started < 3.0


def test_keys_of_uploads_are_asked_for_as_they_are(host: Host) -> None:
    host.answers["GET uploads"] = uploads(UPLOAD.replace(b">k<", b">a+b%20c<"))
    assert [found.key for found in host.open().unfinished()] == ["a+b%20c"]
    assert "encoding-type" not in host.answering.asked[-1].target


def test_keys_of_uploads_are_asked_for_encoded_where_one_is_no_xml(host: Host) -> None:
    host.answers["GET uploads"] = uploads(UPLOAD.replace(b">k<", b">\x01<"))
    host.answers["GET encoded"] = uploads(b"<EncodingType>url</EncodingType>" + UPLOAD.replace(b">k<", b">%01+%2B<"))
    assert [found.key for found in host.open().unfinished()] == ["\x01 +"]
