"""The keys of a volume: derived as written, named in headers, and exported without the volume secret."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ConfigurationError, ContextMismatch, IntegrityError, KeysError, MalformedMessage, UnknownEpoch
from portable.keys.export import export_volume_key
from portable.keys.volume_keys import EpochKey, VolumeKeys, VolumeRecord

LAKE = VolumeKeys.generate("lake")


def epoch(identifier: int, state: str) -> EpochKey:
    return msgspec.convert(
        {"id": bytes([identifier] * 8), "key": bytes([identifier] * 32), "state": state, "created": datetime.now(UTC)}, EpochKey
    )


def with_epochs(*epochs: EpochKey) -> VolumeKeys:
    return VolumeKeys(msgspec.structs.replace(LAKE.record, epochs=epochs))


def hkdf_sha512(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 for at most one block of output."""
    return hmac.digest(hmac.digest(salt, secret, "sha512"), info + b"\x01", "sha512")[:length]


@pytest.mark.parametrize(("purpose", "length"), [("context", 32), ("digest", 32), ("names", 64)])
def test_derived_keys_follow_the_written_recipe(purpose: str, length: int) -> None:
    expected = hkdf_sha512(LAKE.record.secret, LAKE.volume_id, b"portable/v1/" + purpose.encode(), length)
    assert getattr(LAKE, f"{purpose}_key") == expected


def test_a_key_name_is_the_volume_and_the_epoch() -> None:
    name = LAKE.key_name(LAKE.active_epoch)
    assert name.decode() == f"{LAKE.volume_id.hex()}/{LAKE.active_epoch.id.hex()}"
    assert len(name) == 49
    assert LAKE.wrapping_key_for(name) == LAKE.active_epoch.key


def test_an_earlier_epoch_still_opens() -> None:
    keys = with_epochs(epoch(1, "readable"), epoch(2, "active"))
    assert keys.active_epoch.id == bytes([2] * 8)
    assert keys.wrapping_key_for(keys.key_name(keys.epoch(bytes([1] * 8)))) == bytes([1] * 32)


def test_a_compromised_epoch_opens_nothing() -> None:
    keys = with_epochs(epoch(1, "compromised"), epoch(2, "active"))
    with pytest.raises(KeysError, match="compromised"):
        keys.wrapping_key_for(keys.key_name(keys.epoch(bytes([1] * 8))))


def test_the_cipher_of_an_epoch_is_made_once_and_refused_like_its_key() -> None:
    name = LAKE.key_name(LAKE.active_epoch)
    cipher = LAKE.wrapping_cipher_for(name)
    assert cipher is LAKE.wrapping_cipher_for(name)
    assert cipher.encrypt(bytes(12), b"", b"x") == AESGCM(LAKE.wrapping_key_for(name)).encrypt(bytes(12), b"", b"x")
    with pytest.raises(UnknownEpoch):
        LAKE.wrapping_cipher_for(f"{LAKE.volume_id.hex()}/{bytes(8).hex()}".encode())


def test_a_key_name_of_another_volume_is_a_context_mismatch() -> None:
    other = VolumeKeys.generate("other")
    with pytest.raises(ContextMismatch, match=other.volume_id.hex()):
        LAKE.wrapping_key_for(other.key_name(other.active_epoch))


def test_an_unknown_epoch_is_named() -> None:
    with pytest.raises(UnknownEpoch, match="0000000000000000"):
        LAKE.wrapping_key_for(f"{LAKE.volume_id.hex()}/{bytes(8).hex()}".encode())
    with pytest.raises(UnknownEpoch):
        LAKE.epoch(bytes(8))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_key_name_are_malformed(name: bytes) -> None:
    with pytest.raises(MalformedMessage):
        LAKE.wrapping_key_for(name)


@pytest.mark.parametrize("change", [bytes.upper, lambda name: name + b"\n", lambda name: name[:-1]])
def test_only_the_one_written_form_of_a_key_name_is_accepted(change: Any) -> None:
    with pytest.raises(IntegrityError):
        LAKE.wrapping_key_for(change(b"ab" * 16 + b"/" + b"cd" * 8))


@pytest.mark.parametrize("name", ["a", "lake", "Lake-2.raw_1", "9" * 63])
def test_names_that_fit_a_url_are_accepted(name: str) -> None:
    assert VolumeKeys.generate(name).name == name


@pytest.mark.parametrize("name", ["", ".", "-a", "a/b", "a b", "a\n", "é", "a" * 64, "a:b", "a@b"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a volume"):
        VolumeKeys.generate(name)


@pytest.mark.parametrize("length", [0, 4095, (16 << 20) + 1])
def test_a_frame_length_outside_the_profile_is_refused(length: int) -> None:
    with pytest.raises(ConfigurationError, match="frame length"):
        VolumeKeys.generate("lake", frame_length=length)


@pytest.mark.parametrize(
    "epochs", [[], [epoch(1, "readable")], [epoch(1, "active"), epoch(2, "active")], [epoch(1, "active"), epoch(1, "readable")]]
)
def test_a_volume_has_exactly_one_active_epoch_and_no_id_twice(epochs: list[EpochKey]) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(LAKE.record))
    stored["epochs"] = json.loads(msgspec.json.encode(epochs))
    with pytest.raises(msgspec.ValidationError, match="epoch"):
        msgspec.convert(stored, VolumeRecord)


def test_an_export_holds_every_epoch_key_by_its_name_and_no_volume_secret() -> None:
    keys = with_epochs(epoch(1, "readable"), epoch(2, "active"))
    text = export_volume_key(keys)
    exported = json.loads(text)
    assert exported["namespace"] == "portable"
    assert exported["algorithm"] == "AES_256_GCM_IV12_TAG16_NO_PADDING"
    for entry in exported["epochs"]:
        assert base64.b64decode(entry["key"]) == keys.wrapping_key_for(entry["key_name"].encode())
    assert [entry["state"] for entry in exported["epochs"]] == ["readable", "active"]
    for secret in (keys.record.secret, keys.context_key, keys.digest_key, keys.names_key):
        assert base64.b64encode(secret) not in text
        assert secret.hex().encode() not in text
