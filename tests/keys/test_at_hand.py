"""Who a process is, from its environment; and who is passed over because another recipient opens."""

from pathlib import Path

import pytest

from portable.cli.identity import AskedIdentity
from portable.errors import ConfigurationError, Denied, Unavailable, UnlockFailed
from portable.keys.at_hand import AnyOf
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import PassphraseRecipient
from portable.keys.recipient import Identity, Protector
from portable.opening import identity_from_environment
from tests.keys.conftest import CHEAP, PASSPHRASE
from tests.keys.present import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine()
    machine.identity.save(tmp_path / "me")
    return machine


@pytest.fixture
def both(authority: Authority, machine: Machine, tmp_path: Path) -> Keyring:
    """A keyring that a passphrase opens, and the machine."""
    path = tmp_path / "keyring.json"
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, CHEAP), machine.recipient])
    unlocked.save(path, authority)
    return Keyring.read(path)


def test_a_process_is_whom_its_environment_names(both: Keyring, tmp_path: Path) -> None:
    for environ in ({"PORTABLE_PASSPHRASE": PASSPHRASE}, {"PORTABLE_IDENTITY": str(tmp_path / "me")}):
        assert both.unlock(identity_from_environment(environ)).generation == 1


def test_an_empty_environment_is_told_what_to_set(saved: bytes) -> None:
    with pytest.raises(UnlockFailed, match="set PORTABLE_PASSPHRASE or PORTABLE_PASSPHRASE_FILE"):
        Keyring(saved).unlock(identity_from_environment({}))


def test_an_identity_file_that_others_may_read_is_refused_at_once(tmp_path: Path, machine: Machine) -> None:
    (tmp_path / "me").chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        identity_from_environment({"PORTABLE_IDENTITY": str(tmp_path / "me")})


def test_nobody_is_asked_for_a_passphrase_where_an_identity_file_is_given(
    both: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portable.cli.identity.passphrase", lambda *_, **__: pytest.fail("asked"))
    identity = AskedIdentity([tmp_path / "me"])
    assert both.unlock(identity).generation == 1
    assert identity.word is None


class Troubled:
    """Has trouble with passphrases, and opens nothing else."""

    def __init__(self, trouble: Exception) -> None:
        self._trouble = trouble

    def seed(self, protector: Protector, _: bytes) -> bytes | None:
        if type(protector).__name__ == "PassphraseProtector":
            raise self._trouble
        return None


@pytest.mark.parametrize("trouble", [Unavailable("down"), Denied("no"), ConfigurationError("where"), UnlockFailed("wrong")])
def test_a_recipient_whose_service_gives_trouble_is_passed_over_if_another_opens(
    both: Keyring, machine: Machine, trouble: Exception
) -> None:
    identities: list[Identity] = [Troubled(trouble), machine.identity]
    assert both.unlock(AnyOf(identities)).generation == 1
    with pytest.raises(type(trouble)):
        both.unlock(AnyOf(identities[:1]))
