"""No secret is shown, pickled or quoted in an error."""

import base64
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from portable.errors import PortableError
from portable.keys.authority import Authority
from portable.keys.kem import KeyPair
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import PassphraseIdentity, PassphraseRecipient
from portable.keys.payload import Body, open_body, seal_body
from portable.keys.volume_keys import EpochKey, VolumeKeys
from tests.keys.conftest import CHEAP, PASSPHRASE

SEED = b"planted seed: thirty-two bytes.."
SECRET = b"planted volume secret 32 bytes.."
EPOCH_KEY = b"planted epoch key of 32 bytes..."
WORD = "planted passphrase"


def planted() -> VolumeKeys:
    record = VolumeKeys.generate("lake").record
    epochs = (msgspec.structs.replace(record.epochs[0], key=EPOCH_KEY),)
    return VolumeKeys(msgspec.structs.replace(record, secret=SECRET, epochs=epochs))


def unlocked(authority: Authority) -> UnlockedKeyring:
    keyring = Keyring.create(authority, recipients=[PassphraseRecipient(WORD, CHEAP)])
    keyring._body = Body(volumes=(planted().record,))
    return keyring


@pytest.fixture(scope="module")
def holders() -> list[object]:
    keys = planted()
    authority = Authority(SEED)
    return [
        keys,
        keys.record,
        keys.active_epoch,
        Body(volumes=(keys.record,)),
        authority,
        KeyPair(SEED),
        PassphraseIdentity(WORD),
        PassphraseRecipient(WORD, CHEAP),
        unlocked(authority),
    ]


def assert_nothing_planted(text: str) -> None:
    for secret in (SEED, SECRET, EPOCH_KEY, WORD.encode()):
        for form in (secret.decode(), secret.hex(), base64.b64encode(secret).decode()):
            assert form not in text


def test_no_repr_shows_a_secret(holders: list[object]) -> None:
    for holder in holders:
        for text in (repr(holder), str(holder), f"{holder}", repr([holder]), repr({"a": (holder,)})):
            assert type(holder).__name__ in text
            assert_nothing_planted(text)


def test_nothing_that_holds_a_secret_is_pickled(holders: list[object]) -> None:
    for holder in holders:
        with pytest.raises(TypeError, match=f"{type(holder).__name__} holds secrets"):
            pickle.dumps(holder)


def test_every_pickle_protocol_is_refused(holders: list[object]) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="holds secrets"):
            pickle.dumps(holders, protocol=protocol)


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body.replace(b'"active"', b'"' + EPOCH_KEY + b'"'),
        lambda body: body.replace(b'"plain"', b'"' + SECRET + b'"'),
        lambda body: body.replace(b'"name"', b'"' + SECRET + b'"'),
        lambda body: body[: body.index(b'"frame_length"')],
        lambda _: b'{"volumes": "' + SECRET + b'"}',
    ],
)
def test_a_damaged_body_is_refused_without_quoting_it(
    saved: bytes, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    locked = Keyring(saved)
    body = damage(msgspec.json.encode(Body(volumes=(planted().record,))))
    with monkeypatch.context() as patched:
        patched.setattr(msgspec.json, "encode", lambda _: body)
        sealed = seal_body(Body(volumes=()), bytes(32), keyring=locked.id, generation=locked.generation)
    with pytest.raises(PortableError) as caught:
        open_body(msgspec.structs.replace(locked.payload, body=sealed), bytes(32))
    assert_nothing_planted("".join(traceback.format_exception(caught.value)))


def test_a_failed_unlock_does_not_quote_the_passphrase(path: Path) -> None:
    with pytest.raises(PortableError) as caught:
        Keyring.read(path).unlock(PassphraseIdentity(WORD))
    assert_nothing_planted("".join(traceback.format_exception(caught.value)))


def test_neither_file_holds_a_secret_in_clear(tmp_path: Path) -> None:
    authority = Authority(SEED)
    authority.save(tmp_path / "authority.json", WORD, CHEAP)
    unlocked(authority).save(tmp_path / "keyring.json", authority)
    for file in tmp_path.iterdir():
        assert_nothing_planted(file.read_text())


def test_an_unlocked_keyring_gives_the_planted_keys(tmp_path: Path) -> None:
    """The searches above look for what is really there."""
    authority = Authority(SEED)
    unlocked(authority).save(tmp_path / "keyring.json", authority)
    keys = Keyring.read(tmp_path / "keyring.json").unlock(PassphraseIdentity(WORD)).volume("lake")
    assert (keys.record.secret, keys.active_epoch.key) == (SECRET, EPOCH_KEY)
    assert isinstance(keys.active_epoch, EpochKey)
    assert PASSPHRASE != WORD
