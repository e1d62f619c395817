"""Staging: parts go out at once or in turn, from buffers that are left alone meanwhile, and a failure leaves nothing."""

import io
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.errors import ConfigurationError, Corrupt, Denied, Unavailable, Unsupported
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata, open_header
from portable.volume import Volume
from portable.volume.writing import PIECE
from tests.volume.uploads import PART, Gate, UploadStore

KEYS = VolumeKeys.generate("lake", frame_length=4096)
BOTH = pytest.mark.parametrize("keys", [KEYS, None], ids=["sealed", "clear"])
MIB = 2**20
PATTERN = bytes(range(251)) * (3 * MIB // 250)


@pytest.fixture
def store():
    return UploadStore()


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "portable-part"]


def assert_parts(upload, size, part=PART):
    assert sorted(upload.sizes) == list(range(len(upload.sizes)))
    assert sum(upload.sizes.values()) == size
    assert {upload.sizes[number] for number in range(len(upload.sizes) - 1)} == {part}
    assert 0 < upload.sizes[len(upload.sizes) - 1] <= part


class Watched(io.BytesIO):
    """A file that is not read while a part is on its way."""

    def __init__(self, data, store):
        super().__init__(data)
        self.store = store

    def read(self, size=-1):
        assert not any(upload.on_the_way for upload in self.store.uploads)
        return super().read(size)


@BOTH
def test_with_one_at_a_time_parts_go_out_from_the_callers_thread_and_lie_in_one_buffer(store, keys):
    volume = Volume(store, keys)
    staged = volume.stage("big", Watched(PATTERN, store), Metadata(), parallel=1)
    assert len(store.uploads[0].buffers) == 1
    assert_parts(store.uploads[0], staged.commit().size)
    assert volume.read("big") == PATTERN


@BOTH
@pytest.mark.parametrize("parallel", [2, 4])
def test_parts_are_on_their_way_at_once_each_in_a_buffer_of_its_own(store, keys, parallel):
    store.gates = {number: Gate() for number in range(parallel)}
    volume = Volume(store, keys, parallel=parallel)

    def open_in_reverse():
        for gate in reversed(store.gates.values()):
            assert gate.reached.wait(20)
        for gate in reversed(store.gates.values()):
            gate.set()

    opening = threading.Thread(target=open_in_reverse)
    opening.start()
    info = volume.write("big", PATTERN)
    opening.join()
    upload = store.uploads[0]
    assert upload.most == parallel
    assert parallel <= len(upload.buffers) <= parallel + 1
    assert_parts(upload, info.stat.size)
    assert volume.read("big") == PATTERN


def test_the_memory_of_a_writer_is_the_parts_on_their_way_and_one_more():
    part, parallel = 4 * MIB, 3
    store = UploadStore(part)
    store.begin = lambda *_, **__: Discarding()
    volume = Volume(store, None, parallel=parallel)
    chunk = bytes(MIB)
    tracemalloc.start()
    try:
        volume.stage("big", (chunk for _ in range(100)), Metadata())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < (parallel + 1) * (part + PIECE) + MIB


class Discarding:
    """An upload that keeps nothing."""

    token = ""

    def part(self, *_):
        return "none"


@BOTH
def test_what_fits_one_part_is_one_put_that_sends_the_same_bytes_when_it_is_repeated(store, keys, monkeypatch):
    sent = []
    put = store.put

    def lossy(key, data, **conditions):
        sent.append(bytes(data))
        if len(sent) == 1:
            raise Unavailable("no answer")
        return put(key, data, **conditions)

    monkeypatch.setattr(store, "put", lossy)
    volume, source = Volume(store, keys), bytearray(b"x" * (PART - 4096))
    staged = volume.stage("k", source, Metadata())
    source[:] = bytes(len(source))
    with pytest.raises(Unavailable):
        staged.commit()
    staged.commit()
    assert sent[0] == sent[1]
    assert volume.read("k") == b"x" * (PART - 4096)
    assert not store.uploads


@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("parallel", [1, 4])
def test_an_upload_begins_where_the_stored_bytes_exceed_one_part(store, over, parallel):
    volume = Volume(store, KEYS, parallel=parallel)
    frames, rest = divmod(PART - _empty(store) + over, 4096 + 32)
    assert rest < 4096
    data = bytes(frames * 4096 + rest)
    for source in (data, io.BytesIO(data), iter([data[:5000], data[5000:]])):
        info = volume.write("k", source)
        assert info.stat.size == PART + over
        assert volume.read("k") == data
    assert [upload.sizes for upload in store.uploads] == ([{0: PART, 1: 1}] * 3 if over > 0 else [])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * MIB), max_size=6), st.sampled_from([1, 4]), st.sampled_from([KEYS, None]))
def test_chunks_of_any_length_make_one_object(lengths, parallel, keys):
    volume = Volume(UploadStore(MIB), keys, parallel=parallel)
    info = volume.write("k", (PATTERN[:length] for length in lengths))
    assert info.size == sum(lengths)
    assert volume.read("k") == b"".join(PATTERN[:length] for length in lengths)


@BOTH
@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("failing", [0, 1, 7, "begin"])
@pytest.mark.parametrize("error", [Corrupt("altered"), KeyboardInterrupt()], ids=repr)
def test_the_first_part_that_fails_ends_the_rest_and_aborts_the_upload(store, keys, parallel, failing, error):
    store.failing = {failing: error}
    volume = Volume(store, keys, parallel=parallel)
    with pytest.raises(type(error)):
        volume.write("k", PATTERN)
    assert [upload.ended for upload in store.uploads] == ["aborted"] * (failing != "begin")
    assert all(len(upload.sizes) <= failing + parallel for upload in store.uploads)
    assert not list(volume.list())


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_source_that_breaks_off_aborts_the_upload(store, parallel):
    def source():
        yield PATTERN
        yield PATTERN
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        Volume(store, KEYS, parallel=parallel).write("k", source())
    assert [upload.ended for upload in store.uploads] == ["aborted"]


def test_an_abort_that_fails_does_not_hide_what_ended_the_write(store):
    store.failing = {3: Corrupt("altered"), "abort": Unavailable("no answer")}
    with pytest.raises(Corrupt, match="altered"):
        Volume(store, KEYS).write("k", PATTERN)
    assert [upload.ended for upload in store.uploads] == ["aborted"]


def test_a_write_whose_commit_is_refused_aborts_its_upload(store):
    store.failing = {"commit": Denied("no")}
    with pytest.raises(Denied):
        Volume(store, KEYS).write("k", PATTERN)
    assert [upload.ended for upload in store.uploads] == ["aborted"]


def test_parts_have_the_size_that_the_host_takes_for_an_object_of_this_length(store):
    store = UploadStore(PART, max_parts=8, largest_part=4 * MIB)
    volume = Volume(store, None)
    volume.write("k", PATTERN)
    whole = -(-len(PATTERN) // 8 // MIB) * MIB
    assert_parts(store.uploads[0], len(PATTERN), part=whole)
    staged = volume.stage("k", iter([PATTERN[:MIB], PATTERN[MIB:]]), Metadata(), size=len(PATTERN))
    assert_parts(store.uploads[1], staged.commit().size, part=whole)
    assert volume.read("k") == PATTERN


def test_parts_of_a_stream_of_unknown_length_grow(store):
    store = UploadStore(PART, max_parts=64, largest_part=1 << 20)
    volume = Volume(store, KEYS)
    info = volume.write("k", iter([PATTERN[:MIB], PATTERN[MIB:]]))
    sizes = store.uploads[0].sizes
    assert [sizes[number] for number in (0, 7, 8, 15, 16)] == [PART, PART, 2 * PART, 2 * PART, 4 * PART]
    assert sum(sizes.values()) == info.stat.size
    assert volume.read("k") == PATTERN


def test_an_object_that_is_too_large_for_the_host_is_refused_before_anything_is_sent(store):
    store = UploadStore(PART, max_parts=8)
    with pytest.raises(Unsupported):
        Volume(store, KEYS).write("k", PATTERN)
    assert not store.uploads


def test_a_stream_that_outgrows_the_host_is_aborted(store):
    store = UploadStore(PART, max_parts=8)
    with pytest.raises(Unsupported, match="stream"):
        Volume(store, KEYS).write("k", iter([PATTERN, PATTERN]))
    assert [upload.ended for upload in store.uploads] == ["aborted"]


@pytest.mark.parametrize("parallel", [0, -1])
def test_fewer_than_one_part_at_once_is_refused(store, parallel):
    volume = Volume(store, KEYS)
    for call in (
        lambda: Volume(store, KEYS, parallel=parallel),
        lambda: volume.create("k", parallel=parallel),
        lambda: volume.stage("k", b"", Metadata(), parallel=parallel),
    ):
        with pytest.raises(ConfigurationError, match="at least 1"):
            call()


def _empty(store):
    """Return the stored length of an empty object."""
    Volume(store, KEYS).write("empty", b"")
    data = store.get("empty").data
    assert open_header(KEYS, "empty", data).whole(data) == b""
    return len(data)
