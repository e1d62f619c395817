"""Moving into a volume with sealed names: keys are compared with keys, and what stands under foreign names is found."""

from dataclasses import replace

import pytest

from migrate.copy import copy_objects
from migrate.deletions import delete_vanished
from migrate.findings import KINDS
from migrate.gate import check_gate
from migrate.inventory import listed_at
from migrate.plan import make_plan
from migrate.verify import FOREIGN, MISSING, STRANGE, Finding, verify_objects
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.migrate.copy.places import Exchange, memory
from tests.migrate.plan.places import ARGON2, PASSPHRASE, Site, entry

KEYS = VolumeKeys.generate("lake", frame_length=4096, names="sealed")
OBJECTS = ["a", "b/c", "b//c", "b/../c", "d\\e", "f\ng", "é", "e\u0301"]


@pytest.fixture
def copied(tmp_path):
    """Objects at awkward keys, copied into a volume with sealed names."""
    exchange = Exchange(tmp_path)
    exchange.target = Volume(memory(), KEYS)
    for key in OBJECTS:
        exchange.put(key, key.encode())
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    yield exchange
    exchange.journal.close()


def verify(exchange):
    return verify_objects(exchange.journal, exchange.source, exchange.target)


def scan_both(exchange):
    exchange.take_inventory()
    exchange.journal.scan("target", listed_at(exchange.target))
    return check_gate(exchange.journal, "one freeze")


def test_copies_at_awkward_keys_are_verified_and_pass_the_gate(copied):
    found = verify(copied)
    assert found.clean
    assert found.verified.objects == len(OBJECTS)
    assert copied.target_holds() == {key: key.encode() for key in OBJECTS}
    assert scan_both(copied).differences == 0


@pytest.mark.parametrize("name", ["strange", "a", "b/c", KEYS.volume_id.hex()], ids=["strange", "a", "b/c", "hex"])
def test_an_object_under_a_foreign_name_is_extra_also_where_its_name_is_a_key_of_the_volume(copied, name):
    copied.target.backend.put(name, b"whatever")
    found = verify(copied)
    assert (found.findings, found.extra, found.verified.objects) == ((Finding(name, "extra", FOREIGN),), 1, len(OBJECTS))
    assert not found.clean
    assert scan_both(copied).examples == (f"{name!r}: at the target, and not written by this migration",)


def test_a_copy_that_was_renamed_at_the_host_is_missing_and_extra(copied):
    stored = copied.target.stored_key("b/c")
    copied.target.backend.put(stored.upper(), bytes(copied.target.backend.get(stored).data))
    copied.target.backend.delete(stored)
    found = verify(copied)
    assert set(found.findings) == {Finding(stored.upper(), "extra", FOREIGN), Finding("b/c", "failed", MISSING)}


def test_what_another_writer_stored_under_a_sealed_name_is_extra_by_its_key(copied):
    copied.target.write("by hand", b"")
    assert verify(copied).findings == (Finding("by hand", "extra", STRANGE),)


def test_deletions_are_carried(copied):
    copied.source.delete("b//c")
    copied.target.write("a", b"by hand")
    copied.source.delete("a")
    copied.take_inventory()
    summary = delete_vanished(copied.journal, copied.target)
    assert (summary.deleted.objects, summary.kept.objects) == (1, 1)
    assert copied.target_keys() == {*OBJECTS} - {"b//c"}


@pytest.fixture
def site(tmp_path):
    """A migration between two stores in memory, into a volume with sealed names."""
    authority = Authority.generate()
    authority.save(tmp_path / "authority.json", PASSPHRASE, ARGON2)
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, ARGON2)])
    unlocked.add_volume("lake", names="sealed")
    unlocked.save(tmp_path / "keyring.json", authority)
    return Site(tmp_path)


def findings(plan):
    return {found.kind.id: found.examples for found in plan.findings if found.objects}


def test_a_plan_measures_sealed_names_and_takes_awkward_keys(site):
    fits = ["a//b", "a\\b", "x" * 143, "/".join(["x" * 143] * 4), "/" * 36]
    too_long = ["x" * 144, "/".join(["x" * 143] * 4) + "/", "/" * 37]
    with site.migration(*[entry(key) for key in fits + too_long], unlocked=True) as migration:
        found = findings(make_plan(migration))
    assert found["key-too-long"] == too_long
    assert "key-refused" not in found


def test_the_prefix_of_the_target_counts(site, monkeypatch):
    key = "/".join(["x" * 143] * 4)
    with site.migration(entry(key), unlocked=True) as migration:
        small = replace(migration.target_backend.capabilities, key_room=1022)
        monkeypatch.setattr(migration.target_backend, "capabilities", small)
        assert findings(make_plan(migration))["key-too-long"] == [key]


def test_a_plan_tells_keys_that_are_taken_from_foreign_names(site):
    site.put("source", "wanted")
    with site.migration(unlocked=True) as migration:
        stored = migration.target.stored_key("wanted")
    site.put("target", stored)
    site.put("target", "wanted", b"in clear")
    with site.migration(unlocked=True) as migration:
        found = findings(make_plan(migration))
    assert (found["target-occupied"], found["target-not-empty"]) == (["wanted"], ["wanted"])
    assert KINDS["target-not-empty"].severity == "blocking"
