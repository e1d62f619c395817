"""What a host says beside the bytes: sizes, times, types, ETags, metadata. A sealed volume believes none of it."""

import tracemalloc
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from portable.backends.protocol import Attributes
from portable.errors import IntegrityError, ObjectChanged
from portable.volume import Volume
from portable.volume.planning import Reading
from tests.attacks.host import HEADER, KEY, PLAINTEXT, STORED, WAYS, Place

MINE = Attributes(content_type="text/csv", content_language="fr", metadata={"cohort": "EMC2"})
WRITTEN = datetime(2019, 5, 4, 3, 2, 1, tzinfo=UTC)
FORGED = Attributes(
    content_type="text/html",
    content_encoding="gzip",
    content_disposition="attachment; filename=evil.exe",
    metadata={"cohort": "forged", "x-amz-unencrypted-content-length": "3", "is_client_encrypted": "false"},
)


def test_types_times_and_metadata_are_those_that_were_sealed_whatever_the_host_says(place: Place) -> None:
    place.volume.write(KEY, PLAINTEXT, attributes=MINE, modified=WRITTEN)
    lie = {"attributes": FORGED, "modified": datetime(2031, 1, 1, tzinfo=UTC), "details": {"tier": "archive"}}
    place.host.answers = lambda _, truth: replace(truth, stat=replace(truth.stat, **lie))
    place.host.describes = lambda truth: replace(truth, **lie)
    info = place.volume.info(KEY)
    assert (info.attributes, info.modified, info.size, info.source_etag) == (MINE, WRITTEN, len(PLAINTEXT), None)
    assert place.volume.read(KEY) == PLAINTEXT


def test_attributes_put_on_the_stored_object_change_nothing(place: Place) -> None:
    sealed = place.volume.info(KEY).attributes
    place.host.keep(KEY, place.message, FORGED)
    assert place.volume.info(KEY).attributes == sealed
    assert place.volume.read(KEY) == PLAINTEXT


@pytest.mark.parametrize(
    "size",
    [0, 1, HEADER, HEADER + 40, HEADER + STORED + 40, -1, 2**63, 2**80]
    + [HEADER + n * STORED + 40 + 8 for n in (0, 4, 6, 2**31, 2**32 - 1)],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_lie_about_the_stored_size_is_refused_when_the_object_is_opened(place: Place, way: str, size: int) -> None:
    place.host.answers = lambda _, truth: replace(truth, stat=replace(truth.stat, size=size))
    with pytest.raises(IntegrityError):
        WAYS[way](place.volume, KEY)


def test_sizes_and_times_of_a_listing_are_hints_that_opening_the_object_replaces(place: Place) -> None:
    forged = datetime(1999, 1, 1, tzinfo=UTC)
    for size in (-5, 0, 600, 10**15, 2**70):
        place.host.lists = lambda stats, size=size: [replace(stat, size=size, modified=forged) for stat in stats]
        (listed,) = place.volume.list()
        assert listed.size >= 0
        assert listed.attributes is listed.message_id is None
        opened = place.volume.info(listed.key)
        assert opened.size == len(PLAINTEXT)
        assert opened.modified != forged


def test_one_etag_for_all_versions_does_not_mix_them(place: Place) -> None:
    """The ETag is the host's word: where it is a lie, the frames do not authenticate."""
    place.host.answers = lambda _, truth: replace(truth, stat=replace(truth.stat, etag='"always"'))
    place.host.honours_conditions = False
    reader = place.volume.reader(KEY)
    place.volume.write(KEY, bytes(reversed(PLAINTEXT)))
    with pytest.raises(IntegrityError):
        reader.read(0, 10)
    assert place.volume.read(KEY, 0, 8) == bytes(reversed(PLAINTEXT))[:8]


def test_a_host_whose_etag_never_matches_is_given_up_on(place: Place) -> None:
    """It can refuse service, as it always can; it does not get a reader to loop or to read without the condition."""
    place.host.answers = lambda _, truth: replace(truth, stat=replace(truth.stat, etag='"never"'))
    volume = Volume(place.host, place.keys, reading=Reading(ahead=0))
    with pytest.raises(ObjectChanged):
        volume.read(KEY, 0, 10)
    assert len(place.host.asked) <= 2 * 5
    assert all(asked.if_match == '"never"' for asked in place.host.asked if asked.start)


def test_more_bytes_than_were_asked_for_are_not_believed(place: Place) -> None:
    place.host.answers = lambda _, truth: replace(truth, data=bytes(truth.data) + b"more " * 1000)
    for way in ("first bytes", "last bytes", "description"):
        with pytest.raises(IntegrityError):
            WAYS[way](place.volume, KEY)


@pytest.mark.parametrize("size", [2**62, HEADER + 2**31 * STORED + 48])
def test_a_host_that_claims_an_enormous_object_gets_no_memory_for_it(place: Place, size: int) -> None:
    place.host.answers = lambda _, truth: replace(truth, stat=replace(truth.stat, size=size))
    tracemalloc.start()
    try:
        for way in WAYS.values():
            with pytest.raises(IntegrityError):
                way(place.volume, KEY)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
