"""Keyrings: read, unlocked, changed and saved, and what is refused before anything secret is touched."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    KeysError,
    PortableError,
    RefusedError,
    UnknownEpoch,
    UnlockFailed,
    UntrustedSignature,
)
from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import PassphraseIdentity, PassphraseProtector, PassphraseRecipient
from portable.keys.payload import Body, parse_payload
from portable.keys.recipient import Identity
from portable.keys.volume_keys import VolumeKeys
from tests.keys.conftest import CHEAP, PASSPHRASE, Costly
from tests.keys.documents import edited, flipped, payload_of, with_payload
from tests.keys.identities import OfAnotherKind, WithAnotherSeed

Unlock = Callable[[], UnlockedKeyring]


def resigned(document: bytes, authority: Authority, edit: Callable[[dict[str, Any]], None]) -> bytes:
    """Edit the payload and sign it again, as a faulty or newer program of the controller might."""
    payload = payload_of(document)
    edit(payload)
    return signed.sign(json.dumps(payload).encode(), authority, "keyring")


def test_what_was_saved_is_read_back(path: Path, unlock: Unlock, authority: Authority) -> None:
    unlocked = unlock()
    added = unlocked.add_volume("archive", frame_length=4096)
    unlocked.save(path, authority)
    again = unlock()
    assert [keys.name for keys in again.volumes] == ["lake", "archive"]
    assert again.generation == 3
    assert again.volume("archive").record == added.record
    assert again.volume("archive").frame_length == 4096


def test_the_file_opens_with_nothing_but_the_written_recipe(saved: bytes, unlock: Unlock, identity: Identity) -> None:
    payload = payload_of(saved)
    identifier, root_id, sealed = (base64.b64decode(payload[name]) for name in ("id", "root_id", "body"))
    root = Keyring(saved).recipients[0].unwrap(identity, keyring=identifier, root_id=root_id)
    assert root is not None
    key = HKDF(SHA512(), 32, salt=identifier, info=b"portable/v1/keyring/body").derive(root)
    place = identifier + payload["generation"].to_bytes(8, "big")
    body = json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], place))
    assert [volume["name"] for volume in body["volumes"]] == ["lake"]
    assert base64.b64decode(body["volumes"][0]["secret"]) == unlock().volume("lake").record.secret


def test_a_new_keyring_has_generation_1_and_no_predecessor(tmp_path: Path, authority: Authority) -> None:
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, CHEAP)], volumes=["lake", "archive"])
    assert unlocked.generation == 0
    unlocked.save(tmp_path / "keyring.json", authority)
    locked = Keyring.read(tmp_path / "keyring.json", authority=authority.fingerprint, minimum_generation=1)
    assert (locked.generation, locked.payload.previous_sha256) == (1, None)
    assert (tmp_path / "keyring.json").stat().st_mode & 0o777 == 0o600


def test_each_generation_names_the_payload_before_it(path: Path, saved: bytes, unlock: Unlock, authority: Authority) -> None:
    unlock().save(path, authority)
    before = base64.b64decode(json.loads(saved)["payload"])
    assert Keyring.read(path).payload.previous_sha256 == hashlib.sha256(before).digest()


def test_the_previous_generation_is_kept_beside_the_new_one(
    path: Path, saved: bytes, unlock: Unlock, authority: Authority
) -> None:
    unlock().save(path, authority)
    assert path.with_name("keyring.json.prev").read_bytes() == saved


def test_every_save_of_one_object_is_the_next_generation(path: Path, unlock: Unlock, authority: Authority) -> None:
    unlocked = unlock()
    for name in ("first", "second"):
        unlocked.add_volume(name)
        unlocked.save(path, authority)
    assert Keyring.read(path, minimum_generation=4).generation == 4


def test_reading_without_a_pin_tells_whose_keyring_it_is(path: Path, authority: Authority) -> None:
    assert Keyring.read(path).authority.fingerprint == authority.fingerprint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        Keyring.read(tmp_path / "nowhere.json")


# What a host can try with a copy of a keyring: refused before any unwrapping and any derivation.


def replaced_recipient(payload: dict[str, Any]) -> None:
    stranger = Keyring.create(Authority(b"\x01" * 32), recipients=[PassphraseRecipient(PASSPHRASE, CHEAP)])
    payload["recipients"] = msgspec.to_builtins(stranger.recipients)


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "an altered body": with_payload(lambda payload: payload.update(body=flipped(payload["body"], 200))),
    "a raised generation": with_payload(lambda payload: payload.update(generation=99)),
    "an added recipient": with_payload(lambda payload: payload["recipients"].append(payload["recipients"][0])),
    "a removed recipient": with_payload(lambda payload: payload.update(recipients=[])),
    "a substituted public key": with_payload(
        lambda payload: payload["recipients"][0].update(public_key=flipped(payload["recipients"][0]["public_key"]))
    ),
    "an altered wrapped root key": with_payload(
        lambda payload: payload["recipients"][0].update(wrapped_root=flipped(payload["recipients"][0]["wrapped_root"]))
    ),
    "a planted recipient": with_payload(replaced_recipient),
    "weak passphrase parameters": with_payload(
        lambda payload: payload["recipients"][0]["protector"]["argon2"].update(memory_mib=1)
    ),
    "endless passphrase parameters": with_payload(
        lambda payload: payload["recipients"][0]["protector"]["argon2"].update(memory_mib=1 << 40, passes=1 << 40)
    ),
    "an altered signature": lambda content: content["signatures"].update(ed25519=flipped(content["signatures"]["ed25519"])),
    "no signatures": lambda content: content.pop("signatures"),
    "a later version": lambda content: content.update(version=2),
}


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "not pinned"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_copy_is_refused_before_anything_is_opened(
    path: Path, saved: bytes, authority: Authority, costly: Costly, forgery: str, *, pinned: bool
) -> None:
    path.write_bytes(edited(saved, FORGERIES[forgery]))
    costly.steps.clear()
    with pytest.raises(UntrustedSignature, match=r"keyring\.json"):
        Keyring.read(path, authority=authority.fingerprint if pinned else None)
    assert costly.steps == []


def test_a_planted_keyring_of_a_stranger_is_refused_before_anything_is_opened(
    tmp_path: Path, authority: Authority, costly: Costly
) -> None:
    stranger = Authority.generate()
    planted = Keyring.create(stranger, recipients=[PassphraseRecipient(PASSPHRASE, CHEAP)], volumes=["lake"])
    planted.save(tmp_path / "keyring.json", stranger)
    costly.steps.clear()
    with pytest.raises(UntrustedSignature, match="pinned authority"):
        Keyring.read(tmp_path / "keyring.json", authority=authority.fingerprint)
    assert costly.steps == []


def test_an_older_generation_is_refused_before_anything_is_opened(
    path: Path, unlock: Unlock, authority: Authority, saved: bytes, costly: Costly
) -> None:
    unlock().save(path, authority)
    seen = Keyring.read(path).generation
    path.write_bytes(saved)
    costly.steps.clear()
    with pytest.raises(UntrustedSignature, match="generation 3 has been seen"):
        Keyring.read(path, authority=authority.fingerprint, minimum_generation=seen)
    assert costly.steps == []


def test_a_catalog_entry_is_no_keyring(saved: bytes, authority: Authority) -> None:
    payload = base64.b64decode(json.loads(saved)["payload"])
    with pytest.raises(UntrustedSignature):
        Keyring(signed.sign(payload, authority, "catalog"))


@pytest.mark.parametrize(
    "edit",
    [
        lambda payload: payload["recipients"][0]["protector"]["argon2"].update(memory_mib=32),
        lambda payload: payload["recipients"][0]["protector"]["argon2"].update(passes=1000),
        lambda payload: payload["recipients"][0]["protector"].update(type="transit"),
        lambda payload: payload["recipients"][0].update(type="x25519"),
        lambda payload: payload.update(recipients=[]),
        lambda payload: payload.update(recipients=payload["recipients"] * 257),
        lambda payload: payload.update(generation=0),
        lambda payload: payload.update(generation=1 << 64),
        lambda payload: payload.update(id="AAAA"),
        lambda payload: payload.update(shares=[]),
    ],
    ids=[
        "weak parameters",
        "costly parameters",
        "unknown protector",
        "unknown key type",
        "no recipient",
        "too many recipients",
        "generation 0",
        "huge generation",
        "short id",
        "unknown field",
    ],
)
def test_a_signed_payload_of_another_shape_is_refused_before_anything_is_opened(
    saved: bytes, authority: Authority, costly: Costly, edit: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(KeysError):
        Keyring(resigned(saved, authority, edit), authority=authority.fingerprint)
    assert costly.steps == []


# Opening.


def test_a_wrong_passphrase_is_tried_once_on_each_recipient(path: Path, costly: Costly) -> None:
    with pytest.raises(UnlockFailed, match="wrong passphrase"):
        Keyring.read(path).unlock(PassphraseIdentity("wrong"))
    assert costly.steps == ["argon2id"]


def test_either_of_two_recipients_opens_the_same_keyring(tmp_path: Path, authority: Authority) -> None:
    other = "another person's passphrase"
    recipients = [PassphraseRecipient(PASSPHRASE, CHEAP), PassphraseRecipient(other, CHEAP)]
    unlocked = Keyring.create(authority, recipients=recipients, volumes=["lake"])
    unlocked.save(tmp_path / "keyring.json", authority)
    locked = Keyring.read(tmp_path / "keyring.json")
    opened = [locked.unlock(PassphraseIdentity(word)).volume("lake").record for word in (PASSPHRASE, other)]
    assert opened == [unlocked.volume("lake").record] * 2


@pytest.mark.parametrize(
    ("identity", "complaint"), [(OfAnotherKind(), "no recipient of the kind"), (WithAnotherSeed(), "another public key")]
)
def test_an_identity_that_does_not_belong_is_refused(path: Path, identity: Identity, complaint: str) -> None:
    with pytest.raises(KeysError, match=complaint):
        Keyring.read(path).unlock(identity)


def test_a_keyring_without_a_recipient_is_not_made(authority: Authority) -> None:
    with pytest.raises(KeysError, match="without a recipient"):
        Keyring.create(authority, recipients=[])


def test_a_recipient_moved_to_another_keyring_does_not_open_there(saved: bytes, authority: Authority) -> None:
    moved = resigned(saved, authority, lambda payload: payload.update(id=base64.b64encode(bytes(16)).decode()))
    with pytest.raises(UnlockFailed):
        Keyring(moved).unlock(PassphraseIdentity(PASSPHRASE))


@pytest.mark.parametrize("field", ["generation", "body", "root_id"])
def test_parts_of_two_generations_do_not_open_together(
    saved: bytes, authority: Authority, identity: Identity, field: str
) -> None:
    value = {"generation": 7, "body": flipped(payload_of(saved)["body"], 200), "root_id": base64.b64encode(bytes(16)).decode()}
    mixed = resigned(saved, authority, lambda payload: payload.update({field: value[field]}))
    with pytest.raises(UnlockFailed):
        Keyring(mixed).unlock(identity)


def test_an_unknown_volume_is_named(unlock: Unlock) -> None:
    with pytest.raises(UnknownEpoch, match="'sea'"):
        unlock().volume("sea")


# Saving.


def test_a_volume_is_not_added_twice(unlock: Unlock) -> None:
    with pytest.raises(RefusedError, match="'lake' already"):
        unlock().add_volume("lake")


def test_a_concurrent_change_is_not_lost(path: Path, unlock: Unlock, authority: Authority) -> None:
    first, second = unlock(), unlock()
    first.add_volume("first")
    first.save(path, authority)
    second.add_volume("second")
    with pytest.raises(RefusedError, match="read it again"):
        second.save(path, authority)
    assert [keys.name for keys in unlock().volumes] == ["lake", "first"]


def test_a_keyring_that_was_moved_away_is_not_written_anew(path: Path, unlock: Unlock, authority: Authority) -> None:
    unlocked = unlock()
    path.unlink()
    with pytest.raises(RefusedError, match="it was moved"):
        unlocked.save(path, authority)
    assert not path.exists()


def test_a_new_keyring_never_overwrites_a_file(path: Path, saved: bytes, authority: Authority) -> None:
    with pytest.raises(AlreadyExists):
        Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, CHEAP)]).save(path, authority)
    assert path.read_bytes() == saved


def test_another_authority_does_not_sign_the_keyring(path: Path, saved: bytes, unlock: Unlock) -> None:
    with pytest.raises(RefusedError, match="is signed by"):
        unlock().save(path, Authority.generate())
    assert path.read_bytes() == saved


def test_a_crash_before_the_rename_leaves_the_old_keyring(
    path: Path, saved: bytes, unlock: Unlock, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = unlock()
    unlocked.add_volume("archive")

    def crash(source: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", crash)
        with pytest.raises(PortableError, match="Input/output error"):
            unlocked.save(path, authority)
    assert path.read_bytes() == saved
    assert not list(path.parent.glob("*.tmp"))
    unlocked.save(path, authority)
    assert [keys.name for keys in unlock().volumes] == ["lake", "archive"]


# What the sealed body may hold.


def test_a_body_never_holds_a_name_or_an_id_twice() -> None:
    lake = VolumeKeys.generate("lake").record
    for other in (VolumeKeys.generate("lake").record, msgspec.structs.replace(lake, name="other")):
        with pytest.raises(ValueError, match="two volumes have the same"):
            Body(volumes=(lake, other))


@given(st.binary(max_size=200))
def test_any_signed_bytes_raise_nothing_but_an_error_of_this_package(data: bytes) -> None:
    with pytest.raises(KeysError):
        parse_payload(data)


@given(position=st.integers(min_value=0, max_value=2999), inserted=st.binary(max_size=3), removed=st.integers(0, 30))
def test_any_mutated_payload_is_a_payload_or_an_error_of_this_package(position: int, inserted: bytes, removed: int) -> None:
    try:
        parse_payload(EXAMPLE[:position] + inserted + EXAMPLE[position + removed :])
    except KeysError:
        return


def example() -> bytes:
    protector = {
        "type": "passphrase",
        "argon2": {"memory_mib": 64, "passes": 3, "lanes": 4},
        "salt": bytes(16),
        "commitment": bytes(32),
        "nonce": bytes(12),
        "wrapped_seed": bytes(48),
    }
    recipient = {
        "id": bytes(16),
        "type": "mlkem768-x25519",
        "public_key": bytes(1216),
        "protector": protector,
        "wrapped_root": bytes(1168),
    }
    payload = {"id": bytes(16), "generation": 1, "previous_sha256": None, "root_id": bytes(16), "recipients": [recipient]}
    return msgspec.json.encode({**payload, "body": bytes(28)})


EXAMPLE = example()


def test_the_written_shape_of_a_payload_is_accepted() -> None:
    payload = parse_payload(EXAMPLE)
    assert isinstance(payload.recipients[0].protector, PassphraseProtector)
