"""Recipients come and go, epochs follow each other: who opens what before and after."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.errors import ConfigurationError, KeysError, RefusedError, UnknownEpoch, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.custody import CustodyIdentity, CustodyRecipient
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.payload import RECIPIENTS_LIMIT, open_body
from portable.keys.recipient import Identity
from portable.keys.rotation import with_new_epoch
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.keys.present import Machine


class Pair(NamedTuple):
    """A keyring that two machines open, its file, and the store of its volume."""

    path: Path
    stays: Machine
    leaves: Machine
    backend: MemoryBackend

    def opened_by(self, identity: Identity) -> UnlockedKeyring:
        return Keyring.read(self.path).unlock(identity)

    def volume(self, identity: Identity, document: bytes | None = None) -> Volume:
        return Volume(self.backend, Keyring(document or self.path.read_bytes()).unlock(identity).volume("lake"))

    def remove(self, authority: Authority) -> None:
        unlocked = self.opened_by(self.stays.identity)
        unlocked.remove_recipient(self.leaves.id_in(unlocked))
        unlocked.save(self.path, authority)


@pytest.fixture
def pair(tmp_path: Path, authority: Authority) -> Pair:
    path, stays, leaves = tmp_path / "keyring.json", Machine(), Machine()
    unlocked = Keyring.create(authority, recipients=[stays.recipient], volumes=["lake", "archive"])
    unlocked.add_recipient(leaves.recipient, "etl-1")
    unlocked.save(path, authority)
    return Pair(path, stays, leaves, MemoryBackend(Location(url=f"memory://{tmp_path.name}")))


def test_an_added_recipient_opens_the_next_generation_and_not_the_one_before(pair: Pair, authority: Authority) -> None:
    before, added = pair.path.read_bytes(), Machine()
    unlocked = pair.opened_by(pair.stays.identity)
    record = unlocked.add_recipient(added.recipient, "analyst")
    unlocked.save(pair.path, authority)
    assert pair.opened_by(added.identity).volume("lake").record == unlocked.volume("lake").record
    assert Keyring.read(pair.path).recipients[-1] == record
    assert record.label == "analyst"
    with pytest.raises(UnlockFailed):
        Keyring(before).unlock(added.identity)


def test_a_label_is_taken_once_and_moves_no_cursor(pair: Pair) -> None:
    unlocked = pair.opened_by(pair.stays.identity)
    with pytest.raises(RefusedError, match="already"):
        unlocked.add_recipient(Machine().recipient, "etl-1")
    for label in ("a\nb", "\x1b[2J", "x" * 101, "\u202egnp"):
        with pytest.raises(ConfigurationError, match="label"):
            unlocked.add_recipient(Machine().recipient, label)
    unlocked.add_recipient(Machine().recipient)
    unlocked.add_recipient(Machine().recipient)
    assert [each.label for each in unlocked.recipients] == ["", "etl-1", "", ""]


def test_a_keyring_holds_so_many_recipients_and_no_more(pair: Pair) -> None:
    unlocked = pair.opened_by(pair.stays.identity)
    unlocked.recipients = unlocked.recipients[:1] * RECIPIENTS_LIMIT
    with pytest.raises(RefusedError, match="256"):
        unlocked.add_recipient(Machine().recipient)


def test_a_removed_recipient_does_not_open_the_next_generation_and_everybody_else_does(
    pair: Pair, authority: Authority
) -> None:
    pair.remove(authority)
    with pytest.raises(UnlockFailed):
        pair.opened_by(pair.leaves.identity)
    assert [keys.name for keys in pair.opened_by(pair.stays.identity).volumes] == ["lake", "archive"]


def test_a_removed_recipient_still_reads_what_was_written_before_with_the_keyring_of_that_time(
    pair: Pair, authority: Authority
) -> None:
    before = pair.path.read_bytes()
    pair.volume(pair.stays.identity).write("old", b"seen")
    pair.remove(authority)
    assert pair.volume(pair.leaves.identity, before).read("old") == b"seen"
    assert pair.volume(pair.stays.identity).read("old") == b"seen"


def test_a_removed_recipient_does_not_read_what_is_written_afterwards(pair: Pair, authority: Authority) -> None:
    before = pair.path.read_bytes()
    pair.remove(authority)
    pair.volume(pair.stays.identity).write("new", b"unseen")
    with pytest.raises(UnknownEpoch, match="later generation"):
        pair.volume(pair.leaves.identity, before).read("new")


def test_the_root_key_that_a_removed_recipient_knows_does_not_open_the_next_generation(
    pair: Pair, authority: Authority
) -> None:
    old = Keyring.read(pair.path)
    mine = next(each for each in old.recipients if each.label == "etl-1")
    root = mine.unwrap(pair.leaves.identity, keyring=old.id, root_id=old.payload.root_id)
    assert root is not None
    pair.remove(authority)
    new = Keyring.read(pair.path)
    assert new.payload.root_id != old.payload.root_id
    with pytest.raises(UnlockFailed):
        open_body(new.payload, root)


def test_removing_begins_a_new_epoch_in_every_volume(pair: Pair, authority: Authority) -> None:
    before = {keys.name: keys for keys in pair.opened_by(pair.stays.identity).volumes}
    pair.remove(authority)
    for keys in pair.opened_by(pair.stays.identity).volumes:
        assert [epoch.state for epoch in keys.epochs] == ["readable", "active"]
        assert keys.epochs[0].id == before[keys.name].active_epoch.id
        assert keys.record.secret == before[keys.name].record.secret


def test_nobody_has_to_be_present_but_the_one_who_removes(pair: Pair, authority: Authority) -> None:
    officers = [IdentityFile.generate() for _ in range(3)]
    unlocked = pair.opened_by(pair.stays.identity)
    unlocked.add_recipient(CustodyRecipient([each.public_key for each in officers], 2), "officers")
    unlocked.save(pair.path, authority)
    pair.remove(authority)
    assert pair.opened_by(CustodyIdentity(officers[1:])).volume("lake").epochs[-1].state == "active"


def test_the_only_recipient_stays(authority: Authority) -> None:
    machine = Machine()
    unlocked = Keyring.create(authority, recipients=[machine.recipient])
    with pytest.raises(RefusedError, match="only recipient"):
        unlocked.remove_recipient(machine.id_in(unlocked))
    with pytest.raises(ConfigurationError, match="no recipient"):
        unlocked.remove_recipient(bytes(16))


def test_after_a_rotation_new_objects_are_of_the_new_epoch_and_old_ones_are_read(pair: Pair, authority: Authority) -> None:
    volume = pair.volume(pair.stays.identity)
    volume.write("old", b"one")
    unlocked = pair.opened_by(pair.stays.identity)
    keys = unlocked.rotate("lake")
    unlocked.save(pair.path, authority)
    volume = pair.volume(pair.stays.identity)
    volume.write("new", b"two")
    assert (volume.read("old"), volume.read("new")) == (b"one", b"two")
    assert keys.key_name(keys.active_epoch) in pair.backend.get("new").data
    assert keys.key_name(keys.active_epoch) not in pair.backend.get("old").data
    assert [epoch.state for epoch in unlocked.volume("archive").epochs] == ["active"]


def test_objects_of_a_compromised_epoch_are_refused_and_the_others_are_read(pair: Pair, authority: Authority) -> None:
    pair.volume(pair.stays.identity).write("first", b"1")
    unlocked = pair.opened_by(pair.stays.identity)
    leaked = unlocked.rotate("lake").active_epoch
    unlocked.save(pair.path, authority)
    pair.volume(pair.stays.identity).write("second", b"2")
    unlocked.rotate("lake", compromised=[leaked.id])
    unlocked.save(pair.path, authority)
    volume = pair.volume(pair.stays.identity)
    volume.write("third", b"3")
    assert (volume.read("first"), volume.read("third")) == (b"1", b"3")
    with pytest.raises(KeysError, match="compromised"):
        volume.read("second")


def test_what_a_volume_lacks_is_not_compromised(pair: Pair) -> None:
    unlocked = pair.opened_by(pair.stays.identity)
    before = unlocked.volume("lake").record
    for change in (lambda: unlocked.rotate("lake", [bytes(8)]), lambda: unlocked.rotate("other")):
        with pytest.raises(UnknownEpoch):
            change()
    assert unlocked.volume("lake").record == before


@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=12))
def test_however_epochs_follow_one_is_active_none_is_lost_and_compromise_is_for_ever(rotations: list[list[int]]) -> None:
    record = VolumeKeys.generate("lake").record
    for places in rotations:
        compromised = {record.epochs[place % len(record.epochs)].id for place in places}
        after = with_new_epoch(record, compromised)
        assert [(each.id, each.key) for each in after.epochs[:-1]] == [(each.id, each.key) for each in record.epochs]
        assert [each.state for each in after.epochs].count("active") == 1
        assert after.epochs[-1].state == "active"
        for old, new in zip(record.epochs, after.epochs, strict=False):
            expected = "compromised" if old.id in compromised or old.state == "compromised" else "readable"
            assert new.state == expected
        assert msgspec.json.decode(msgspec.json.encode(after), type=type(after)) == after
        record = after


def test_a_volume_whose_keys_were_removed_is_unknown_to_the_next_generation(pair: Pair, authority: Authority) -> None:
    unlocked = pair.opened_by(pair.stays.identity)
    removed = unlocked.remove_volume("lake")
    unlocked.save(pair.path, authority)
    assert removed.name == "lake"
    assert [keys.name for keys in pair.opened_by(pair.stays.identity).volumes] == ["archive"]
    with pytest.raises(UnknownEpoch):
        unlocked.remove_volume("lake")


def test_an_identity_file_is_enrolled_by_its_public_key_alone(pair: Pair) -> None:
    identity = IdentityFile.generate()
    unlocked = pair.opened_by(pair.stays.identity)
    record = unlocked.add_recipient(IdentityFileRecipient(identity.public_key))
    assert record.public_key == identity.public_key
