"""Processes that go on while the keyring changes: they take up its next generation, without being told."""

import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.config import settings
from portable.errors import UnknownEpoch, UnlockFailed, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring
from portable.opening import open_by_catalog
from portable.volume import Volume

LEASE = 0.5


class Lake:
    """A volume in a catalog, with two recipients."""

    def __init__(self, folder, monkeypatch):
        self.path = folder / "keyring.json"
        self.authority = Authority.generate()
        self.identities = {label: IdentityFile.generate() for label in ("stays", "leaves")}
        unlocked = Keyring.create(self.authority, recipients=[self._recipient("stays")], volumes=["lake"])
        unlocked.add_recipient(self._recipient("leaves"), "leaves")
        unlocked.save(self.path, self.authority)
        (folder / "store").mkdir()
        catalog = LocalCatalog(folder / "catalog.json")
        catalog.create()
        home = Home(
            url=f"file://{folder}/store",
            mode="sealed",
            keyring="keyring.json",
            volume="lake",
            volume_id=unlocked.volume("lake").volume_id.hex(),
        )
        entry = first_entry("lake", home, lease=LEASE, authority=self.authority.fingerprint)
        catalog.compare_and_swap("lake", None, sign_entry(entry, self.authority), self.authority.fingerprint)
        monkeypatch.setenv("PORTABLE_CATALOG", str(catalog.path))
        monkeypatch.setenv("PORTABLE_AUTHORITY", self.authority.fingerprint)

    def _recipient(self, label):
        return IdentityFileRecipient(self.identities[label].public_key)

    def client(self, label="stays"):
        """Open the volume as a process of its own would, and read something."""
        volume = open_by_catalog("lake", settings(), identity=self.identities[label])
        next(volume.list(), None)
        return volume

    def change(self, change):
        unlocked = Keyring.read(self.path).unlock(self.identities["stays"])
        change(unlocked)
        unlocked.save(self.path, self.authority)
        return unlocked.volumes[0] if unlocked.volumes else None


@pytest.fixture
def lake(tmp_path, monkeypatch):
    return Lake(tmp_path, monkeypatch)


def remove_the_other(unlocked):
    unlocked.remove_recipient(next(each.id for each in unlocked.recipients if each.label == "leaves"))


def test_a_writer_uses_the_new_epoch_from_its_next_lease_on(lake, tmp_path):
    writer = lake.client()
    writer.write("before", b"1")
    keys = lake.change(lambda unlocked: unlocked.rotate("lake"))
    writer.homes.refresh()
    writer.write("after", b"2")
    assert writer.read("before") == b"1"
    assert keys.key_name(keys.active_epoch) in (tmp_path / "store" / "after").read_bytes()
    assert keys.key_name(keys.active_epoch) not in (tmp_path / "store" / "before").read_bytes()


def test_a_reader_that_meets_an_epoch_it_does_not_know_reads_the_keyring_again(lake):
    reader = lake.client()
    lake.change(lambda unlocked: unlocked.rotate("lake"))
    lake.client().write("new", b"of the new epoch")
    assert reader.read("new") == b"of the new epoch"
    assert reader.info("new").size == 16
    assert reader.open("new").read() == b"of the new epoch"


def test_an_epoch_that_the_keyring_does_not_hold_is_an_error(lake):
    reader = lake.client()
    unsaved = Keyring.read(lake.path).unlock(lake.identities["stays"]).rotate("lake")
    Volume(reader.home().backend, unsaved).write("new", b"")
    with pytest.raises(UnknownEpoch):
        reader.read("new")


def test_a_process_of_a_removed_recipient_ends_at_its_next_lease(lake):
    removed = lake.client("leaves")
    removed.write("before", b"")
    lake.change(remove_the_other)
    removed.homes.refresh()
    with pytest.raises(UnlockFailed):
        removed.write("after", b"")
    with pytest.raises(UnlockFailed):
        removed.read("before")


def test_an_unchanged_keyring_is_unlocked_once(lake, monkeypatch):
    client, unlocked = lake.client(), []
    monkeypatch.setattr(Keyring, "unlock", lambda *_: unlocked.append(1))
    for number in range(3):
        client.homes.refresh()
        client.write(f"{number}", b"")
    assert unlocked == []


def test_keys_at_hand_outlive_the_file_of_the_keyring(lake):
    client = lake.client()
    lake.path.unlink()
    client.homes.refresh()
    client.write("a", b"1")
    assert client.read("a") == b"1"


def test_an_older_generation_put_back_is_refused_by_a_process_that_goes_on(lake):
    before = lake.path.read_bytes()
    lake.change(lambda unlocked: unlocked.rotate("lake"))
    client = lake.client()
    lake.path.write_bytes(before)
    client.homes.refresh()
    with pytest.raises(UntrustedSignature, match="an old copy was put back"):
        client.write("a", b"")


def test_a_process_whose_volume_was_shredded_loses_it_at_its_next_lease(lake):
    client = lake.client()
    client.write("a", b"1")
    lake.change(lambda unlocked: unlocked.remove_volume("lake"))
    client.homes.refresh()
    with pytest.raises(UnknownEpoch):
        client.read("a")
