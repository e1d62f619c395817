"""A file reads as `io.BytesIO` does, and fetches in advance only what a reader from front to back will want."""

import csv
import gzip
import io
import os
import threading
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.errors import IntegrityError, ObjectChanged, Unavailable
from portable.volume import Volume
from portable.volume.planning import Reading
from tests.volume.stores import FRAME, HEADER, KEYS, content, holding

KIB, MIB = 1024, 1024 * 1024
SIZE = 3 * MIB + 12_345
SMALL = Reading(window=64 * KIB, windows=3)
NONE = Reading(windows=0)

POSITIONS = st.integers(-(20 * FRAME), 20 * FRAME)
LENGTHS = st.integers(-1, 5 * FRAME)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), POSITIONS, st.sampled_from([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])),
        st.tuples(st.sampled_from(["read", "readline", "readinto"]), LENGTHS),
        st.tuples(st.sampled_from(["tell", "peek", "read1"])),
    ),
    max_size=25,
)


def outcome(file, step):
    """Return what a call gives, or ValueError."""
    name, *arguments = step
    try:
        if name == "readinto":
            buffer = bytearray(max(0, arguments[0]))
            return file.readinto(buffer), bytes(buffer)
        return getattr(file, name)(*arguments)
    except ValueError:
        return ValueError


def leads_before_the_start(step, file):
    """Tell whether a step seeks to a negative position, which `BytesIO` takes for 0 where it is not counted from the start."""
    if step[0] != "seek":
        return False
    return {os.SEEK_SET: 0, os.SEEK_CUR: file.tell(), os.SEEK_END: file.size}[step[2]] + step[1] < 0


@settings(deadline=None)
@given(
    st.integers(0, 20 * FRAME), STEPS, st.sampled_from([KEYS, None]), st.sampled_from([SMALL, NONE, Reading(ahead=0, tail=0)])
)
def test_any_sequence_of_calls_gives_what_bytes_in_memory_give(size, steps, keys, reading):
    data = content(size // 2) + b"".join(b"line %d\n" % number for number in range(size // 14))
    volume, _ = holding({"k": data}, keys=keys, reading=reading)
    with volume.open("k") as file:
        model = io.BytesIO(data)
        for step in steps:
            if step[0] in ("peek", "read1"):
                position = file.tell()
                some = outcome(file, step)
                assert data[position:].startswith(some)
                assert some or position >= len(data)
                assert file.tell() == position + (len(some) if step[0] == "read1" else 0)
                model.seek(file.tell())
            elif (expected := outcome(model, step)) is ValueError or leads_before_the_start(step, file):
                with pytest.raises(ValueError, match="cannot seek"):
                    file.seek(*step[1:])
                model.seek(file.tell())
            else:
                assert outcome(file, step) == expected
                assert file.tell() == model.tell()
    volume.close()


@settings(deadline=None)
@given(st.integers(200, 40 * KIB), st.sampled_from([KEYS, None]))
def test_reading_on_and_on_gives_the_object(step, keys):
    data = content(600 * KIB)
    volume, _ = holding({"k": data}, keys=keys, reading=SMALL)
    with volume.open("k") as file:
        assert b"".join(iter(lambda: file.read(step), b"")) == data
    volume.close()


def test_libraries_read_it_as_any_file():
    table = "".join(f"{number},été {number}\n" for number in range(50_000)).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a.csv", table)
    volume, _ = holding({"csv": table, "gz": gzip.compress(table), "zip": archive.getvalue()})
    with volume.open("csv") as file:
        rows = list(csv.reader(io.TextIOWrapper(file, "utf-8", newline="")))
    assert (len(rows), rows[-1]) == (50_000, ["49999", "été 49999"])
    with volume.open("csv") as file:
        assert list(file) == table.splitlines(keepends=True)
    with volume.open("gz") as file, gzip.open(file) as unpacked:
        assert unpacked.read() == table
    with volume.open("zip") as file:
        assert zipfile.ZipFile(file).read("a.csv") == table
    volume.close()


def test_it_says_what_it_is():
    volume, _ = holding({"k": b"data"})
    with volume.open("k") as file:
        assert (file.readable(), file.seekable(), file.writable(), file.mode) == (True, True, False, "rb")
        assert (file.size, file.info.key) == (4, "k")
    assert file.closed
    for use in (file.read, file.read1, file.tell, file.peek, file.readline, lambda: file.seek(0)):
        with pytest.raises(ValueError, match="closed"):
            use()


# Fetched in advance


def scan(file, step: int) -> int:
    return sum(map(len, iter(lambda: file.read(step), b"")))


def test_a_file_that_is_read_from_front_to_back_has_the_next_windows_fetched_in_other_threads():
    volume, store = holding({"k": content(SIZE)}, reading=SMALL)
    store.seconds = 0.01
    with volume.open("k") as file:
        assert scan(file, 10_000) == SIZE
    assert store.most > 1
    assert sum(get.thread.startswith("portable-read") for get in store.gets) > len(store.gets) / 2
    assert store.asked < SIZE * 1.02 + 200 * KIB
    volume.close()


def test_memory_is_bounded_by_the_windows_however_slowly_the_reader_reads():
    volume, store = holding({"k": content(SIZE)}, reading=SMALL)
    with volume.open("k") as file:
        read = 0
        while piece := file.read(16 * KIB):
            read += len(piece)
            fetched = max(get.stop for get in store.gets if get.stop < HEADER + SIZE) - HEADER
            assert fetched <= (read + (SMALL.windows + 2) * SMALL.window) * 1.01
    volume.close()


def test_a_reader_that_jumps_about_fetches_nothing_in_advance():
    data = content(SIZE)
    volume, store = holding({"k": data})
    with volume.open("k") as file:
        opened = store.asked
        for start in (2 * MIB, 0, MIB, 500 * KIB, 2 * MIB + 500 * KIB, 100 * KIB):
            file.seek(start)
            assert file.read(70_000) == data[start : start + 70_000]
            file.seek(start + 70_000)
            assert file.read(10) == data[start + 70_000 : start + 70_010]
    assert {get.thread for get in store.gets} == {"MainThread"}
    # A small read fetches 64 KiB, because fewer bytes take as long.
    assert store.asked - opened <= 6 * (70_000 + 64 * KIB + 4 * FRAME) * 1.01
    volume.close()


def test_who_turns_away_from_a_sequence_has_had_at_most_as_much_fetched_in_advance_as_was_read():
    volume, store = holding({"k": content(SIZE)}, reading=Reading(window=256 * KIB, windows=8))
    for length in (64 * KIB, 300 * KIB, MIB):
        with volume.open("k") as file:
            store.forget()
            file.seek(MIB)
            for _ in range(length // (16 * KIB)):
                file.read(16 * KIB)
            file.seek(0)
            assert store.asked <= (3 * length + 64 * KIB + FRAME) * 1.01
    volume.close()


def test_a_frame_that_was_decrypted_is_not_fetched_again_for_the_next_bytes_of_it():
    data = content(SIZE)
    volume, store = holding({"k": data}, reading=NONE)
    with volume.open("k") as file:
        file.seek(MIB)
        file.read(10)
        count = len(store.gets)
        for _ in range(100):
            file.read(100)
        assert len(store.gets) == count
    volume.close()


def test_without_windows_no_thread_fetches():
    volume, store = holding({"k": content(SIZE)}, reading=NONE)
    with volume.open("k") as file:
        assert scan(file, 10_000) == SIZE
    assert {get.thread for get in store.gets} == {"MainThread"}


def test_closing_while_a_fetch_is_under_way_does_not_wait_for_it():
    volume, store = holding({"k": content(SIZE)}, reading=SMALL)
    going, begun = threading.Event(), threading.Event()

    def hold(get):
        if get.thread.startswith("portable-read"):
            begun.set()
            going.wait(30)

    file = volume.open("k")
    store.before = hold
    while not begun.is_set():
        file.read(20_000)
    began = time.monotonic()
    file.close()
    assert time.monotonic() - began < 5
    going.set()
    volume.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("portable-read")]


def test_what_failed_in_advance_is_asked_for_again_and_only_then_an_error():
    data = content(SIZE)
    volume, store = holding({"k": data}, reading=SMALL)

    def fail(get):
        if get.thread.startswith("portable-read"):
            raise Unavailable("for a moment")

    store.before = fail
    with volume.open("k") as file:
        assert file.read(SIZE // 2) + b"".join(iter(lambda: file.read(10_000), b"")) == data
    store.before = lambda get: fail(get) if get.start == 0 else _unavailable()
    with volume.open("k") as file, pytest.raises(Unavailable, match="for good"):
        scan(file, 10_000)
    volume.close()


def _unavailable():
    raise Unavailable("for good")


def test_an_object_that_is_replaced_while_it_is_read_is_never_mixed():
    volume, store = holding({"k": content(SIZE)}, reading=SMALL)
    with volume.open("k") as file:
        first = file.read(300_000)
        Volume(store, KEYS).write("k", content(SIZE, 1))
        with pytest.raises(ObjectChanged, match="open it again"):
            scan(file, 10_000)
    assert content(SIZE).startswith(first)
    volume.close()


def test_an_altered_frame_gives_no_byte_of_itself_also_where_it_came_in_advance():
    data = content(SIZE)
    volume, store = holding({"k": data}, reading=SMALL)
    altered, bad = bytearray(store.get("k").data), 400
    altered[HEADER + bad * (FRAME + 32) + 100] ^= 1
    store.put("k", altered)
    pieces = []
    with volume.open("k") as file, pytest.raises(IntegrityError):
        pieces.extend(iter(lambda: file.read(10_000), b""))
    assert data[: bad * FRAME].startswith(b"".join(pieces))
    volume.close()


def test_several_threads_may_use_one_file():
    data = content(SIZE)
    volume, _ = holding({"k": data}, reading=SMALL)
    pieces, lock = [], threading.Lock()

    def read():
        while piece := file.read(7_777):
            with lock:
                pieces.append(piece)

    with volume.open("k") as file:
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(map(len, pieces)) == SIZE
    assert set(pieces) == {data[start : start + 7_777] for start in range(0, SIZE, 7_777)}
    volume.close()
