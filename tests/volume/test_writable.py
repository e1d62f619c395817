"""A file that is written to a volume: all of it is the object when it is closed, and nothing of it before, or otherwise."""

import contextlib
import io
import signal
import threading
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.backends.protocol import ABSENT, ANY, Attributes, Matches
from portable.errors import (
    AlreadyExists,
    Cancelled,
    Corrupt,
    Denied,
    InvalidKey,
    PreconditionFailed,
    Unavailable,
    Unsupported,
)
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata
from portable.volume import Volume
from portable.volume.writing import PIECE
from tests.volume.uploads import PART, Gate, UploadStore

KEYS = VolumeKeys.generate("lake", frame_length=4096)
BOTH = pytest.mark.parametrize("keys", [KEYS, None], ids=["sealed", "clear"])
DATA = bytes(range(251)) * (20 * PART // 250)
SIZES = [0, 1, PART // 2, PART - 100, PART, PART + 1, len(DATA)]
"""One put, and an upload; the one that is between them."""


@pytest.fixture
def store():
    return UploadStore()


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "portable-part"]


def nothing_stands(store):
    return not list(store.list()) and {upload.ended for upload in store.uploads} <= {"aborted"}


def abandoned(store):
    """Tell whether the upload of a file that nobody closed is aborted; its threads do that, after a while."""
    give_up = time.monotonic() + 10
    while any(not upload.ended for upload in store.uploads) and time.monotonic() < give_up:
        time.sleep(0.01)
    while any(thread.name == "portable-part" for thread in threading.enumerate()) and time.monotonic() < give_up:
        time.sleep(0.01)
    return nothing_stands(store)


@BOTH
@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_the_object_once_it_is_closed_and_nothing_is_visible_before(store, keys, size):
    volume = Volume(store, keys)
    attributes = Attributes(content_type="text/csv", metadata={"origin": "ward 3"})
    with volume.create("k", attributes=attributes) as file:
        assert file.write(DATA[:size]) == size
        file.flush()
        assert file.tell() == size
        assert not list(store.list())
        with pytest.raises(ValueError, match="before it is closed"):
            _ = file.info
    assert volume.read("k") == DATA[:size]
    assert (file.info.key, file.info.size, file.info.attributes) == ("k", size, attributes)
    assert volume.info("k").etag == file.info.etag
    assert volume.info("k").attributes == attributes


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 100), st.integers(0, 3 * PART), st.integers(PIECE - 5, PIECE + 5)), max_size=12),
    st.sampled_from([KEYS, None]),
    st.sampled_from([PART, 5 * PART, 40 * PART]),
    st.integers(1, 5),
)
def test_any_sequence_of_writes_makes_the_object_that_one_write_of_all_makes(lengths, keys, part, parallel):
    store = UploadStore(part)
    volume, whole = Volume(store, keys), b""
    with volume.create("k", parallel=parallel) as file:
        for number, length in enumerate(lengths):
            piece = bytearray(DATA[number : number + length])
            whole += piece
            file.write(piece)
            piece[:] = bytes(len(piece))
    assert volume.read("k") == whole
    assert file.info.size == len(whole)
    assert file.info.stat.size == volume.write("other", whole).stat.size
    assert all(upload.most <= parallel for upload in store.uploads)


def test_what_fits_one_part_is_one_put(store):
    with Volume(store, KEYS).create("k") as file:
        file.write(DATA[: PART // 2])
    assert (store.puts, store.uploads) == (1, [])


@pytest.mark.parametrize("size", SIZES)
def test_a_with_block_that_an_exception_leaves_writes_nothing(store, size):
    file = Volume(store, KEYS).create("k")

    def write():
        with file:
            file.write(DATA[:size])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert file.closed
    assert nothing_stands(store)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_is_discarded_writes_nothing(store, size):
    file = Volume(store, KEYS).create("k")
    file.write(DATA[:size])
    file.discard()
    file.discard()
    file.close()
    assert nothing_stands(store)
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")
    with pytest.raises(ValueError, match="before it is closed"):
        _ = file.info


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_file_that_is_collected_as_garbage_writes_nothing_and_warns(store, size):
    file = Volume(store, KEYS).create("k")
    file.write(DATA[:size])
    files = [file]
    del file
    with pytest.warns(ResourceWarning, match="never closed"):
        files.clear()
    assert abandoned(store)


def test_collecting_a_file_waits_for_no_host(store):
    store.gates = {number: Gate() for number in range(4)}
    file = Volume(store, KEYS).create("k")
    file.write(DATA[: 2 * PART])
    began = time.monotonic()
    files = [file]
    del file
    with pytest.warns(ResourceWarning, match="never closed"):
        files.clear()
    assert time.monotonic() - began < 5
    assert not store.uploads[0].ended
    for gate in store.gates.values():
        gate.set()
    assert abandoned(store)


@BOTH
@pytest.mark.parametrize("failing", ["begin", 0, 3, 10])
def test_the_first_failure_is_raised_by_the_next_write_or_close_and_ends_the_writing(store, keys, failing):
    store.failing = {failing: Corrupt("altered on the way")}
    volume = Volume(store, keys)
    file = volume.create("k")

    def write():
        for start in range(0, len(DATA), 1000):
            file.write(DATA[start : start + 1000])
        file.close()

    with pytest.raises(Corrupt, match="altered"):
        write()
    if not file.closed:
        for call in (lambda: file.write(b"more"), file.close):
            with pytest.raises(Corrupt, match="altered"):
                call()
    assert file.closed
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")
    assert nothing_stands(store)
    assert sum(len(upload.sizes) for upload in store.uploads) < 20


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 6 * PART), max_size=8),
    st.sets(st.one_of(st.integers(0, 12), st.sampled_from(["begin", "put", "commit", "abort"])), max_size=3),
    st.sampled_from([KEYS, None]),
    st.integers(1, 5),
)
def test_whatever_fails_either_all_is_visible_and_close_returns_or_nothing_is(lengths, failing, keys, parallel):
    store = UploadStore()
    store.failing = {each: Denied("no") for each in failing}
    file = Volume(store, keys).create("k", parallel=parallel)
    try:
        with file:
            for length in lengths:
                file.write(DATA[:length])
    except Denied:
        assert nothing_stands(store)
    else:
        store.failing = {}
        assert Volume(store, keys).read("k") == b"".join(DATA[:length] for length in lengths)
        assert all(upload.ended == "committed" for upload in store.uploads)
    assert file.closed


@pytest.mark.parametrize(("failing", "size"), [("put", 10), ("commit", len(DATA))])
@pytest.mark.parametrize("error", [Denied("no"), Unavailable("no answer")], ids=repr)
def test_a_commit_that_fails_is_raised_by_close_and_nothing_is_left(store, failing, size, error):
    store.failing = {failing: error}
    file = Volume(store, KEYS).create("k")
    file.write(DATA[:size])
    with pytest.raises(type(error)):
        file.close()
    assert file.closed
    assert nothing_stands(store)


def test_a_swallowed_failure_does_not_pass_for_success_when_the_file_is_closed(store):
    store.failing = {0: Corrupt("altered")}
    file = Volume(store, None).create("k")
    for start in range(0, len(DATA), PART):
        try:
            file.write(DATA[start : start + PART])
        except Corrupt:
            continue
    with pytest.raises(Corrupt):
        file.close()


def test_an_interrupt_inside_of_a_write_ends_the_writing(store):
    store.gates = {number: Gate() for number in range(8)}
    file = Volume(store, KEYS).create("k", parallel=2)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()

    def let_go():
        time.sleep(0.6)
        for gate in store.gates.values():
            gate.set()

    letting = threading.Thread(target=let_go)
    letting.start()
    with pytest.raises(KeyboardInterrupt):
        file.write(DATA)
    for call in (lambda: file.write(b"more"), file.close):
        with pytest.raises(Cancelled, match="interrupted"):
            call()
    letting.join()
    assert nothing_stands(store)


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_conditions_hold_at_the_commit(store, size):
    volume = Volume(store, KEYS)
    first = volume.write("k", b"first")
    for expect, refusal in ((ABSENT, AlreadyExists), (Matches("another"), PreconditionFailed)):
        file = volume.create("k", expect=expect)
        file.write(DATA[:size])
        with pytest.raises(refusal):
            file.close()
        assert volume.read("k") == b"first"
    with volume.create("k", expect=Matches(first.etag)) as file:
        file.write(DATA[:size])
    assert volume.read("k") == DATA[:size]
    file = volume.create("k", expect=Matches(file.info.etag))
    file.write(DATA[:size])
    volume.write("k", b"meanwhile")
    with pytest.raises(PreconditionFailed):
        file.close()
    assert volume.read("k") == b"meanwhile"


@pytest.mark.parametrize("data", [b"fits one part", DATA], ids=["small", "large"])
def test_a_write_replaces_the_version_that_it_expects_and_no_other(store, data):
    volume = Volume(store, KEYS)
    first = volume.write("k", data, expect=ABSENT)
    second = volume.write("k", data + b"2", expect=Matches(first.etag))
    for expect, refusal in ((ABSENT, AlreadyExists), (Matches(first.etag), PreconditionFailed)):
        with pytest.raises(refusal):
            volume.write("k", data + b"3", expect=expect)
    assert volume.read("k") == data + b"2"
    assert volume.info("k").etag == second.etag
    assert {upload.ended for upload in store.uploads} <= {"committed", "aborted"}


def test_a_file_that_a_library_closes_on_its_way_out_of_an_error_writes_nothing(store):
    volume = Volume(store, KEYS)
    volume.write("k", b"before")

    def fail_half_way():
        with contextlib.closing(volume.create("k")) as file:
            file.write(b"half")
            _ = 1 // 0

    with pytest.warns(RuntimeWarning, match="because it was closed while ZeroDivisionError"), pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert volume.read("k") == b"before"
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        with contextlib.closing(volume.create("k")) as report:  # opened to tell of the error
            report.write(b"after")
    assert volume.read("k") == b"after"


def test_a_message_that_the_host_cannot_commit_on_a_condition_is_put_whole_on_it():
    store = UploadStore(conditional_commit=False, largest_part=len(DATA) * 2)
    volume = Volume(store, KEYS)
    with volume.create("k", expect=ABSENT) as file:
        for start in range(0, len(DATA), 10_000):
            file.write(DATA[start : start + 10_000])
    written = volume.info("k")
    for expect, refusal in ((ABSENT, AlreadyExists), (Matches("x"), PreconditionFailed)):
        with pytest.raises(refusal):
            volume.write("k", DATA[::-1], expect=expect)
    assert volume.info("k").etag == written.etag
    assert volume.read("k") == DATA
    volume.write("k", DATA[::-1], expect=Matches(written.etag))
    assert volume.read("k") == DATA[::-1]
    assert not store.uploads


def test_a_put_whose_answer_was_lost_is_sent_again_from_the_file():
    store = UploadStore(conditional_commit=False, largest_part=len(DATA) * 2)
    staged = Volume(store, KEYS).stage("k", DATA, Metadata(), expect=ABSENT)
    store.failing["put"] = Unavailable("gone")
    with pytest.raises(Unavailable):
        staged.commit(ABSENT)
    del store.failing["put"]
    staged.through(store).commit(ABSENT)
    assert Volume(store, KEYS).read("k") == DATA


@pytest.mark.parametrize(
    ("keys", "largest", "words"), [(None, 2, "nothing in clear"), (KEYS, 0.5, "at most")], ids=["in clear", "too large"]
)
def test_what_cannot_be_put_whole_either_is_refused_before_anything_is_sent(keys, largest, words):
    store = UploadStore(conditional_commit=False, largest_part=int(len(DATA) * largest))
    volume = Volume(store, keys)
    file = volume.create("k", expect=ABSENT)
    for call in (lambda: file.write(DATA), lambda: volume.write("k", DATA, expect=Matches("x"))):
        with pytest.raises(Unsupported, match=words):
            call()
    assert not store.uploads
    assert not store.puts
    volume.write("k", b"fits one part", expect=ABSENT)
    file.discard()


def test_a_system_that_gives_no_more_threads_makes_a_write_slower_and_not_fail(store, monkeypatch):
    start, started = threading.Thread.start, []

    def scarce(thread):
        if thread.name == "portable-part":
            started.append(thread)
            if len(started) > 1:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    Volume(store, KEYS).write("k", DATA)
    assert Volume(store, KEYS).read("k") == DATA
    assert len(started) > 1


def test_a_key_that_the_volume_does_not_hold_is_refused_at_once(store):
    with pytest.raises(InvalidKey):
        Volume(store, KEYS).create(".portable/meta/x")


def test_writes_from_several_threads_are_each_whole(store):
    lines = [bytes([65 + number]) * 1999 + b"\n" for number in range(8)]
    with Volume(store, KEYS).create("k") as file:
        threads = [threading.Thread(target=lambda line=line: [file.write(line) for _ in range(200)]) for line in lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = Volume(store, KEYS).read("k").splitlines(keepends=True)
    assert sorted(found) == sorted(lines * 200)


def test_what_is_not_bytes_is_refused_and_does_no_harm(store):
    with Volume(store, KEYS).create("k") as file:
        file.write(b"a")
        with pytest.raises(TypeError):
            file.write("text")
        with pytest.raises(BufferError):
            file.write(memoryview(b"abcd")[::2])
        file.write(memoryview(b"b"))
        file.write(pa.py_buffer(b"c"))
        file.write(memoryview(b"").cast("d"))
    assert Volume(store, KEYS).read("k") == b"abc"


def test_it_is_a_binary_file_for_writing_and_nothing_else(store):
    with Volume(store, KEYS).create("k") as file:
        assert (file.writable(), file.readable(), file.seekable()) == (True, False, False)
        assert (file.mode, file.name) == ("wb", "k")
        for call in (file.read, file.fileno, lambda: file.seek(0), file.truncate):
            with pytest.raises(io.UnsupportedOperation):
                call()


def test_libraries_write_to_it(store):
    volume, table = Volume(store, KEYS), pa.table({"n": list(range(100_000))})
    with volume.create("t.parquet") as file:
        pq.write_table(table, file, row_group_size=10_000)
    assert pq.read_table(io.BytesIO(volume.read("t.parquet"))) == table
    with volume.create("z.zip") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", DATA)
    assert zipfile.ZipFile(io.BytesIO(volume.read("z.zip"))).read("a.txt") == DATA
    with io.BufferedWriter(volume.create("b"), 1 << 16) as file:
        file.write(DATA)
    assert volume.read("b") == DATA


def test_a_file_that_no_exception_discards_expects_anything(store):
    volume = Volume(store, KEYS)
    for content in (b"1", b"2"):
        with volume.create("k", expect=ANY) as file:
            file.write(content)
    assert volume.read("k") == b"2"
