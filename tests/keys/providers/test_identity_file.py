"""Identity files: who may read them, and what they hold."""

import base64
import hashlib
import json
import os
import traceback
from pathlib import Path

import pytest

from portable.errors import AlreadyExists, ConfigurationError, KeysError, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile, IdentityFileProtector, IdentityFileRecipient
from tests.keys.providers.provider import assert_refused, assert_shows_none_of, saved_keyring

SEED = b"planted seed: thirty-two bytes.."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An identity file with a planted seed."""
    file = tmp_path / "machine.identity"
    IdentityFile(SEED).save(file)
    return file


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_a_new_file_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        IdentityFile(SEED).save(tmp_path / "new")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o600


def test_a_file_is_never_overwritten(path: Path) -> None:
    with pytest.raises(AlreadyExists):
        IdentityFile.generate().save(path)
    with pytest.raises(AlreadyExists):
        IdentityFile.generate().publish(path)
    assert IdentityFile.read(path)._seed == SEED


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_its_owner_reads_it(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert IdentityFile.read(path).public_key == IdentityFile(SEED).public_key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777, 0o440])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600") as caught:
        IdentityFile.read(path)
    assert_shows_none_of([SEED], str(caught.value))


def test_a_link_is_followed_to_the_file_whose_mode_counts(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    assert IdentityFile.read(tmp_path / "link")._seed == SEED
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="mode 0640"):
        IdentityFile.read(tmp_path / "link")


def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, words in (("pipe", "not a regular file"), (".", "not a regular file"), ("none", "No such file")):
        with pytest.raises(ConfigurationError, match=words):
            IdentityFile.read(tmp_path / name)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda content: content.update(version=2), "version 2"),
        (lambda content: content.update(version=base64.b64encode(SEED).decode()), "not an identity file"),
        (lambda content: content.update(seed=base64.b64encode(SEED[:-1]).decode()), "not an identity file"),
        (lambda content: content.update({base64.b64encode(SEED).decode(): 1}), "not an identity file"),
        (lambda content: content.update(seed=base64.b64encode(bytes(32)).decode()), "the seed is not that of"),
        (lambda content: content.update(fingerprint=f"sha256:{'0' * 64}"), "the seed is not that of"),
        (lambda content: content.pop("fingerprint"), "not an identity file"),
        (lambda content: content.update(padding="x" * 4096), "larger than"),
    ],
)
def test_a_damaged_file_is_refused_without_quoting_it(path: Path, edit: object, words: str) -> None:
    content = json.loads(path.read_text())
    assert callable(edit)
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(KeysError, match=words) as caught:
        IdentityFile.read(path)
    assert_shows_none_of([SEED], "".join(traceback.format_exception(caught.value)))


def test_the_file_holds_what_the_page_says(path: Path) -> None:
    content = json.loads(path.read_text())
    public_key = IdentityFile(SEED).public_key
    digest = hashlib.sha256(b"portable/v1/recipient\0" + public_key).hexdigest()
    assert content == {"version": 1, "fingerprint": f"sha256:{digest}", "seed": base64.b64encode(SEED).decode()}


def test_the_public_half_is_enough_to_enrol_a_machine(path: Path, tmp_path: Path, authority: Authority) -> None:
    machine = IdentityFile.read(path)
    machine.publish(tmp_path / "machine.public")
    assert (tmp_path / "machine.public").stat().st_mode & 0o7777 == 0o644
    assert_shows_none_of([SEED], (tmp_path / "machine.public").read_text())
    recipient = IdentityFileRecipient.read(tmp_path / "machine.public")
    keyring = saved_keyring(tmp_path / "keyring.json", authority, recipient)
    assert keyring.recipients[0].protector == IdentityFileProtector(key_id=machine.key_id)
    assert keyring.unlock(machine).volume("lake")


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1, "public_key": "AAAA"}', "\xff"])
def test_what_is_not_a_public_half_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "public").write_text(text, encoding="latin-1")
    with pytest.raises(KeysError, match="not the public half"):
        IdentityFileRecipient.read(tmp_path / "public")


def test_a_secret_half_is_not_taken_for_a_public_one(path: Path) -> None:
    with pytest.raises(KeysError, match="not the public half") as caught:
        IdentityFileRecipient.read(path)
    assert_shows_none_of([SEED], "".join(traceback.format_exception(caught.value)))


def test_another_machine_is_told_who_is_asked_for(tmp_path: Path, authority: Authority) -> None:
    wanted, other = IdentityFile.generate(), IdentityFile(SEED)
    file = tmp_path / "keyring.json"
    keyring = saved_keyring(file, authority, IdentityFileRecipient(wanted.public_key))
    words = f"this is the identity {other.fingerprint}, and {wanted.fingerprint} is asked for"
    assert_refused(file, keyring, other, UnlockFailed, words, [SEED])
