"""The header's bytes: one encoding, strictly read, whatever they claim."""

import struct
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import MalformedMessage
from portable.format.header import (
    FRAME_LENGTHS,
    MAX_CONTEXT_LENGTH,
    MAX_HEADER_LENGTH,
    MAX_NAME_LENGTH,
    WrappedDataKey,
    encode_body,
    encode_context,
    header_length,
    needed,
    parse,
)

ID = bytes(range(32))
COMMITMENT = bytes(range(32, 64))
TAG = b"t" * 16
WRAPPED = WrappedDataKey(b"portable", b"volume/epoch", b"i" * 12, b"w" * 48)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def build(context: Mapping[str, str] | bytes = b"", wrapped: WrappedDataKey = WRAPPED, frame_length: int = 4096) -> bytes:
    raw = context if isinstance(context, bytes) else encode_context(context)
    return encode_body(ID, raw, wrapped, frame_length, COMMITMENT) + TAG


def text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


@given(st.dictionaries(texts, texts), st.binary(max_size=256), st.binary(max_size=256), st.sampled_from([4096, 2**18, 2**24]))
def test_what_was_built_is_parsed_and_serialized_again(
    context: dict[str, str], namespace: bytes, name: bytes, frame_length: int
) -> None:
    wrapped = WrappedDataKey(namespace, name, b"i" * 12, b"w" * 48)
    data = build(context, wrapped, frame_length)

    header = parse(data + b"frames")

    assert (header.message_id, header.commitment, header.tag) == (ID, COMMITMENT, TAG)
    assert (header.context, header.wrapped, header.frame_length) == (context, wrapped, frame_length)
    assert header.serialize() == data
    assert header.length == len(data) == header_length(len(header.context_bytes), len(namespace), len(name))


@given(st.dictionaries(texts, texts, max_size=3), st.data())
def test_a_prefix_says_how_much_more_is_needed_until_it_is_the_header(context: dict[str, str], data: st.DataObject) -> None:
    header = build(context)
    message = header + bytes(2000)
    held = data.draw(st.integers(0, len(header)))
    requests = 0
    while held < (wanted := needed(message[:held])):
        with pytest.raises(MalformedMessage, match=r"the header is cut"):
            parse(message[:held])
        assert wanted <= len(header)
        held, requests = wanted, requests + 1

    assert wanted == len(header)
    assert requests <= 4


def test_the_layout_is_the_one_that_is_documented() -> None:
    assert build({"b": "2", "a": "1"}) == (
        b"\x02\x04\x78" + ID + b"\x00\x0e" + b"\x00\x02" + b"\x00\x01a\x00\x011" + b"\x00\x01b\x00\x012" + b"\x00\x01"
        b"\x00\x08portable" + b"\x00\x20volume/epoch\x00\x00\x00\x80\x00\x00\x00\x0c" + b"i" * 12 + b"\x00\x30" + b"w" * 48
        + b"\x02\x00\x00\x10\x00" + COMMITMENT + TAG
    )  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"\x01", "message format version"),
        (1, b"\x05\x78", "algorithm suite"),
        (1, b"\x01\x78", "algorithm suite"),
        (35, b"\x00\x02\x00\x00", "no entries"),
        (35, struct.pack(">H", MAX_CONTEXT_LENGTH + 1), "encryption context"),
        (37, b"\x00\x00", "number of wrapped data keys"),
        (37, b"\x00\x02", "number of wrapped data keys"),
        (37, b"\xff\xff", "number of wrapped data keys"),
        (39, struct.pack(">H", MAX_NAME_LENGTH + 1), "namespace"),
        (49, b"\x00\x13", "name of the wrapping key"),
        (49, b"\xff\xff", "name of the wrapping key"),
        (63, b"\x00\x00\x00\x60", "128-bit tag"),
        (67, b"\x00\x00\x00\x10", "12-byte IV"),
        (83, b"\x00\x31", "wrapped data key"),
        (133, b"\x01", "content type"),
        (134, b"\x00\x00\x00\x00", "frames of 0 bytes"),
        (134, b"\x00\x00\x0f\xff", "frames of 4095 bytes"),
        (134, b"\x01\x00\x00\x01", "frames of 16777217 bytes"),
        (134, b"\xff\xff\xff\xff", "frames of 4294967295 bytes"),
    ],
)
def test_a_field_outside_the_profile_is_refused_by_name(offset: int, value: bytes, reason: str) -> None:
    altered = bytearray(build())
    altered[offset : offset + len(value)] = value
    with pytest.raises(MalformedMessage, match=reason):
        parse(altered + bytes(200))


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (b"\x00\x02" + text(b"b") + text(b"") + text(b"a") + text(b""), "not in order"),
        (b"\x00\x02" + text(b"a") + text(b"1") + text(b"a") + text(b"2"), "repeats a name"),
        (b"\x00\x01" + text(b"a") + text(b"1") + b"\x00", "bytes behind"),
        (b"\x00\x00", "no entries"),
        (b"\x00", "shorter than its entries"),
        (b"\x00\x02" + text(b"a") + text(b"1"), "shorter than its entries"),
        (b"\x00\x01" + text(b"a") + b"\x00\x02b", "accepted|shorter"),
        (b"\x00\x01" + text(b"\xff") + text(b""), "not UTF-8"),
        (b"\x00\x01" + text(b"a") + text(b"\xed\xa0\x80"), "not UTF-8"),
    ],
)
def test_a_context_that_is_not_in_its_one_encoding_is_refused(context: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        parse(build(context))


@given(st.binary(max_size=600), st.integers(0, 300))
def test_whatever_bytes_stand_there_they_parse_or_are_malformed(noise: bytes, at: int) -> None:
    data = bytearray(build({"a": "1"}))
    data[at : at + len(noise)] = noise
    try:
        header = parse(data)
    except MalformedMessage:
        return
    assert data.startswith(header.serialize())
    assert header.frame_length in FRAME_LENGTHS


def test_no_more_than_the_longest_header_is_read_of_a_huge_message() -> None:
    message = bytearray(64 * 1024 * 1024)
    start = build()
    message[: len(start)] = start
    tracemalloc.start()
    try:
        parse(message)
        assert tracemalloc.get_traced_memory()[1] < 20 * MAX_HEADER_LENGTH
    finally:
        tracemalloc.stop()


def test_what_would_not_be_read_is_not_written() -> None:
    with pytest.raises(ValueError, match=str(MAX_CONTEXT_LENGTH)):
        encode_context({"a": "x" * MAX_CONTEXT_LENGTH})
    with pytest.raises(ValueError, match=str(MAX_NAME_LENGTH)):
        build(wrapped=WrappedDataKey(b"portable", b"n" * (MAX_NAME_LENGTH + 1), b"i" * 12, b"w" * 48))
    with pytest.raises(UnicodeEncodeError):
        encode_context({"a": "\ud800"})
