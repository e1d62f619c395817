"""A keyring whose secrets are known, and the two volumes in it."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portable.keys.authority import Authority
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from tests.hygiene.planted import Planted

PASSPHRASE = "planted passphrase é of the tests"
SEED = b"planted seed of the authority..."


@dataclass(frozen=True)
class Custody:
    """A keyring file with its authority file beside it, and all that must not be shown."""

    path: Path
    authority: Authority
    identity: PassphraseIdentity
    unlocked: UnlockedKeyring
    planted: Planted


@pytest.fixture(scope="session")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    """Return a keyring with the volumes `lake` and `pond`."""
    folder, argon2, authority = tmp_path_factory.mktemp("custody"), Argon2Parameters(64, 3), Authority(SEED)
    authority.save(folder / "authority.json", PASSPHRASE, argon2)
    recipient = PassphraseRecipient(PASSPHRASE, argon2)
    Keyring.create(authority, recipients=[recipient], volumes=["lake", "pond"]).save(folder / "keyring.json", authority)
    identity, locked = PassphraseIdentity(PASSPHRASE), Keyring.read(folder / "keyring.json")
    unlocked, planted = locked.unlock(identity), Planted()
    planted.plant("passphrase", PASSPHRASE)
    planted.plant("seed of the authority", SEED)
    record = locked.recipients[0]
    seed = identity.seed(record.protector, b"/recipient" + locked.id + record.id)
    assert seed is not None
    planted.plant("seed of the recipient", seed)
    planted.plant_keyring(unlocked)
    return Custody(folder / "keyring.json", authority, identity, unlocked, planted)


class Kept(logging.Handler):
    """Keeps what every logger says, as its formatter would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.name, record.levelno, f"{self.format(record)} {record.__dict__}"))


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Set every logger to DEBUG and keep its records."""
    root, handler = logging.getLogger(), Kept()
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)
