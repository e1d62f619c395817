"""Signed documents: what is accepted is exactly what the pinned authority signed for this purpose."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ConfigurationError, PortableError, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.signed import DOCUMENT_LIMIT, sign, verify
from tests.keys.documents import edited, flipped

AUTHORITY = Authority(bytes(32))
STRANGER = Authority(b"\x01" * 32)
PAYLOAD = b'{"answer": 42}'
DOCUMENT = sign(PAYLOAD, AUTHORITY, "keyring")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_the_payload_comes_back_byte_for_byte_with_its_authority() -> None:
    assert verify(DOCUMENT, "keyring", AUTHORITY.fingerprint) == (PAYLOAD, AUTHORITY.public)


def test_without_a_pin_the_caller_learns_who_signed() -> None:
    assert verify(DOCUMENT, "keyring")[1].fingerprint == AUTHORITY.fingerprint


def test_both_signatures_verify_by_the_written_recipe() -> None:
    content = json.loads(DOCUMENT)
    keys = {name: base64.b64decode(value) for name, value in content["authority"].items()}
    signatures = {name: base64.b64decode(value) for name, value in content["signatures"].items()}
    message = b"portable/v1/signed/keyring\0" + bytes.fromhex(AUTHORITY.fingerprint.removeprefix("sha256:")) + PAYLOAD
    Ed25519PublicKey.from_public_bytes(keys["ed25519"]).verify(signatures["ed25519"], message)
    MLDSA65PublicKey.from_public_bytes(keys["mldsa65"]).verify(
        signatures["mldsa65"], message, context=b"portable/v1/signed/keyring"
    )


def test_a_document_of_one_purpose_is_refused_for_another() -> None:
    with pytest.raises(UntrustedSignature):
        verify(sign(PAYLOAD, AUTHORITY, "catalog"), "keyring", AUTHORITY.fingerprint)


def test_a_strangers_document_is_refused_when_an_authority_is_pinned() -> None:
    with pytest.raises(UntrustedSignature, match="pinned authority"):
        verify(sign(PAYLOAD, STRANGER, "keyring"), "keyring", AUTHORITY.fingerprint)


def set_to(*path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = value

    return apply


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        del content[path[-1]]

    return apply


def flip(*path: str, bit: int = 0) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = flipped(content[path[-1]], bit)

    return apply


FOREIGN = json.loads(sign(PAYLOAD, STRANGER, "keyring"))


@pytest.mark.parametrize("bit", [0, 7, 100])
@pytest.mark.parametrize(
    "path",
    [("payload",), ("signatures", "ed25519"), ("signatures", "mldsa65"), ("authority", "ed25519"), ("authority", "mldsa65")],
)
def test_an_altered_bit_anywhere_is_refused_with_and_without_a_pin(path: tuple[str, ...], bit: int) -> None:
    altered = edited(DOCUMENT, flip(*path, bit=bit))
    for pin in (None, AUTHORITY.fingerprint):
        with pytest.raises(UntrustedSignature):
            verify(altered, "keyring", pin)


@pytest.mark.parametrize(
    "edit",
    [
        without("signatures"),
        without("signatures", "ed25519"),
        without("signatures", "mldsa65"),
        set_to("signatures", "ed25519", value=None),
        set_to("signatures", "mldsa65", value=""),
        set_to("signatures", value=FOREIGN["signatures"]),
        set_to("signatures", "ed25519", value=FOREIGN["signatures"]["ed25519"]),
        set_to("signatures", "mldsa65", value=FOREIGN["signatures"]["mldsa65"]),
        set_to("authority", "mldsa65", value=FOREIGN["authority"]["mldsa65"]),
        without("authority"),
        without("version"),
        set_to("version", value=0),
        set_to("version", value=2),
        set_to("version", value="1"),
        set_to("comment", value="an unknown field"),
        set_to("signatures", "rsa", value=""),
    ],
)
def test_a_document_with_a_missing_foreign_or_unknown_part_is_refused(edit: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(UntrustedSignature):
        verify(edited(DOCUMENT, edit), "keyring")


def test_a_key_signed_for_alone_does_not_pass_in_another_pair() -> None:
    """The strangers swap one half of the key pair and sign with the half that they hold."""

    def splice(content: dict[str, Any]) -> None:
        content["authority"]["mldsa65"] = FOREIGN["authority"]["mldsa65"]
        content["signatures"]["mldsa65"] = FOREIGN["signatures"]["mldsa65"]

    with pytest.raises(UntrustedSignature):
        verify(edited(DOCUMENT, splice), "keyring")


def test_a_later_version_is_named_as_such() -> None:
    with pytest.raises(UntrustedSignature, match="version 2; this program reads version 1"):
        verify(b'{"version": 2, "envelope": "of a new kind"}', "keyring")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'"\xff"',
        b'{"a":' + b"[" * 100_000,
        b'{"version": 1e999}',
        b" " * (DOCUMENT_LIMIT + 1),
    ],
    ids=["empty", "null", "list", "object", "not text", "broken text", "deep", "huge number", "over the limit"],
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(UntrustedSignature):
        verify(document, "keyring")


@pytest.mark.parametrize("pin", ["", "sha256:", "md5:0", AUTHORITY.fingerprint.upper(), AUTHORITY.fingerprint + "\n"])
def test_a_pin_that_is_no_fingerprint_is_a_configuration_error(pin: str) -> None:
    with pytest.raises(ConfigurationError, match="fingerprint"):
        verify(DOCUMENT, "keyring", pin)


def test_a_fingerprint_has_one_fixed_length() -> None:
    assert len(AUTHORITY.fingerprint) == len(STRANGER.fingerprint) == 71


@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing_but_an_error_of_this_package(data: bytes) -> None:
    with pytest.raises(PortableError):
        verify(data, "keyring")


@given(st.integers(min_value=0, max_value=len(DOCUMENT) - 1), st.binary(max_size=4), st.integers(min_value=0, max_value=40))
def test_mutated_text_never_gives_another_payload(position: int, inserted: bytes, removed: int) -> None:
    mutated = DOCUMENT[:position] + inserted + DOCUMENT[position + removed :]
    try:
        payload, authority = verify(mutated, "keyring", AUTHORITY.fingerprint)
    except PortableError:
        return
    assert (payload, authority) == (PAYLOAD, AUTHORITY.public)


@given(
    st.sampled_from(
        [
            ("version",),
            ("authority",),
            ("payload",),
            ("signatures",),
            ("authority", "ed25519"),
            ("signatures", "mldsa65"),
            ("new",),
        ]
    ),
    JSON_VALUES,
)
def test_any_json_in_any_field_never_gives_another_payload(path: tuple[str, ...], value: object) -> None:
    try:
        payload, authority = verify(edited(DOCUMENT, set_to(*path, value=value)), "keyring", AUTHORITY.fingerprint)
    except PortableError:
        return
    assert (payload, authority) == (PAYLOAD, AUTHORITY.public)
