"""Whose keyring is believed: a planted one is refused, and nothing is ever encrypted under its keys."""

import os

import msgspec
import pytest

from portable import open_volume
from portable.errors import UntrustedSignature
from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.kem import seal
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.keys.payload import Body, Payload, seal_body
from portable.keys.recipient import _info
from portable.keys.volume_keys import VolumeKeys


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    """Save a keyring with the volume `lake`, and an empty store beside it; return the file and its authority."""
    monkeypatch.setenv("PORTABLE_PASSPHRASE", "open")
    (tmp_path / "store").mkdir()
    authority = Authority.generate()
    recipient = PassphraseRecipient("open", Argon2Parameters(64, 3))
    path = tmp_path / "keyring.json"
    Keyring.create(authority, recipients=[recipient], volumes=["lake"]).save(path, authority)
    return path, authority


def plant(path):
    """Put a keyring in the file's place that the victim's passphrase opens and whose keys the attacker knows.

    The attacker needs the file alone: recipients' public keys and protectors can be read there.
    """
    stolen, attacker, root, root_id = Keyring.read(path), Authority.generate(), os.urandom(32), os.urandom(16)
    victim = stolen.recipients[0]
    wrapped = seal(root, victim.public_key, _info(stolen.id, victim.id, root_id))
    generation = stolen.generation + 1
    payload = Payload(
        id=stolen.id,
        generation=generation,
        previous_sha256=stolen.payload_sha256,
        root_id=root_id,
        recipients=(msgspec.structs.replace(victim, wrapped_root=wrapped),),
        body=seal_body(Body(volumes=(VolumeKeys.generate("lake").record,)), root, keyring=stolen.id, generation=generation),
    )
    path.write_bytes(signed.sign(msgspec.json.encode(payload), attacker, "keyring"))


def opened(path):
    return open_volume(f"file://{path.parent}/store", keyring=path, volume="lake")


def test_a_keyring_planted_after_the_first_use_is_refused_and_the_genuine_one_still_opens(keyring):
    path, _ = keyring
    opened(path).write("a", b"mine")
    genuine = path.read_bytes()
    plant(path)
    with pytest.raises(UntrustedSignature, match="pinned"):
        opened(path)
    path.write_bytes(genuine)
    assert opened(path).read("a") == b"mine"


def test_a_planted_keyring_is_refused_on_first_use_where_the_authority_is_configured(keyring, monkeypatch):
    path, authority = keyring
    monkeypatch.setenv("PORTABLE_AUTHORITY", authority.fingerprint)
    plant(path)
    with pytest.raises(UntrustedSignature):
        opened(path)
    assert not list((path.parent / "store").iterdir())


def test_an_older_generation_put_back_is_refused(keyring):
    path, authority = keyring
    older = path.read_bytes()
    unlocked = Keyring.read(path).unlock(PassphraseIdentity("open"))
    unlocked.add_volume("more")
    unlocked.save(path, authority)
    opened(path)
    path.write_bytes(older)
    with pytest.raises(UntrustedSignature, match="an old copy was put back"):
        opened(path)
