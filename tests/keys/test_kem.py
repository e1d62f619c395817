"""Recipients' key pairs, against the vectors of the X-Wing draft and an HPKE key schedule written from RFC 9180."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import KeysError, UnlockFailed
from portable.keys.kem import OVERHEAD, PUBLIC_KEY_LENGTH, KeyPair, seal

VECTORS = json.loads((Path(__file__).parent / "vectors" / "xwing.json").read_text())["vectors"]
SUITE = b"HPKE" + bytes.fromhex("647a 0003 0002")
PAIR = KeyPair(bytes(range(32)))


def labeled_extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(64), b"HPKE-v1" + SUITE + label + secret, hashlib.sha512)


def labeled_expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + context
    return hmac.digest(secret, info + b"\x01", hashlib.sha512)[:length]


def sealed_under(shared_secret: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Seal as RFC 9180, sections 5.1 and 5.2, says for the first message of the base mode."""
    context = b"\x00" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", info)
    secret = labeled_extract(shared_secret, b"secret", b"")
    key, nonce = labeled_expand(secret, b"key", context, 32), labeled_expand(secret, b"base_nonce", context, 12)
    return AESGCM(key).encrypt(nonce, plaintext, b"")


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["sk"][:8] for vector in VECTORS])
def test_a_seed_expands_to_the_public_key_of_the_draft(vector: dict[str, str]) -> None:
    assert KeyPair(bytes.fromhex(vector["sk"])).public_key.hex() == vector["pk"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["sk"][:8] for vector in VECTORS])
def test_what_the_draft_encapsulates_and_the_rfc_seals_opens(vector: dict[str, str]) -> None:
    body = sealed_under(bytes.fromhex(vector["ss"]), b"root", b"info")
    assert KeyPair(bytes.fromhex(vector["sk"])).open(bytes.fromhex(vector["ct"]) + body, b"info") == b"root"


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_what_is_sealed_opens(plaintext: bytes, info: bytes) -> None:
    sealed = seal(plaintext, PAIR.public_key, info)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert PAIR.open(sealed, info) == plaintext


@given(st.integers(min_value=0, max_value=(OVERHEAD + 32) * 8 - 1))
def test_no_altered_bit_goes_unnoticed(bit: int) -> None:
    sealed = bytearray(seal(bytes(32), PAIR.public_key, b"info"))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UnlockFailed):
        PAIR.open(bytes(sealed), b"info")


@pytest.mark.parametrize("length", [0, 1, 1119, 1120, 1135])
def test_a_truncated_message_does_not_open(length: int) -> None:
    with pytest.raises(UnlockFailed):
        PAIR.open(seal(b"", PAIR.public_key, b"info")[:length], b"info")


def test_a_message_opens_only_under_the_info_it_was_sealed_for() -> None:
    with pytest.raises(UnlockFailed):
        PAIR.open(seal(b"root", PAIR.public_key, b"one keyring"), b"another")


@pytest.mark.parametrize(
    "key",
    [b"", bytes(PUBLIC_KEY_LENGTH - 1), b"\xff" * PUBLIC_KEY_LENGTH, PAIR.public_key[:1184] + bytes(32)],
    ids=["empty", "short", "coefficients too large", "low order point"],
)
def test_bytes_that_are_no_public_key_are_refused(key: bytes) -> None:
    with pytest.raises(KeysError):
        seal(b"root", key, b"info")


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(KeysError):
        KeyPair(bytes(31))
