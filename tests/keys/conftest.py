"""Keyrings and authorities at the lowest accepted cost of a passphrase, and a count of the costly steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portable.keys import kem, passphrase
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient
from portable.keys.recipient import Identity
from tests.keys.identities import Remembering

PASSPHRASE = "correct horse battery staple"
CHEAP = Argon2Parameters(memory_mib=64, passes=3)


@cache
def _derived(secret: bytes, **parameters: Any) -> bytes:
    return Argon2id(**parameters).derive(secret)


class Remembered:
    """Stands for Argon2id, and derives the same key once."""

    def __init__(self, **parameters: Any) -> None:
        self._parameters = parameters

    def derive(self, secret: bytes) -> bytes:
        return _derived(secret, **self._parameters)


@pytest.fixture(autouse=True)
def derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretch each passphrase once for each salt: most tests open the same few files."""
    monkeypatch.setattr(passphrase, "Argon2id", Remembered)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The controller's authority."""
    return Authority.generate()


@pytest.fixture(scope="session")
def saved(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a keyring file of generation 2 with the volume "lake"."""
    path = tmp_path_factory.mktemp("keyring") / "keyring.json"
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, CHEAP)])
    unlocked.save(path, authority)
    unlocked.add_volume("lake")
    unlocked.save(path, authority)
    return path.read_bytes()


@pytest.fixture
def path(saved: bytes, tmp_path: Path) -> Path:
    """A keyring file that the test may change."""
    file = tmp_path / "keyring.json"
    file.write_bytes(saved)
    return file


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Who knows the passphrase of the keyring."""
    return Remembering(PASSPHRASE)


@pytest.fixture
def unlock(path: Path, authority: Authority, identity: Identity) -> Callable[[], UnlockedKeyring]:
    """Read the keyring file as a client does, and open it."""
    return lambda: Keyring.read(path, authority=authority.fingerprint).unlock(identity)


@dataclass
class Costly:
    """The names of the costly or revealing steps that were taken."""

    steps: list[str] = field(default_factory=list)


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> Costly:
    """Record every Argon2id derivation and every unwrapping."""
    seen = Costly()
    opening = kem.KeyPair.open

    def derive(**parameters: Any) -> Argon2id:
        seen.steps.append("argon2id")
        return Argon2id(**parameters)

    def unwrap(pair: kem.KeyPair, sealed: bytes, info: bytes) -> bytes:
        seen.steps.append("unwrap")
        return opening(pair, sealed, info)

    monkeypatch.setattr(passphrase, "Argon2id", derive)
    monkeypatch.setattr(kem.KeyPair, "open", unwrap)
    return seen
