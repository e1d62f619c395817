"""The numbers of a plan, compared with counts and messages made independently of it."""

import uuid
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrate.plan import make_plan
from migrate.plan.traffic import listing_pages
from migrate.report.words import number, size
from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Stat
from portable.backends.recording import RecordingBackend
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.migrate.plan.places import Site, entry

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="/\\", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
SIZES = st.one_of(st.integers(0, 3), st.integers(0, 10**13))
ASIDE = st.sampled_from([{}, {"snapshot": "1"}, {"deleted": "true"}, {"uncommitted": "true"}, {"tier": "Archive"}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, st.tuples(SIZES, ASIDE), max_size=40))
def test_every_object_and_byte_of_the_listing_is_in_the_totals(
    site: Site, listing: dict[str, tuple[int, dict[str, str]]]
) -> None:
    (site.folder / "lake-exit.journal").unlink(missing_ok=True)
    entries = [entry(key, length, **details) for key, (length, details) in listing.items()]
    moved = [length for length, details in listing.values() if not details or "tier" in details]
    with site.migration(*entries) as migration:
        plan = make_plan(migration)
    assert plan.totals.reconciled
    assert plan.entries == plan.totals.inventory.objects == len(listing)
    assert plan.totals.inventory.bytes == sum(length for length, _ in listing.values())
    assert (plan.moved.objects, plan.moved.bytes) == (len(moved), sum(moved))
    assert (plan.traffic.objects, plan.traffic.read_bytes) == (len(moved), sum(moved))
    assert {row.largest: row.sum.objects for row in plan.sizes} == Counter(
        0 if length == 0 else int("9" * len(str(length))) for length in moved
    )
    assert [length for _, length in plan.largest] == sorted(moved, reverse=True)[:10]
    archived = [length for length, details in listing.values() if "tier" in details]
    found = [(found.objects, found.bytes) for found in plan.findings if found.kind.id == "archived"]
    assert found == ([(len(archived), sum(archived))] if archived else [])


EDGES = [0, 1, (256 << 10) - 1, 256 << 10, (8 << 20) - 600, 8 << 20, (8 << 20) + 1, (17 << 20) + 3]


def test_the_stored_bytes_and_requests_are_those_that_a_volume_makes(site: Site) -> None:
    """The oracle is a volume that writes objects of these sizes, and the record of what it sent."""
    for length in EDGES:
        site.put("source", f"of-{length}", bytes(length))
    with site.migration() as migration:
        plan = make_plan(migration)
    written = RecordingBackend(MemoryBackend(Location(url=f"memory://{uuid.uuid4().hex}")), url="target")
    read = RecordingBackend(MemoryBackend(Location(url=site.source)), url="source")
    source, volume = Volume(read, None), Volume(written, VolumeKeys.generate("lake"))
    for length in EDGES:
        reader = source.reader(f"of-{length}", ahead=8 << 20)
        for start in range(0, length, 8 << 20):
            reader.read(start, min(start + (8 << 20), length))
        volume.write(f"of-{length}", bytes(length))
    verbs = Counter(call.verb for call in written.calls)
    assert plan.traffic.stored_bytes == sum(stat.size for stat in written.list())
    assert (plan.traffic.puts, plan.traffic.uploads, plan.traffic.parts) == (verbs["put"], verbs["begin"], verbs["part"])
    assert verbs["commit"] == verbs["begin"]
    assert plan.traffic.gets == Counter(call.verb for call in read.calls)["get"]


def test_what_a_plan_counts_as_metadata_objects_is_what_a_volume_writes(site: Site) -> None:
    from portable.backends.protocol import Attributes
    from portable.sealed import Metadata

    keys = VolumeKeys.generate("lake")
    for filler in range(60, 130):
        listed = entry("a", attributes=Attributes(content_type="text/plain", metadata={"n": "x" * filler}))
        target = RecordingBackend(MemoryBackend(Location(url=f"memory://{uuid.uuid4().hex}")), url="target")
        Volume(target, keys).stage("a", b"x", Metadata(listed.attributes or Attributes(), listed.modified, listed.etag))
        with site.migration(listed) as migration:
            plan = make_plan(migration)
        assert plan.metadata_puts == len([call for call in target.mutations if call.key.startswith(".portable/meta/")])


def test_a_second_plan_counts_what_is_still_to_be_copied(site: Site) -> None:
    from migrate.journal import Outcome

    site.put("source", "done", b"12345")
    site.put("source", "left", b"123")
    with site.migration() as migration:
        make_plan(migration)
        copied = migration.journal.item("done")
        assert copied is not None
        migration.journal.record([Outcome(copied.id, "copied", target='"etag"|1|')])
        plan = make_plan(migration)
    assert (plan.moved.objects, plan.traffic.objects, plan.traffic.read_bytes) == (2, 1, 3)
    assert plan.totals.by_state["copied"].objects == 1


def test_an_object_that_went_is_vanished_in_the_next_plan(site: Site) -> None:
    with site.migration(entry("stays", 1), entry("goes", 2)) as migration:
        make_plan(migration)
    with site.migration(entry("stays", 1)) as migration:
        plan = make_plan(migration)
    assert (plan.totals.by_state["vanished"].bytes, plan.totals.by_state["pending"].bytes) == (2, 1)
    assert plan.totals.reconciled


def test_progress_is_told_how_far_the_listing_is(site: Site) -> None:
    told: list[int] = []
    with site.migration(*[entry(f"{count}") for count in range(2_500)]) as migration:
        make_plan(migration, progress=told.append)
    assert told == [1_000, 2_000]


@pytest.mark.parametrize(
    ("scheme", "entries", "pages"),
    [("az", 0, 1), ("az", 5_000, 1), ("az", 5_001, 2), ("s3", 1_000, 1), ("s3", 1_001, 2), ("file", 9, 0), ("memory", 9, 0)],
)
def test_a_listing_takes_a_request_for_each_page_even_when_it_is_empty(scheme: str, entries: int, pages: int) -> None:
    assert listing_pages(scheme, entries) == pages


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (1_234_567, "1.23 MB"),
        (9_999, "10.0 kB"),
        (12_345_678, "12.3 MB"),
        (99_990_000, "100 MB"),
        (123_456_789, "123 MB"),
        (999_999_999, "1.00 GB"),
        (5 * 10**12, "5.00 TB"),
        (2 * 10**18, "2.00 EB"),
    ],
)
def test_bytes_in_words(value: int, words: str) -> None:
    assert size(value) == words


def test_numbers_are_grouped() -> None:
    assert number(1_234_567) == "1,234,567"


def test_the_source_is_listed_once_and_its_objects_are_not_read(site: Site) -> None:
    entries: list[Stat] = [entry(f"{count}", count) for count in range(50)]
    with site.migration(*entries) as migration:
        make_plan(migration)
    assert [call.verb for call in site.hosts["source"].calls] == ["inventory"]
    assert [call.verb for call in site.hosts["target"].calls] == ["list"]
