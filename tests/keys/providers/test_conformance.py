"""What holds for every way to keep a recipient's seed."""

import os
import traceback
from pathlib import Path

import msgspec
import pytest

from portable.errors import KeysError, PortableError, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.custody import CustodyProtector
from portable.keys.identity_file import IdentityFileProtector
from portable.keys.kem import KeyPair
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseProtector
from portable.keys.pkcs11 import Pkcs11Protector
from portable.keys.pkcs11_edge import TokenKey
from portable.keys.recipient import Protector
from portable.keys.transit import TransitProtector
from tests.keys.identities import OfAnotherKind
from tests.keys.providers.provider import (
    Provider,
    assert_pickles_none_of,
    assert_refused,
    assert_shows_none_of,
    saved_keyring,
)
from tests.keys.providers.tampering import tampered

BINDING = b"/recipient" + bytes(range(32))
OF_EVERY_KIND: list[Protector] = [
    PassphraseProtector(
        argon2=Argon2Parameters(), salt=bytes(32), commitment=bytes(32), nonce=bytes(12), wrapped_seed=bytes(48)
    ),
    IdentityFileProtector(key_id=bytes(32)),
    CustodyProtector(threshold=2, officers=(bytes(32), b"1" * 32), shares=((bytes(1168), bytes(1168)),), commitment=bytes(32)),
    TransitProtector(
        address="https://127.0.0.1:1", namespace=None, mount="transit", key_name="k", ciphertext="vault:v1:" + "A" * 80
    ),
    Pkcs11Protector(
        module="/nowhere.so",
        key=TokenKey(token="t", label="k"),
        salt=bytes(32),
        commitment=bytes(32),
        nonce=bytes(12),
        wrapped_seed=bytes(48),
    ),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


@pytest.fixture
def keyring(file: Path, authority: Authority, provider: Provider) -> Keyring:
    return saved_keyring(file, authority, provider.recipient)


def test_the_identity_opens_the_keyring_again_and_again(keyring: Keyring, file: Path, provider: Provider) -> None:
    first = keyring.unlock(provider.identity).volume("lake")
    second = Keyring.read(file).unlock(provider.identity).volume("lake")
    assert first.record == second.record


def test_the_protected_seed_is_that_of_the_public_key(provider: Provider) -> None:
    public_key, protector = provider.recipient.enroll(BINDING)
    seed = provider.identity.seed(protector, BINDING)
    assert seed is not None
    assert KeyPair(seed).public_key == public_key


def test_a_protector_survives_its_json_unchanged(provider: Provider) -> None:
    _, protector = provider.recipient.enroll(BINDING)
    assert msgspec.json.decode(msgspec.json.encode(protector), type=Protector) == protector


def test_a_keyring_for_two_opens_for_each(file: Path, authority: Authority, provider: Provider) -> None:
    keyring = saved_keyring(file, authority, provider.recipient, provider.recipient)
    assert len({recipient.id for recipient in keyring.recipients}) == 2
    for recipient in keyring.recipients:
        assert recipient.unwrap(provider.identity, keyring=keyring.id, root_id=keyring.payload.root_id)


def test_a_wrong_identity_of_the_same_kind_does_not_open(keyring: Keyring, file: Path, provider: Provider) -> None:
    assert_refused(file, keyring, provider.stranger, UnlockFailed, r"\w+ \w+", provider.secrets)


def test_protectors_of_other_kinds_are_left_to_others(provider: Provider) -> None:
    _, own = provider.recipient.enroll(BINDING)
    others = [protector for protector in OF_EVERY_KIND if type(protector) is not type(own)]
    assert len(others) == len(OF_EVERY_KIND) - 1
    assert [provider.identity.seed(protector, BINDING) for protector in others] == [None] * len(others)


def test_an_identity_of_another_kind_is_told_so(keyring: Keyring) -> None:
    with pytest.raises(UnlockFailed, match="no recipient of the kind"):
        keyring.unlock(OfAnotherKind())


def test_a_protector_that_keeps_a_seed_opens_in_its_place_alone(provider: Provider) -> None:
    _, protector = provider.recipient.enroll(BINDING)
    for elsewhere in (BINDING[:-1] + b"\xff", BINDING + b"\0", BINDING[:-1], b"/authority" + BINDING[10:], b"/"):
        if provider.keeps_seed:
            with pytest.raises(UnlockFailed):
                provider.identity.seed(protector, elsewhere)
        else:  # what is bound is the wrapped root key: the next test
            assert provider.identity.seed(protector, elsewhere) == provider.identity.seed(protector, BINDING)


@pytest.mark.parametrize("place", ["keyring", "recipient", "root"])
def test_a_recipient_that_was_moved_does_not_open(keyring: Keyring, provider: Provider, place: str) -> None:
    (recipient,) = keyring.recipients
    moved = msgspec.structs.replace(recipient, id=os.urandom(16)) if place == "recipient" else recipient
    with pytest.raises(UnlockFailed) as caught:
        moved.unwrap(
            provider.identity,
            keyring=os.urandom(16) if place == "keyring" else keyring.id,
            root_id=os.urandom(16) if place == "root" else keyring.payload.root_id,
        )
    assert_shows_none_of(provider.secrets, "".join(traceback.format_exception(caught.value)))


def test_every_altered_value_of_a_protector_is_refused(provider: Provider) -> None:
    _, protector = provider.recipient.enroll(BINDING)
    seen = set()
    for name, document in tampered(protector, provider.hints):
        try:
            read = msgspec.json.decode(document, type=Protector)
        except msgspec.ValidationError:
            seen.add(name)
            continue
        assert read != protector
        with pytest.raises(PortableError) as caught:
            provider.identity.seed(read, BINDING)
        assert isinstance(caught.value, UnlockFailed | KeysError), name
        assert_shows_none_of(provider.secrets, "".join(traceback.format_exception(caught.value)))
        seen.add(name)
    assert seen
    assert provider.identity.seed(protector, BINDING) is not None


def test_a_hint_is_shown_and_never_followed(provider: Provider) -> None:
    _, protector = provider.recipient.enroll(BINDING)
    for hint in provider.hints:
        elsewhere = msgspec.structs.replace(protector, **{hint: "https://127.0.0.1:1/planted"})
        assert provider.identity.seed(elsewhere, BINDING) == provider.identity.seed(protector, BINDING)


def test_a_foreign_public_key_beside_a_protector_is_refused(keyring: Keyring, provider: Provider) -> None:
    (recipient,) = keyring.recipients
    planted = msgspec.structs.replace(recipient, public_key=KeyPair(os.urandom(32)).public_key)
    with pytest.raises(KeysError, match="another public key"):
        planted.unwrap(provider.identity, keyring=keyring.id, root_id=keyring.payload.root_id)


def test_nobody_shows_or_pickles_a_secret(keyring: Keyring, provider: Provider) -> None:
    _, protector = provider.recipient.enroll(BINDING)
    seed = provider.identity.seed(protector, BINDING)
    assert seed is not None
    secrets = (*provider.secrets, seed)
    (recipient,) = keyring.recipients
    for holder in (provider.recipient, provider.identity, provider.stranger, protector, recipient):
        for text in (repr(holder), str(holder), repr([holder])):
            assert_shows_none_of(secrets, text)
        assert_pickles_none_of(secrets, holder)


def test_the_file_holds_no_secret_in_clear(keyring: Keyring, file: Path, provider: Provider) -> None:
    (recipient,) = keyring.recipients
    seed = provider.identity.seed(recipient.protector, b"/recipient" + keyring.id + recipient.id)
    assert seed is not None
    payload = keyring.payload
    for text in (file.read_text(), repr(payload), msgspec.json.encode(payload).decode()):
        assert_shows_none_of((*provider.secrets, seed), text)


def test_another_root_key_is_wrapped_with_nobody_present(keyring: Keyring, provider: Provider) -> None:
    (recipient,) = keyring.recipients
    root, root_id = os.urandom(32), os.urandom(16)
    changed = recipient.wrapped_anew(keyring=keyring.id, root_id=root_id, root=root)
    assert changed.protector == recipient.protector
    assert changed.unwrap(provider.identity, keyring=keyring.id, root_id=root_id) == root
