"""What Azure requests say, and how their answers are read; the pure part."""

import base64
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends import azure_requests as requests
from portable.backends import http_fields
from portable.backends.azure_names import check_readable, check_writable, obstacle
from portable.backends.azure_upload import new_token
from portable.backends.http1 import fields
from portable.backends.protocol import ABSENT, ANY, Attributes, Matches
from portable.backends.target import target_of
from portable.errors import InvalidKey

keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(key=keys)
def test_a_name_comes_back_from_its_url(key: str) -> None:
    target = requests.target(target_of("http://host/account/container"), key, "comp=block", "", "sig=1")
    assert str(target).isascii()
    assert unquote(target.path.removeprefix("/account/container/")) == key
    assert target.query == "comp=block&sig=1"
    assert urlsplit(str(target)).fragment == ""


def test_a_container_is_named_without_a_blob() -> None:
    container = target_of("http://host/container")
    assert str(requests.target(container, "", "a=b")) == "http://host/container?a=b"
    assert str(requests.target(container, "a")) == "http://host/container/a"


def test_conditions_are_headers() -> None:
    assert http_fields.condition(ANY) == {}
    assert http_fields.condition(ABSENT) == {"If-None-Match": "*"}
    assert http_fields.condition(Matches('"1"')) == {"If-Match": '"1"'}


def test_attributes_come_back_from_the_headers_that_the_service_makes_of_them() -> None:
    attributes = Attributes("text/csv", "no-cache", "inline", "gzip", "fr", {"name": "value"})
    written = requests.described(attributes)
    assert len(written) == 6
    answered = fields([f"{name.removeprefix('x-ms-blob-')}: {value}" for name, value in written.items()])
    assert requests.attributes(answered) == attributes
    assert requests.described(None) == requests.described(Attributes()) == {}


@given(moment=st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001  # made aware below
def test_a_date_is_read_as_it_is_written(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert http_fields.moment(format_datetime(moment, usegmt=True)) == moment


@given(text=st.text(max_size=40))
def test_what_is_no_date_is_refused(text: str) -> None:
    try:
        http_fields.moment(text)
    except (KeyError, ValueError):
        pass
    else:
        raise AssertionError


def test_a_range_asks_for_its_checksum_up_to_four_mebibytes() -> None:
    limit = 4 << 20
    assert requests.byte_range(0, None, checked=True) == {}
    assert requests.byte_range(5, None, checked=True) == {"x-ms-range": "bytes=5-"}
    assert requests.byte_range(5, 5 + limit, checked=True) == {
        "x-ms-range": f"bytes=5-{4 + limit}",
        "x-ms-range-get-content-crc64": "true",
    }
    assert requests.byte_range(5, 6 + limit, checked=True) == {"x-ms-range": f"bytes=5-{5 + limit}"}
    assert requests.byte_range(5, 6, checked=False) == {"x-ms-range": "bytes=5-5"}


@pytest.mark.parametrize("encoding", ["none-of-this-name", "hex", "idna", "utf-7"])
def test_an_answer_in_an_encoding_that_is_none_is_no_answer(encoding: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of whatever words
        requests.xml(f'<?xml version="1.0" encoding="{encoding}"?><BlockList/>'.encode())


@pytest.mark.parametrize("length", ["-5", "+5", " 5", "1_0", "\u0665", ""])
def test_a_length_is_told_in_digits_alone(length: str) -> None:
    with pytest.raises(ValueError, match="length"):
        requests.place({"content-length": length})
    block = f"<Block><Name>{requests.block_id(new_token(), 0)}</Name><Size>{length}</Size></Block>"
    with pytest.raises(ValueError, match="length"):
        requests.uncommitted(requests.xml(f"<BlockList><UncommittedBlocks>{block}</UncommittedBlocks></BlockList>".encode()))


def test_an_answer_without_an_etag_describes_no_blob() -> None:
    with pytest.raises(ValueError, match="ETag"):
        requests.stat("key", 1, {"last-modified": "Sun, 06 Nov 1994 08:49:37 GMT", "etag": ""}, None)


@given(numbers=st.sets(st.integers(0, 49_999), max_size=20))
def test_blocks_are_known_again_by_their_ids(numbers: set[int]) -> None:
    token = new_token()
    ids = {number: requests.block_id(token, number) for number in numbers}
    assert len({len(block) for block in ids.values()}) <= 1
    blocks = "".join(f"<Block><Name>{block}</Name><Size>{number}</Size></Block>" for number, block in ids.items())
    foreign = "".join(
        f"<Block><Name>{base64.b64encode(name).decode()}</Name><Size>1</Size></Block>"
        for name in (b"block-000001", b"\xff" * 38, b"g" * 38, b"0" * 39)
    )
    page = requests.xml(f"<BlockList><UncommittedBlocks>{foreign}{blocks}</UncommittedBlocks></BlockList>".encode())
    assert requests.uncommitted(page) == ({token: {number: number for number in numbers}} if numbers else {})
    listed = requests.xml(requests.block_list(ids.values()))
    assert [block.text for block in listed.iterfind("Uncommitted")] == list(ids.values())


def test_a_token_tells_when_its_upload_began_and_is_never_given_twice() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        began = requests.begun(token)
        assert began is not None
        assert abs((began - datetime.now(UTC)).total_seconds()) < 60
    assert requests.begun("other") is None


@pytest.mark.parametrize(
    "name",
    ["a.", "a./b", "a/b.", "...", "a" * 1_025, "/".join(["a"] * 255), "a//b", "/a", "a/", "a\\b", "a\x01b", "a\uffffb", ""],
    ids=lambda name: ascii(name[:20]),
)
def test_a_name_that_azure_would_change_or_refuse_is_not_written(name: str) -> None:
    assert obstacle(name)
    with pytest.raises(InvalidKey, match="not written"):
        check_writable(name, name, url="az://container")
    if name not in ("", "a\\b"):
        check_readable(name, name, url="az://container")


@pytest.mark.parametrize(
    "name", ["a.b/..c", "é" * 1_024, "/".join(["a"] * 254), " a ", "a%2Fb", "a?b#c"], ids=lambda name: ascii(name[:20])
)
def test_a_name_that_azure_keeps_is_written(name: str) -> None:
    check_writable(name, name, url="az://container")


@pytest.mark.parametrize("name", ["", ".", "..", "a/./b", "a/..", "a\\b", "\ud800"], ids=ascii)
def test_a_name_that_no_request_can_be_about_is_not_read(name: str) -> None:
    with pytest.raises(InvalidKey):
        check_readable(name, name, url="az://container")
