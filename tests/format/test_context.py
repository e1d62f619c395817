"""The encryption context: which place a message belongs to."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ContextMismatch, InvalidKey, MalformedMessage
from portable.format import context
from tests.format.samples import CONTEXT_KEY, VOLUME_ID

keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SLOT = bytes(range(192))


def entries(key: str) -> dict[str, str]:
    return context.build(place=context.place(CONTEXT_KEY, VOLUME_ID, key), slot=SLOT)


@given(keys)
def test_a_place_is_the_hmac_that_is_documented(key: str) -> None:
    expected = hmac.new(CONTEXT_KEY, VOLUME_ID + key.encode("utf-8"), hashlib.sha256).digest()
    assert context.place(CONTEXT_KEY, VOLUME_ID, key) == base64.b64encode(expected).decode()


@given(keys, keys)
def test_a_message_is_accepted_at_its_own_key_alone(written: str, asked: str) -> None:
    context.verify_place(entries(written), CONTEXT_KEY, VOLUME_ID, written)
    if asked != written:
        with pytest.raises(ContextMismatch, match="--root"):
            context.verify_place(entries(written), CONTEXT_KEY, VOLUME_ID, asked)


def test_keys_that_look_alike_are_different_places() -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    with pytest.raises(ContextMismatch):
        context.verify_place(entries(composed), CONTEXT_KEY, VOLUME_ID, decomposed)


def test_another_volume_or_another_context_key_is_another_place() -> None:
    with pytest.raises(ContextMismatch):
        context.verify_place(entries("a"), CONTEXT_KEY, bytes(16), "a")
    with pytest.raises(ContextMismatch):
        context.verify_place(entries("a"), bytes(32), VOLUME_ID, "a")


def test_the_lengths_do_not_depend_on_what_is_said() -> None:
    sizes = {tuple(map(len, entries("k" * length).values())) for length in (0, 1, 100, 1024)}
    assert sizes == {(44, 256)}
    assert context.volume_header_length(49) == 554


def test_the_slot_comes_back() -> None:
    assert context.slot(entries("a")) == SLOT


@pytest.mark.parametrize(
    "altered",
    [
        {},
        {"portable": entries("a")["portable"]},
        {**entries("a"), "other": ""},
        {**entries("a"), "portable": ""},
        {**entries("a"), "portable": "é" * 44},
        {**entries("a"), "portable": entries("a")["portable"] + "\n"},
        # The last digit before the padding has two bits that decode to nothing.
        {**entries("a"), "portable": "A" * 42 + "B="},
    ],
)
def test_a_context_that_no_volume_writes_is_refused(altered: dict[str, str]) -> None:
    with pytest.raises(MalformedMessage, match="not an object of a volume"):
        context.verify_place(altered, CONTEXT_KEY, VOLUME_ID, "a")


@pytest.mark.parametrize("text", ["", "AAAA", "=" * 256, "A" * 255 + "\n"])
def test_what_is_no_slot_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage, match="portable-meta"):
        context.slot({"portable": "", "portable-meta": text})


def test_a_key_that_utf_8_cannot_express_is_refused() -> None:
    with pytest.raises(InvalidKey, match="UTF-8"):
        context.place(CONTEXT_KEY, VOLUME_ID, "a\udcff")


def test_what_has_a_fixed_length_is_held_to_it() -> None:
    for context_key, volume_id in ((b"", VOLUME_ID), (CONTEXT_KEY, b"")):
        with pytest.raises(ValueError, match="bytes, this one 0"):
            context.place(context_key, volume_id, "a")
    with pytest.raises(ValueError, match="a metadata slot has 192 bytes"):
        context.build(place="", slot=b"short")
