"""Authority files: opened by their passphrase alone, and never mistaken for another's."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from portable.errors import AlreadyExists, ConfigurationError, KeysError, UnlockFailed
from portable.keys.authority import Authority, AuthorityPublic
from portable.keys.passphrase import PassphraseIdentity
from tests.keys.conftest import CHEAP, PASSPHRASE, Costly
from tests.keys.documents import edited
from tests.keys.identities import OfAnotherKind, WithAnotherSeed


@pytest.fixture(scope="module")
def content(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("authority") / "authority.json"
    authority.save(file, PASSPHRASE, CHEAP)
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_bytes()


@pytest.fixture
def file(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "authority.json"
    path.write_bytes(content)
    return path


def test_the_passphrase_opens_the_same_authority(file: Path, authority: Authority) -> None:
    assert Authority.load(file, PassphraseIdentity(PASSPHRASE)).public == authority.public


def test_the_public_keys_are_read_without_the_passphrase(file: Path, authority: Authority, costly: Costly) -> None:
    assert AuthorityPublic.read(file).fingerprint == authority.fingerprint
    assert costly.steps == []


def test_a_fingerprint_covers_both_public_keys(authority: Authority) -> None:
    keys = authority.public.ed25519 + authority.public.mldsa65
    assert authority.fingerprint == "sha256:" + hashlib.sha256(b"portable/v1/authority\0" + keys).hexdigest()


def test_a_wrong_passphrase_is_refused_and_the_file_named(file: Path) -> None:
    with pytest.raises(UnlockFailed, match=r"authority\.json: the passphrase is wrong"):
        Authority.load(file, PassphraseIdentity("wrong"))


def test_an_existing_file_is_never_overwritten(file: Path, content: bytes) -> None:
    with pytest.raises(AlreadyExists):
        Authority.generate().save(file, PASSPHRASE, CHEAP)
    assert file.read_bytes() == content


def test_substituted_public_keys_are_refused(file: Path, content: bytes) -> None:
    def substitute(document: dict[str, Any]) -> None:
        document["authority"] = json.loads(Path(file.parent / "other.json").read_bytes())["authority"]

    Authority.generate().save(file.parent / "other.json", PASSPHRASE, CHEAP)
    file.write_bytes(edited(content, substitute))
    with pytest.raises(UnlockFailed, match="altered or moved"):
        Authority.load(file, PassphraseIdentity(PASSPHRASE))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "not an authority file"), (b"{}", "not an authority file"), (b"\xff", "not an authority file")],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "authority.json"
    path.write_bytes(content)
    with pytest.raises(KeysError, match=complaint):
        AuthorityPublic.read(path)


def test_a_later_version_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(edited(content, lambda document: document.update(version=2)))
    with pytest.raises(KeysError, match="version 2"):
        AuthorityPublic.read(file)


def test_a_missing_and_an_oversized_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        AuthorityPublic.read(tmp_path / "missing.json")
    (tmp_path / "large.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ConfigurationError, match="larger than"):
        AuthorityPublic.read(tmp_path / "large.json")


def test_an_identity_of_another_kind_is_refused(file: Path) -> None:
    with pytest.raises(UnlockFailed, match="protected in another way"):
        Authority.load(file, OfAnotherKind())


def test_an_identity_with_another_seed_is_refused(file: Path) -> None:
    with pytest.raises(KeysError, match="do not belong"):
        Authority.load(file, WithAnotherSeed())
