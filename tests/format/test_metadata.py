"""The metadata slot."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import IntegrityError, MalformedMessage
from portable.format.metadata import SLOT_CAPACITY, open_slot, seal_slot

METADATA_KEY, MESSAGE_ID = bytes(range(32)), bytes(range(32, 64))


def sealed_as_documented(padded: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(METADATA_KEY).encrypt(nonce, padded, MESSAGE_ID)


@given(st.binary(max_size=SLOT_CAPACITY))
def test_a_payload_comes_back_from_a_slot_of_constant_length(payload: bytes) -> None:
    slot = seal_slot(METADATA_KEY, MESSAGE_ID, payload)

    assert len(slot) == 192
    assert open_slot(METADATA_KEY, MESSAGE_ID, slot) == payload


@given(st.binary(max_size=SLOT_CAPACITY))
def test_a_slot_is_what_the_specification_says(payload: bytes) -> None:
    padded = len(payload).to_bytes(2, "big") + payload + bytes(162 - len(payload))
    assert open_slot(METADATA_KEY, MESSAGE_ID, sealed_as_documented(padded)) == payload


def test_a_payload_that_does_not_fit_is_refused() -> None:
    assert SLOT_CAPACITY == 162
    with pytest.raises(ValueError, match="163 bytes of metadata; the slot holds 162"):
        seal_slot(METADATA_KEY, MESSAGE_ID, bytes(163))


@given(st.integers(0, 191), st.integers(1, 255))
def test_an_altered_slot_is_noticed(offset: int, change: int) -> None:
    slot = bytearray(seal_slot(METADATA_KEY, MESSAGE_ID, b"{}"))
    slot[offset] ^= change
    with pytest.raises(IntegrityError):
        open_slot(METADATA_KEY, MESSAGE_ID, bytes(slot))


def test_a_slot_belongs_to_its_message() -> None:
    slot = seal_slot(METADATA_KEY, MESSAGE_ID, b"{}")
    for metadata_key, message_id in ((bytes(32), MESSAGE_ID), (METADATA_KEY, bytes(32))):
        with pytest.raises(IntegrityError):
            open_slot(metadata_key, message_id, slot)


@pytest.mark.parametrize(
    "padded",
    [
        b"\x00\x01ab".ljust(164, b"\0"),
        bytes(163) + b"\x01",
        b"\x00\xa3".ljust(164, b"x"),
        b"\xff\xff".ljust(164, b"\0"),
        b"",
        b"\0",
    ],
)
def test_an_authentic_slot_with_impossible_contents_is_refused(padded: bytes) -> None:
    with pytest.raises(MalformedMessage):
        open_slot(METADATA_KEY, MESSAGE_ID, sealed_as_documented(padded))


def test_the_same_payload_never_looks_the_same() -> None:
    assert len({seal_slot(METADATA_KEY, MESSAGE_ID, b"{}") for _ in range(20)}) == 20
