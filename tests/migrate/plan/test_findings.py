"""Each finding, provoked by a listing; counts are compared with what the test put in."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.findings import BLOCKING, KINDS, TABLE, Finding
from migrate.plan import Plan, make_plan
from portable.backends.protocol import Attributes, Capabilities, Stat
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.errors import ConfigurationError, UnknownEpoch, UnlockFailed, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.passphrase import PassphraseIdentity
from tests.migrate.plan.places import Site, entry, make_keyring

AZURE = {"url": "az://lake", "account": "hdhlake"}
S3 = {"url": "s3://lake-eu/prefix", "region": "eu", "endpoint": "http://127.0.0.1:1"}


def plan_of(site: Site, *entries: Stat, unlocked: bool = False) -> Plan:
    with site.migration(*entries, unlocked=unlocked) as migration:
        return make_plan(migration)


def finding(plan: Plan, name: str) -> Finding:
    """Return a finding of the plan, or an empty one."""
    return next((found for found in plan.findings if found.kind.id == name), Finding(KINDS[name]))


BLOB = {"blob_type": "BlockBlob", "tier": "Hot", "content_md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}

OF_ONE_OBJECT = [
    ("archived", entry("a", 7, **BLOB | {"tier": "Archive"})),
    ("archived", entry("a", 7, storage_class="DEEP_ARCHIVE")),
    ("rehydrating", entry("a", 7, **BLOB | {"tier": "Archive", "archive_status": "rehydrate-pending-to-hot"})),
    ("customer-key", entry("a", 7, **BLOB, customer_key_sha256="x")),
    ("key-invalid", entry("a\\xff", 7, unreadable_name="true")),
    ("key-too-long", entry("é" * 513, 7)),
    ("key-reserved", entry(".portable/meta/x", 7)),
    ("key-refused", entry("", 7)),
    ("blob-types", entry("a", 7, blob_type="PageBlob")),
    ("blob-types", entry("a", 7, blob_type="AppendBlob")),
    ("tiers", entry("a", 7, **BLOB | {"tier": "Cool"})),
    ("tags", entry("a", 7, **BLOB, tag_count="2")),
    ("holds", entry("a", 7, **BLOB, legal_hold="true")),
    ("holds", entry("a", 7, **BLOB, immutable_until="Fri, 01 Jan 2100 00:00:00 GMT")),
    ("leases", entry("a", 7, **BLOB, lease_state="leased")),
    ("copy-pending", entry("a", 7, **BLOB, copy_status="pending")),
    ("content-encoding", entry("a", 7, attributes=Attributes(content_encoding="gzip"))),
    ("metadata-overflow", entry("a", 7, attributes=Attributes(metadata={"note": "n" * 200}))),
    ("empty", entry("a", 0)),
]
"""Findings about an object that is to be moved, and an entry with each."""

NOT_MOVED = [
    ("snapshots", entry("a", 7, **BLOB, snapshot="2026-01-01T00:00:00.0000000Z")),
    ("versions", entry("a", 7, **BLOB, version_id="2026-01-01T00:00:00.0000000Z")),
    ("versions", entry("a", 7, **BLOB, version_id="1", has_versions_only="true")),
    ("deleted", entry("a", 7, **BLOB, deleted="true")),
    ("uncommitted", entry("a", 0, uncommitted="true")),
    ("directory-stubs", entry("a", 0, is_directory_stub="true")),
    ("special-files", entry("a", 7, file_type="symbolic link")),
]


@pytest.mark.parametrize(("name", "provoking"), OF_ONE_OBJECT)
def test_an_object_is_found_counted_and_named(site: Site, name: str, provoking: Stat) -> None:
    plan = plan_of(site, entry("plain", 100, **BLOB), provoking)
    found = finding(plan, name)
    assert (found.objects, found.bytes, found.examples) == (1, provoking.size, [provoking.key])
    assert plan.totals.reconciled
    assert plan.totals.by_state["pending"].objects == 2, "what may not be movable is pending, and never skipped silently"
    assert (name in plan.blocking) == (KINDS[name].severity == "blocking")


@pytest.mark.parametrize(("name", "provoking"), NOT_MOVED)
def test_what_is_no_current_object_is_skipped_with_its_reason(site: Site, name: str, provoking: Stat) -> None:
    with site.migration(entry("plain", 100, **BLOB), provoking) as migration:
        plan = make_plan(migration)
        skipped = [item.reason for item in migration.journal.items("skipped")]
    assert (finding(plan, name).objects, finding(plan, name).bytes) == (1, provoking.size)
    assert skipped == [f"{name}: not a current object"]
    assert (plan.totals.by_state["skipped"].objects, plan.totals.by_state["pending"].objects) == (1, 1)
    assert plan.blocking == ()


@pytest.mark.parametrize(("name", "provoking"), [pair for pair in OF_ONE_OBJECT if KINDS[pair[0]].leaves])
def test_an_accepted_finding_leaves_its_objects_behind_as_skipped(site: Site, name: str, provoking: Stat) -> None:
    site.declare(f'[plan]\naccept = ["{name}"]')
    with site.migration(entry("plain", 100, **BLOB), provoking) as migration:
        plan = make_plan(migration)
        skipped = [(item.size, item.reason) for item in migration.journal.items("skipped")]
    assert skipped == [(provoking.size, f"{name}: left behind by decision")]
    assert plan.blocking == ()
    assert finding(plan, name).objects == 1
    assert plan.decision(finding(plan, name)) == "accepted"
    assert plan.traffic.objects == 1


def test_entries_of_one_key_are_kept_apart(site: Site) -> None:
    plan = plan_of(
        site,
        entry("a", 1, **BLOB, version_id="3", is_current_version="true"),
        entry("a", 2, **BLOB, version_id="2"),
        entry("a", 3, **BLOB, version_id="1"),
        entry("a", 4, **BLOB, snapshot="s1"),
        entry("a", 5, **BLOB, snapshot="s2", deleted="true"),
        entry("a", 6, **BLOB, deleted="true"),
        entry("a", 0, uncommitted="true"),
    )
    assert (plan.totals.inventory.objects, plan.totals.inventory.bytes) == (7, 21)
    assert (plan.moved.objects, plan.moved.bytes) == (1, 1)
    assert {found.kind.id: found.objects for found in plan.findings if found.kind.severity == "loss"} == {
        "versions": 2,
        "snapshots": 1,
        "deleted": 2,
    }


def test_a_folder_marker_with_bytes_in_it_is_data(site: Site) -> None:
    plan = plan_of(site, entry("folder/", 9, is_directory_stub="true"), entry("empty/", 0, is_directory_stub="true"))
    assert (plan.moved.objects, plan.moved.bytes) == (1, 9)
    assert finding(plan, "directory-stubs").examples == ["empty/"]


@pytest.mark.parametrize("target", [S3, {"url": "az://elsewhere", "account": "other"}])
def test_keys_that_a_host_would_change_block(site: Site, target: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "dW51c2Vk")
    awkward = ["a//b", "/a", "a/", "a/./b", "a/../b", "a\\b", "a\nb", "a\x7fb"]
    fine = ["a b", "é/ü", "a%2Fb", "...b", "a/.b", "~"]
    site.declare(target=target)
    with site.migration(*[entry(key, 3) for key in awkward + fine]) as migration:
        monkeypatch.setattr(migration.target_backend, "list", lambda: iter(()))
        plan = make_plan(migration)
    assert (finding(plan, "key-refused").objects, finding(plan, "key-refused").bytes) == (8, 24)
    assert plan.blocking == ("key-refused",)


@pytest.mark.parametrize(("target", "blocking"), [(S3, ()), ({"url": "az://elsewhere", "account": "other"}, ("key-refused",))])
def test_a_segment_that_ends_in_a_dot_blocks_where_clients_drop_the_dot(
    site: Site, target: dict[str, str], blocking: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "dW51c2Vk")
    site.declare(target=target)
    with site.migration(entry("a./b", 3)) as migration:
        monkeypatch.setattr(migration.target_backend, "list", lambda: iter(()))
        assert make_plan(migration).blocking == blocking


def test_the_prefix_of_the_target_counts_for_the_length_of_keys(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
    site.declare(target=S3)
    room = 1024 - len("prefix/")
    with site.migration(entry("k" * room), entry("k" * (room + 1)), entry("é" * (room // 2 + 1))) as migration:
        monkeypatch.setattr(migration.target_backend, "list", lambda: iter(()))
        plan = make_plan(migration)
    assert finding(plan, "key-too-long").objects == 2


def test_a_folder_as_target_takes_other_keys_than_a_host(site: Site, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    site.declare(target={"url": f"file://{tmp_path}/target"})
    keys = ["foo", "foo/x", "foo/y/z", "bar/x", "back\\slash", "s" * 256, "s" * 255, "a//b", ".portable-tmp/x", "foo/y"]
    plan = plan_of(site, *[entry(key, 5) for key in keys])
    assert finding(plan, "key-and-folder").examples == ["foo", "foo/y"]
    assert finding(plan, "key-and-folder").bytes == 10
    assert finding(plan, "key-too-long").examples == ["s" * 256]
    assert finding(plan, "key-refused").examples == ["a//b", ".portable-tmp/x"]


@pytest.mark.parametrize(
    ("parted", "largest"),
    [({"conditional_commit": True}, 4 << 20), ({"conditional_commit": False, "largest_part": 3 << 20}, 3 << 20)],
    ids=["in parts", "by one conditional put"],
)
def test_an_object_larger_than_the_target_holds_blocks(
    site: Site, monkeypatch: pytest.MonkeyPatch, parted: dict[str, Any], largest: int
) -> None:
    small = Capabilities(
        conditional_create=True, conditional_replace=True, attributes=True, part_size=1 << 20, max_parts=4, **parted
    )
    with site.migration(entry("fits", largest - 5_000), entry("does not", largest)) as migration:
        monkeypatch.setattr(migration.target_backend, "capabilities", small)
        plan = make_plan(migration)
    assert finding(plan, "object-too-large").examples == ["does not"]


def test_an_object_longer_than_any_message_blocks(site: Site) -> None:
    frames, frame = 2**32 - 2, 256 << 10
    plan = plan_of(site, entry("fits no message", frames * frame + frame))
    assert finding(plan, "object-too-large").objects == 1
    assert (plan.traffic.objects, plan.traffic.impossible) == (0, 1)


def test_a_target_without_conditional_writes_blocks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = Capabilities(conditional_create=True, attributes=True, part_size=1 << 20, max_parts=4)
    with site.migration(entry("a")) as migration:
        monkeypatch.setattr(migration.target_backend, "capabilities", weak)
        plan = make_plan(migration)
    assert plan.blocking == ("target-conditions",)
    assert "conditional replace" in (finding(plan, "target-conditions").note or "")


def test_a_target_that_deletes_under_no_condition_is_told_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.migration(entry("a")) as migration:
        weak = replace(migration.target_backend.capabilities, conditional_delete=False)
        monkeypatch.setattr(migration.target_backend, "capabilities", weak)
        plan = make_plan(migration)
    assert plan.blocking == ()
    assert "conditional delete" in (finding(plan, "target-deletions").note or "")


def test_what_stands_at_the_target_blocks(site: Site) -> None:
    site.put("source", "wanted", b"ours")
    site.put("target", "wanted", b"theirs")
    site.put("target", "other", b"foreign")
    site.put("target", ".portable/meta/00", b"the volume's own")
    plan = plan_of(site)
    assert plan.blocking == ("target-occupied", "target-not-empty")
    assert (finding(plan, "target-occupied").examples, finding(plan, "target-occupied").bytes) == (["wanted"], 6)
    assert (finding(plan, "target-not-empty").examples, finding(plan, "target-not-empty").bytes) == (["other"], 7)


def test_a_target_that_cannot_be_listed_blocks_and_cannot_be_accepted(site: Site, tmp_path: Path) -> None:
    site.declare(target={"url": f"file://{tmp_path}/missing"})
    plan = plan_of(site, entry("a"))
    assert plan.blocking == ("target-unreadable",)
    assert "not-found" in (finding(plan, "target-unreadable").note or "")
    assert "target-unreadable" not in BLOCKING


def test_what_the_host_does_not_say_is_unknown_and_not_fine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "dW51c2Vk")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unused")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
    silent = Stat("a", 1, entry("a").modified, '"e"')
    site.declare(source=AZURE)
    assert {found.kind.id: found.unknown for found in plan_of(site, silent).findings if found.unknown} == {
        "archived": 1,
        "tiers": 1,
        "content-encoding": 1,
        "metadata-overflow": 1,
    }
    site.declare(source=S3)
    assert {found.kind.id for found in plan_of(site, silent).findings if found.unknown} == {
        "tags",
        "holds",
        "content-encoding",
        "metadata-overflow",
    }


def test_only_azure_is_asked_for_content_md5(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "dW51c2Vk")
    without = {"blob_type": "BlockBlob", "tier": "Hot"}
    entries = entry("with", 5, **BLOB), entry("without", 6, **without)
    assert finding(plan_of(site, *entries), "no-content-md5").objects == 0
    site.declare(source=AZURE)
    found = finding(plan_of(site, *entries), "no-content-md5")
    assert (found.objects, found.bytes, found.examples) == (1, 6, ["without"])


def test_keys_that_look_alike_are_shown(site: Site) -> None:
    alike = ["caf\u00e9", "cafe\u0301", "K", "\u212a", "e\u0301\u0323", "\u1eb9\u0301"]
    plan = plan_of(site, *[entry(key, 2) for key in [*alike, "alone\u0301", "plain"]])
    found = finding(plan, "normalisation")
    assert (found.objects, found.bytes) == (6, 12)
    assert set(found.examples) < set(alike)


def test_no_more_than_five_keys_are_kept_of_a_finding(site: Site) -> None:
    plan = plan_of(site, *[entry(f"empty-{count}", 0) for count in range(20)])
    assert finding(plan, "empty").objects == 20
    assert finding(plan, "empty").examples == [f"empty-{count}" for count in range(5)]


def test_without_a_passphrase_the_keyring_is_checked_but_not_opened(site: Site) -> None:
    plan = plan_of(site, entry("a"))
    assert not plan.unlocked
    assert "signed by sha256:" in (finding(plan, "keyring-locked").note or "")
    assert plan.blocking == ()
    assert finding(plan_of(site, entry("a"), unlocked=True), "keyring-locked").note is None


def test_a_keyring_that_cannot_be_used_is_an_error(site: Site) -> None:
    with site.migration(entry("a")) as migration:
        migration._identity = PassphraseIdentity("wrong")
        with pytest.raises(UnlockFailed):
            make_plan(migration)
    site.declare()
    site.file.write_text(site.file.read_text().replace('volume = "lake"', 'volume = "pond"'))
    with site.migration(entry("a"), unlocked=True) as migration, pytest.raises(UnknownEpoch, match="add-volume"):
        make_plan(migration)
    (site.folder / "keyring.json").unlink()
    with site.migration(entry("a")) as migration, pytest.raises(ConfigurationError):
        make_plan(migration)


def test_a_keyring_of_another_authority_is_refused(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_keyring(other)
    (other / "keyring.json").replace(site.folder / "keyring.json")
    with site.migration(entry("a")) as migration, pytest.raises(UntrustedSignature):
        make_plan(migration)


Put = Callable[[Home], None]


@pytest.fixture
def catalog(site: Site, authority: Authority) -> Put:
    """Put an entry into the migration's catalog."""

    def put(home: Home) -> None:
        entry = first_entry("lake", home, lease=30, authority=authority.public.fingerprint)
        catalog = LocalCatalog(site.folder / "catalog.json")
        catalog.create()
        catalog.compare_and_swap("lake", None, sign_entry(entry, authority), authority.public.fingerprint)

    return put


def test_a_catalog_without_the_entry_stops_the_cutover_but_not_the_copy(site: Site) -> None:
    plan = plan_of(site, entry("a"))
    assert plan.decision(finding(plan, "catalog-entry")) == "cutover"
    assert plan.blocking == ()


def test_a_home_elsewhere_stops_the_cutover(site: Site, catalog: Put) -> None:
    catalog(Home(url="memory://elsewhere", mode="clear"))
    plan = plan_of(site, entry("a"))
    assert "memory://elsewhere" in (finding(plan, "catalog-home").note or "")
    assert finding(plan, "catalog-entry").note is None


def test_a_home_at_the_source_is_no_finding(site: Site, catalog: Put) -> None:
    catalog(Home(url=site.source, mode="clear"))
    plan = plan_of(site, entry("a"), unlocked=True)
    assert plan.findings == ()


def test_every_kind_says_what_it_means_and_what_happens() -> None:
    assert len({kind.id for kind in TABLE}) == len(TABLE)
    for kind in TABLE:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.id)
        assert kind.title
        assert kind.meaning.endswith(".")
        assert kind.consequence.endswith(".")
        assert (kind.blocks is not None) == (kind.severity == "blocking")
        assert kind.accepted is not None or not kind.leaves


def test_every_kind_is_provoked_by_a_test_here() -> None:
    text = Path(__file__).read_text()
    assert [kind.id for kind in TABLE if f'"{kind.id}"' not in text] == []
