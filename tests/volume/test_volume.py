"""A volume over a store in memory: what is written is what is read, and the host learns nothing but sizes."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.backends.recording import RecordingBackend
from portable.backends.registry import open_backend
from portable.errors import AlreadyExists, ContextMismatch, IntegrityError, InvalidKey, NotFound, PreconditionFailed
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from portable.volume.planning import Reading
from portable.volume.reading import chunks

FRAME = 4096
KEYS = VolumeKeys.generate("lake", frame_length=FRAME)
OLD = datetime(2019, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
RICH = Attributes(
    content_type="text/csv",
    cache_control="no-store",
    content_disposition='attachment; filename="relevé.csv"',
    content_encoding="gzip",
    content_language="fr",
    metadata={"patient_cohort": "EMC2", "note": "é" * 200},
)


@pytest.fixture
def backend():
    url = f"memory://{uuid.uuid4().hex}"
    return RecordingBackend(open_backend(Location(url=url)), url=url)


@pytest.fixture
def volume(backend):
    return Volume(backend, KEYS)


def stored(backend, key):
    return bytes(backend.get(key).data)


def test_what_is_written_is_read_back_with_its_metadata(volume):
    written = volume.write("a/b.csv", b"x,y\n1,2\n", attributes=RICH, modified=OLD)
    info = volume.info("a/b.csv")
    assert volume.read("a/b.csv") == b"x,y\n1,2\n"
    assert (info.size, info.modified, info.attributes, info.etag) == (8, OLD, RICH, written.etag)


def test_a_host_sees_neither_content_nor_metadata(volume, backend):
    volume.write("a/b.csv", b"secret-content" * 1000, attributes=RICH, modified=OLD)
    for stat in backend.list():
        raw = stored(backend, stat.key)
        assert b"secret-content" not in raw
        assert b"EMC2" not in raw
        assert b"text/csv" not in raw
        assert stat.attributes is None or stat.attributes == Attributes()


def test_metadata_that_does_not_fit_the_header_lies_in_an_object_of_its_own_that_listings_hide(volume, backend):
    info = volume.write("k", b"", attributes=RICH)
    assert [stat.key for stat in backend.list(".portable/")] == [f".portable/meta/{info.message_id.hex()}"]
    assert [listed.key for listed in volume.list()] == ["k"]


def test_a_missing_metadata_object_is_an_error_and_not_empty_metadata(volume, backend):
    info = volume.write("k", b"", attributes=RICH)
    backend.delete(f".portable/meta/{info.message_id.hex()}")
    with pytest.raises(IntegrityError, match="missing"):
        volume.info("k")


def test_metadata_of_another_message_is_refused(volume, backend):
    first, second = (volume.write("k", b"", attributes=RICH) for _ in range(2))
    other = stored(backend, f".portable/meta/{first.message_id.hex()}")
    backend.put(f".portable/meta/{second.message_id.hex()}", other)
    with pytest.raises(IntegrityError):
        volume.info("k")


@pytest.mark.parametrize("key", ["", ".portable/x", "x" * 1025, "\ud800"])
def test_keys_that_no_volume_holds_are_refused_before_anything_is_written(volume, backend, key):
    with pytest.raises(InvalidKey):
        volume.write(key, b"data")
    assert not backend.mutations


def test_keys_are_exact_and_never_normalised(volume):
    composed, decomposed = "é.txt", "e\u0301.txt"
    volume.write(composed, b"one")
    volume.write(decomposed, b"two")
    assert (volume.read(composed), volume.read(decomposed)) == (b"one", b"two")


def test_an_object_under_another_key_is_refused(volume, backend):
    volume.write("a", b"data")
    backend.put("b", stored(backend, "a"))
    with pytest.raises(ContextMismatch, match="--root"):
        volume.read("b")


def test_an_object_of_another_volume_is_refused(volume, backend):
    Volume(backend, VolumeKeys.generate("other", frame_length=FRAME)).write("a", b"data")
    with pytest.raises(ContextMismatch):
        volume.read("a")


def test_a_clear_object_in_an_encrypted_volume_is_an_error(volume, backend):
    backend.put("a", b"clear text, long enough to be a header " * 40)
    backend.put("empty", b"")
    for key in ("a", "empty"):
        with pytest.raises(IntegrityError):
            volume.read(key)
    assert {info.key for info in volume.list()} == {"a", "empty"}


@pytest.mark.parametrize("cut", [1, 16, FRAME + 32])
def test_a_truncated_object_is_refused_when_it_is_opened_even_for_a_range_that_is_whole(volume, backend, cut):
    volume.write("a", bytes(5 * FRAME))
    backend.put("a", stored(backend, "a")[:-cut])
    with pytest.raises(IntegrityError):
        volume.read("a", 0, 10)


def test_a_flipped_byte_spoils_only_ranges_of_its_frame(volume, backend):
    data = bytes(range(256)) * 80
    volume.write("a", data)
    raw = bytearray(stored(backend, "a"))
    raw[-FRAME * 3] ^= 1
    backend.put("a", bytes(raw))
    assert volume.read("a", 0, FRAME) == data[:FRAME]
    with pytest.raises(IntegrityError):
        volume.read("a")


def test_conditional_writes_expect_what_they_say(volume):
    first = volume.write("a", b"1", expect=ABSENT)
    with pytest.raises(AlreadyExists):
        volume.write("a", b"2", expect=ABSENT)
    second = volume.write("a", b"2", expect=Matches(first.etag))
    with pytest.raises(PreconditionFailed):
        volume.write("a", b"3", expect=Matches(first.etag))
    assert (volume.read("a"), volume.info("a").etag) == (b"2", second.etag)


def test_a_source_that_fails_leaves_nothing_visible(volume, backend):
    class Broken(io.RawIOBase):
        def __init__(self):
            self.left = 3

        def read(self, _size=-1):
            self.left -= 1
            if not self.left:
                raise OSError("the disk is gone")
            return bytes(backend.capabilities.part_size)

    with pytest.raises(OSError, match="the disk is gone"):
        volume.write("a", Broken())
    with pytest.raises(NotFound):
        volume.info("a")


def test_large_objects_are_staged_in_parts_and_committed_once(volume, backend):
    data = bytes(range(251)) * (2 * backend.capabilities.part_size // 250)
    info = volume.write("big", io.BytesIO(data))
    assert info.size == len(data)
    assert b"".join(chunks(volume.reader("big"))) == data
    assert [call.verb for call in backend.mutations].count("commit") == 1


def test_with_nothing_fetched_ahead_a_range_costs_its_frames_the_final_frame_and_one_header(backend):
    volume = Volume(backend, KEYS, reading=Reading(ahead=0))
    volume.write("a", bytes(100 * FRAME + 7))
    before = len(backend.calls)
    volume.read("a", 50 * FRAME + 10, 52 * FRAME)
    header = 554
    assert sum(call.size for call in backend.calls[before:]) == header + 2 * (FRAME + 32) + 40 + 7


def test_an_object_replaced_between_two_reads_of_a_file_is_an_error_that_can_be_retried(volume):
    volume.write("a", bytes(3 * FRAME))
    reader = volume.reader("a")
    volume.write("a", b"new" * FRAME)
    with pytest.raises(TimeoutError, match="open it again"):
        reader.read(0, 10)


@given(st.integers(0, 3 * FRAME + 9), st.data())
def test_every_range_equals_the_slice(size, data):
    volume = Volume(open_backend(Location(url="memory://ranges")), KEYS)
    plaintext = bytes(i * 31 % 251 for i in range(size))
    volume.write("k", plaintext)
    start = data.draw(st.integers(0, size + 5))
    stop = data.draw(st.none() | st.integers(0, size + 5))
    assert volume.read("k", start, stop) == plaintext[start:stop]


@given(st.binary(max_size=300), st.integers(-(10**15), 10**15), st.dictionaries(st.text(max_size=20), st.text(max_size=80)))
def test_any_metadata_survives(data, microseconds, metadata):
    volume = Volume(open_backend(Location(url="memory://metadata")), KEYS)
    modified = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    attributes = Attributes(content_type="a/b", metadata=metadata)
    volume.write("k", data, attributes=attributes, modified=modified)
    info = volume.info("k")
    assert (info.attributes, info.modified, info.size) == (attributes, modified, len(data))


def test_a_clear_volume_passes_bytes_and_attributes_to_the_host(backend):
    volume = Volume(backend, None)
    volume.write("a.txt", b"clear", attributes=Attributes(content_type="text/plain", metadata={"a": "b"}))
    assert stored(backend, "a.txt") == b"clear"
    assert backend.stat("a.txt").attributes == Attributes(content_type="text/plain", metadata={"a": "b"})
    assert volume.read("a.txt", 1, 3) == b"le"
