"""What a check says of a recipient: it opened, it was not tested, or it failed."""

import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from portable.errors import Unavailable
from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.checking import check
from portable.keys.keyring import Keyring
from portable.keys.payload import PURPOSE
from portable.keys.recipient import Protector
from tests.keys.present import Machine


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def keyring(tmp_path: Path, authority: Authority, machine: Machine) -> Keyring:
    path = tmp_path / "keyring.json"
    recipients = [machine.recipient, Machine().recipient]
    Keyring.create(authority, recipients=recipients, volumes=["lake", "archive"]).save(path, authority)
    return Keyring.read(path)


def test_the_recipient_at_hand_opened_every_volume_and_the_other_was_not_tested(keyring: Keyring, machine: Machine) -> None:
    opened, other = check(keyring, machine.identity)
    assert (opened.outcome, opened.volumes) == ("opened", ("lake", "archive"))
    assert (other.outcome, other.volumes) == ("not tested", ())
    assert "is asked for" in other.reason


def test_a_recipient_that_had_to_open_and_was_not_tested_failed(keyring: Keyring, machine: Machine) -> None:
    required = [each.id for each in keyring.recipients]
    assert [each.outcome for each in check(keyring, machine.identity, required)] == ["opened", "failed"]


def test_a_recipient_whose_root_key_is_another_one_failed(keyring: Keyring, machine: Machine, authority: Authority) -> None:
    place = {"keyring": keyring.id, "root_id": keyring.payload.root_id}
    mine, other = keyring.recipients
    payload = replace(keyring.payload, recipients=(mine.wrapped_anew(**place, root=os.urandom(32)), other))
    damaged = Keyring(signed.sign(msgspec.json.encode(payload), authority, PURPOSE))
    first, _ = check(damaged, machine.identity)
    assert first.outcome == "failed"
    assert "does not open under its root key" in first.reason


def test_a_recipient_whose_seed_is_of_another_key_failed(keyring: Keyring) -> None:
    class Wrong:
        def seed(self, _: Protector, __: bytes) -> bytes:
            return bytes(32)

    assert [each.outcome for each in check(keyring, Wrong())] == ["failed", "failed"]


def test_a_service_that_does_not_answer_tested_nothing(keyring: Keyring) -> None:
    class Down:
        def seed(self, _: Protector, __: bytes) -> bytes:
            raise Unavailable("no answer")

    assert [(each.outcome, each.reason) for each in check(keyring, Down())] == [("not tested", "no answer")] * 2
