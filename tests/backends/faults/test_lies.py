"""Hosts that alter, drop and invent: what can be seen is an error, and what cannot is never called confirmed."""

import base64
from collections.abc import Mapping
from contextlib import suppress

import pytest

from portable.backends.protocol import ABSENT, Backend
from portable.errors import Corrupt, NotFound, PortableError
from tests.backends.faults.conftest import BOUND, BRIEF, Host, within
from tests.servers.faults import FlipRequest, Status, StoreNothing, Truncate

BODY = bytes(range(256)) * 400

COMMITTED = b"<CompleteMultipartUploadResult><ETag>&quot;%s-1&quot;</ETag></CompleteMultipartUploadResult>" % (b"0" * 32)


def echoed(headers: Mapping[str, str], _body: bytes) -> dict[str, str]:
    """Say of every checksum in the request that it was verified."""
    return {
        name: value for name, value in headers.items() if "checksum-" in name or name in ("content-md5", "x-ms-content-crc64")
    }


def write(backend: Backend, call: str) -> None:
    if call == "put":
        backend.put("key", BODY)
    elif call == "conditional put":
        backend.put("key", BODY, expect=ABSENT)
    else:
        upload = backend.begin("key")
        upload.part(0, BODY)
        upload.commit()


@pytest.mark.parametrize("call", ["put", "conditional put", "part"])
def test_a_body_that_is_altered_on_its_way_is_refused(host: Host, call: str) -> None:
    host.fail(call.removeprefix("conditional "), FlipRequest(1000))
    with within(BOUND), pytest.raises(Corrupt):
        write(host.open(), call)
    with pytest.raises(NotFound):
        host.direct.stat("key")


@pytest.mark.parametrize("call", ["put", "conditional put", "part"])
def test_a_body_that_was_altered_once_is_sent_again(host: Host, call: str) -> None:
    host.fail(call.removeprefix("conditional "), FlipRequest(1000), times=1)
    write(host.open(), call)
    assert bytes(host.direct.get("key").data) == BODY


@pytest.mark.parametrize("expect", ["any", "absent"])
def test_an_object_that_is_dropped_is_not_confirmed(host: Host, expect: str) -> None:
    host.fail("put", StoreNothing(201))
    try:
        stat = host.open().put("key", BODY, expect=expect)  # type: ignore[arg-type]
    except PortableError:
        return
    assert stat.confirmed == "none"


def test_a_part_that_is_dropped_is_not_confirmed(host: Host) -> None:
    host.fail("part", StoreNothing(200 if host.kind == "s3" else 201))
    host.fail("commit", StoreNothing(200 if host.kind == "s3" else 201, body=lambda _: COMMITTED if host.kind == "s3" else b""))
    upload = host.open().begin("key")
    try:
        assert upload.part(0, BODY) == "none"
        stat = upload.commit()
    except PortableError:
        return
    assert stat.confirmed == "none"


def test_a_checksum_of_other_bytes_is_no_confirmation(host: Host) -> None:
    """The host says which bytes it stored, and they are not those that were sent."""

    def wrong(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        return {
            name: base64.b64encode(bytes(len(base64.b64decode(value)))).decode()
            for name, value in echoed(headers, body).items()
        }

    host.fail("put", StoreNothing(201 if host.kind == "azure" else 200, headers=wrong))
    try:
        stat = host.open().put("key", BODY)
    except PortableError:
        return
    assert stat.confirmed == "none"


def s3_page(target: str, keys: list[str], token: str) -> bytes:
    entries = "".join(
        f'<Contents><Key>{key}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>"1"</ETag><Size>1</Size></Contents>'
        for key in keys
    )
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    truncated = "true" if token else "false"
    return (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>'
        f"<KeyCount>{len(keys)}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{truncated}</IsTruncated>{entries}{more}"
        "</ListBucketResult>"
    ).encode()


def azure_page(target: str, keys: list[str], token: str) -> bytes:
    entries = "".join(
        f"<Blob><Name>{key}</Name><Properties><Last-Modified>Sun, 01 Nov 2026 00:00:00 GMT</Last-Modified><Etag>0x1</Etag>"
        "<Content-Length>1</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
        for key in keys
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://h/" ContainerName="c"><Prefix/>'
        f"<Blobs>{entries}</Blobs><NextMarker>{token}</NextMarker></EnumerationResults>"
    ).encode()


PAGES = {"s3": s3_page, "azure": azure_page}
XML = {"Content-Type": "application/xml"}


def lists(host: Host, pages: list[tuple[list[str], str]]) -> None:
    """Let the host answer these pages of keys, each with a token, and the last again and again."""
    waiting = list(pages)

    def page(target: str) -> bytes:
        keys, token = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return PAGES[host.kind](target, keys, token)

    host.proxy.rules = []
    host.fail("list", StoreNothing(200, lambda *_: XML, page))


def test_a_made_up_listing_is_read_like_any_other(host: Host) -> None:
    lists(host, [(["a", "b"], "1"), (["c"], "")])
    backend = host.open()
    assert [stat.key for stat in backend.list()] == ["a", "b", "c"]
    lists(host, [(["a", "b"], "1"), (["c"], "")])
    assert [stat.key for stat in backend.inventory()] == ["a", "b", "c"]


@pytest.mark.parametrize("verb", ["list", "inventory"])
@pytest.mark.parametrize("fault", [Status(503, "SlowDown"), Truncate(20)], ids=str)
def test_a_page_that_is_lost_in_the_middle_is_asked_for_again(host: Host, verb: str, fault: object) -> None:
    backend = host.open()
    lists(host, [(["a"], "1"), (["b"], "2"), (["c"], "")])
    host.fail("list", fault, skip=1, times=1)
    host.proxy.rules.reverse()
    assert [stat.key for stat in getattr(backend, verb)()] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["s3"])  # Azure's listings end where they name no marker: nothing else says that more follows
@pytest.mark.parametrize("verb", ["list", "inventory"])
def test_a_listing_that_does_not_say_how_to_go_on_is_an_error(host: Host, verb: str) -> None:
    true = s3_page("", ["a"], "")
    host.fail("list", StoreNothing(200, lambda *_: XML, lambda _: true.replace(b"Truncated>false", b"Truncated>true")))
    with within(1.25 * BRIEF), pytest.raises(PortableError):
        list(getattr(host.open(BRIEF), verb)())


@pytest.mark.parametrize("verb", ["list", "inventory"])
@pytest.mark.parametrize("loop", [1, 2])
def test_a_listing_that_loops_ends_in_an_error(host: Host, verb: str, loop: int) -> None:
    backend = host.open(BRIEF)
    lists(host, [*[(["a"], str(number)) for number in range(1, loop)], (["b"], "1")])
    with within(2 * BRIEF), pytest.raises(PortableError, match="repeats"):
        for _ in getattr(backend, verb)():
            pass
    assert len(host.sent("list")) < 30


@pytest.mark.parametrize("verb", ["list", "inventory"])
def test_a_listing_that_repeats_a_page_gives_no_key_twice(host: Host, verb: str) -> None:
    lists(host, [(["a", "b"], "1"), (["a", "b"], "2"), (["c"], "")])
    given: list[str] = []
    with suppress(PortableError):
        given.extend(stat.key for stat in getattr(host.open(), verb)())
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    "page",
    [b"", b"<html>Welcome</html>", b"<?xml version='1.0'?><ListBucketResult><Contents><Key>a", b"\xff\xfe garbage"],
    ids=["empty", "another page", "cut", "garbage"],
)
@pytest.mark.parametrize("verb", ["list", "inventory"])
def test_a_listing_that_is_none_is_an_error_and_not_an_empty_one(host: Host, verb: str, page: bytes) -> None:
    host.fail("list", StoreNothing(200, lambda *_: XML, lambda _: page))
    with within(2 * BRIEF), pytest.raises(PortableError):
        list(getattr(host.open(BRIEF), verb)())


@pytest.mark.parametrize("size", ["-1", "many", ""])
def test_a_size_that_is_none_is_an_error(host: Host, size: str) -> None:
    def page(target: str) -> bytes:
        true = PAGES[host.kind](target, ["a"], "")
        return true.replace(b"<Size>1<", f"<Size>{size}<".encode()).replace(b"Length>1<", f"Length>{size}<".encode())

    host.fail("list", StoreNothing(200, lambda *_: XML, page))
    with within(2 * BRIEF), pytest.raises(PortableError):
        list(host.open(BRIEF).list())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY),
        ({"Content-Range": f"bytes 0-99/{len(BODY)}"}, BODY[:100]),
        ({"Content-Range": f"bytes 100-149/{len(BODY)}"}, BODY[100:150]),
    ],
    ids=["the whole object", "another range", "a shorter range"],
)
def test_an_answer_to_another_range_is_an_error(host: Host, headers: dict[str, str], body: bytes) -> None:
    host.direct.put("key", BODY)
    status = 206 if headers else 200
    host.fail("get", StoreNothing(status, lambda *_: headers | {"x-ms-blob-type": "BlockBlob"}, lambda _: body))
    with within(1.25 * BRIEF), pytest.raises(PortableError):
        host.open(BRIEF).get("key", 100, 200)
