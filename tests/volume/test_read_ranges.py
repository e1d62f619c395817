"""Ranges are fetched in few requests, side by side, all of one version or not at all."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.errors import IntegrityError, InvalidKey, NotFound, ObjectChanged, Unavailable
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from portable.volume.planning import Reading
from portable.volume.reading import chunks
from tests.volume.stores import FRAME, HEADER, KEYS, WatchedStore, content, holding

STORED = FRAME + 32
LARGE = VolumeKeys.generate("large")
KIB, MIB = 1024, 1024 * 1024
BOUNDS = st.integers(-5_000, 60_000)
RANGES = st.lists(st.tuples(BOUNDS, st.none() | BOUNDS), max_size=6)
APART = [(number * 10 * FRAME, number * 10 * FRAME + 100) for number in range(8)]
BARE = Reading(ahead=0, tail=0, gap=0)


@settings(deadline=None)
@given(
    st.integers(0, 12 * FRAME + 9),
    RANGES,
    st.sampled_from([KEYS, None]),
    st.integers(1, 3),
    st.integers(FRAME // 2, 4 * FRAME),
    st.integers(0, 2 * FRAME),
    st.integers(0, 4 * FRAME),
)
def test_every_range_equals_the_slice_whatever_the_plan(size, ranges, keys, requests, piece, gap, ahead):
    data = content(size)
    reading = Reading(requests=requests, piece=piece, gap=gap, ahead=ahead, tail=ahead // 2)
    volume, _ = holding({"k": data}, keys=keys, reading=reading)
    expected = [data[start:stop] for start, stop in ranges]
    assert volume.read_ranges("k", ranges) == expected
    assert volume.reader("k", ahead=ahead).read_ranges(ranges) == expected
    assert volume.read_ranges("k", ranges) == expected
    assert volume.read_many([("k", start, stop) for start, stop in ranges]) == expected
    volume.close()


def test_what_counts_from_the_end_comes_with_the_final_frame():
    data = content(2 * MIB + 9)
    volume, store = holding({"k": data}, keys=LARGE)
    assert volume.read_many([("k", -100 * KIB, None)]) == [data[-100 * KIB :]]
    assert store.requests == 2


# What it costs


WAYS = {
    "whole": lambda volume: volume.read("k"),
    "its range": lambda volume: volume.read("k", 0, 64 * KIB),
    "one of ranges": lambda volume: volume.read_ranges("k", [(0, 64 * KIB)])[0],
    "one of many": lambda volume: volume.read_many([("k", 0, None)])[0],
    "as a file": lambda volume: volume.open("k").read(),
    "by a reader": lambda volume: volume.reader("k", ahead=128 * KIB).read(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 1, 8 * KIB, 64 * KIB])
@pytest.mark.parametrize("keys", [LARGE, KEYS, None])
def test_a_small_object_is_one_request_whichever_way_it_is_read(keys, size, way):
    data = content(size)
    volume, store = holding({"k": data}, keys=keys)
    assert WAYS[way](volume) == data
    assert store.requests == 1
    assert {get.thread for get in store.gets} == {"MainThread"}


def test_two_thousand_small_objects_are_two_thousand_requests():
    names = [f"part-{number:04}" for number in range(2_000)]
    volume, store = holding(dict.fromkeys(names, b"x" * 500))
    for name in names:
        with volume.open(name) as file:
            assert len(file.read()) == 500
    assert (store.requests, len(store.gets)) == (2_000, 2_000)


def test_one_more_range_of_an_object_is_one_more_request():
    volume, store = holding({"k": content(3 * MIB)}, keys=LARGE)
    volume.read("k", MIB, MIB + 1)
    assert store.requests == 3  # header, final frame, and the frame
    volume.read("k", 2 * MIB, 2 * MIB + 1)
    volume.read_ranges("k", [(MIB, MIB + 1)])
    assert store.requests == 5


def test_a_parquet_file_is_opened_in_two_requests_of_which_the_second_holds_the_footer():
    size = 20 * MIB + 100 * KIB
    data = content(size)
    columns = [(MIB, 2 * MIB), (5 * MIB, 5 * MIB + 700 * KIB), (9 * MIB, 10 * MIB)]
    volume, store = holding({"k": data}, keys=LARGE)
    with volume.open("k") as file:
        assert store.requests == 2
        assert (file.seek(-8, 2), file.read(8)) == (size - 8, data[-8:])
        file.seek(-60 * KIB, 2)
        assert file.read(60 * KIB) == data[-60 * KIB :]
        assert store.requests == 2
        opened = store.asked
        for start, stop in columns:
            file.seek(start)
            assert file.read(stop - start) == data[start:stop]
    assert store.requests == 2 + len(columns)
    assert opened < 500 * KIB
    frames = sum(-(-stop // (256 * KIB)) - start // (256 * KIB) for start, stop in columns)
    assert store.asked - opened == frames * (256 * KIB + 32)


def test_the_footer_comes_in_the_request_of_the_final_frame_even_where_that_frame_is_short():
    data = content(2 * MIB + 9)
    volume, store = holding({"k": data}, keys=LARGE)
    with volume.open("k") as file:
        file.seek(-64 * KIB, 2)
        assert file.read() == data[-64 * KIB :]
    assert store.requests == 2


def test_a_description_before_opening_and_ranges_after_it_do_not_fetch_header_and_end_again():
    for size, opened in ((2 * MIB + 9, (1, 0)), (2 * MIB + 100 * KIB, (0, 1))):
        data = content(size)
        volume, store = holding({"k": data}, keys=LARGE)
        assert volume.info("k").size == size
        assert (len(store.gets), store.stats) == (2, 0)
        store.forget()
        with volume.open("k") as file:
            # Either the footer's frame confirms that the version stands, or a request for nothing else.
            assert (len(store.gets), store.stats) == opened
            file.seek(-64 * KIB, 2)
            assert file.read() == data[-64 * KIB :]
        volume.read_ranges("k", [(0, 10), (MIB, MIB + 10)])
        assert store.requests == 3
        assert volume.info("k").size == size
        assert (store.requests, len(store.gets)) == (4, opened[0] + 2)


def test_what_stands_there_now_is_opened_and_described_and_not_what_was_read_before():
    volume, store = holding({"k": content(3 * FRAME)})
    other = Volume(store, KEYS)
    for seed in range(1, 4):
        data = content(3 * FRAME + seed, seed)
        other.write("k", data)
        assert volume.info("k").size == len(data)
        with volume.open("k") as file:
            assert file.read() == data
        volume.read("k", 0, 10)


def test_after_a_write_of_its_own_a_volume_asks_for_nothing_that_it_knows_to_be_gone():
    volume, store = holding({"k": content(100)})
    volume.read("k", 0, 10)
    volume.write("k", b"new")
    store.forget()
    assert volume.read("k", 0, 10) == b"new"
    assert store.requests == 1


def test_ranges_close_together_come_in_one_request_and_no_byte_comes_twice():
    data = content(40 * FRAME)
    volume, store = holding({"k": data}, reading=Reading(ahead=0, gap=2 * FRAME))
    ranges = [(20 * FRAME, 21 * FRAME), (5, 10), (8, 3 * FRAME + 1), (23 * FRAME, 24 * FRAME), (30 * FRAME, 30 * FRAME + 1)]
    assert volume.read_ranges("k", ranges) == [data[start:stop] for start, stop in ranges]
    assert sorted((get.start, get.stop) for get in store.gets[2:]) == [
        (HEADER, HEADER + 4 * STORED),
        (HEADER + 20 * STORED, HEADER + 24 * STORED),
        (HEADER + 30 * STORED, HEADER + 31 * STORED),
    ]


def test_a_clear_object_costs_one_request_for_its_first_range_and_its_size():
    data = content(200_000)
    volume, store = holding({"k": data}, keys=None, reading=Reading(gap=10))
    assert volume.read("k", 100_000, 100_010) == data[100_000:100_010]
    assert [(get.start, get.stop) for get in store.gets] == [(100_000, 100_010)]
    ranges = [(150_000, 150_010), (10, 20), (25, 30)]
    assert volume.read_ranges("k", ranges) == [data[start:stop] for start, stop in ranges]
    assert [(get.start, get.stop) for get in store.gets[1:]] == [(10, 30), (150_000, 150_010)]
    assert store.stats == 0


# Side by side


@pytest.mark.parametrize("requests", [1, 2, 4])
@pytest.mark.parametrize("keys", [KEYS, None])
def test_requests_go_out_side_by_side_but_no_more_than_are_allowed(keys, requests):
    data = content(100 * FRAME)
    volume, store = holding({"k": data}, keys=keys, reading=Reading(requests=requests, ahead=0, gap=0))
    store.seconds = 0.01
    assert volume.read_ranges("k", APART) == [data[start:stop] for start, stop in APART]
    assert store.most == requests
    volume.close()


def test_a_long_read_is_cut_into_requests_that_go_out_side_by_side():
    data = content(64 * FRAME + 5)
    volume, store = holding({"k": data}, reading=Reading(piece=8 * FRAME))
    store.seconds = 0.01
    assert volume.read("k") == data
    assert store.most > 2
    assert max(get.stop - get.start for get in store.gets) <= HEADER + 8 * STORED
    assert store.asked < len(data) + 40 * FRAME // 32 + 3 * FRAME
    volume.close()


def test_a_piecewise_read_asks_for_one_piece_at_a_time_in_its_own_thread():
    data = content(64 * FRAME)
    volume, store = holding({"k": data}, reading=Reading(ahead=0, piece=8 * FRAME))
    assert b"".join(chunks(volume.reader("k"), 8 * FRAME)) == data
    assert {get.thread for get in store.gets} == {threading.current_thread().name}


def test_many_objects_are_read_side_by_side_and_each_answers_for_itself():
    objects = {f"k{number}": content(number * 100, number) for number in range(30)}
    volume, store = holding(objects)
    store.seconds = 0.005
    wanted = [(key, 0, None) for key in objects] + [("k7", 5, 10), ("missing", 0, None), ("", 0, None), ("k7", 1, 3)]
    *found, first, missing, empty, second = volume.read_many(wanted)
    assert found == list(objects.values())
    assert (first, second) == (objects["k7"][5:10], objects["k7"][1:3])
    assert isinstance(missing, NotFound)
    assert isinstance(empty, InvalidKey)
    assert 4 < store.most <= Reading().requests
    volume.close()


def test_many_large_objects_read_at_once_do_not_wait_for_each_other_for_ever():
    objects = {f"k{number}": content(40 * FRAME, number) for number in range(6)}
    volume, store = holding(objects, reading=Reading(requests=2, piece=2 * FRAME))
    store.seconds = 0.001
    assert volume.read_many([(key, 0, None) for key in objects]) == list(objects.values())
    volume.close()


def test_no_thread_outlives_the_volume():
    volume, _ = holding({"k": content(100 * FRAME)}, reading=BARE)
    before = set(threading.enumerate())
    volume.read("k", 0, 10)
    assert set(threading.enumerate()) == before
    volume.read_ranges("k", APART)
    assert set(threading.enumerate()) > before
    volume.close()
    assert set(threading.enumerate()) == before


def test_a_volume_with_other_keys_shares_the_threads_and_closing_one_ends_them():
    volume, _ = holding({"k": content(100 * FRAME)}, reading=BARE)
    before = set(threading.enumerate())
    renewed = volume.with_keys(KEYS)
    volume.read_ranges("k", APART)
    renewed.read_ranges("k", APART)
    assert len(set(threading.enumerate()) - before) < Reading().requests
    renewed.close()
    assert set(threading.enumerate()) == before


# What goes wrong


def replace_at(store: WatchedStore, number: int, data: bytes, keys=KEYS) -> None:
    """Replace the object when request `number` comes, before it is answered."""
    write = threading.Lock()

    def before(_get):
        if len(store.gets) >= number and write.acquire(blocking=False):
            Volume(store, keys).write("k", data)

    store.before = before


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("keys", [KEYS, None])
def test_an_object_that_is_replaced_between_two_ranges_is_read_again_as_a_whole(keys, number):
    old, new = content(100 * FRAME), content(100 * FRAME, 1)
    volume, store = holding({"k": old}, keys=keys, reading=BARE)
    replace_at(store, number, new, keys)
    found = volume.read_ranges("k", APART)
    assert found in ([data[start:stop] for start, stop in APART] for data in (old, new))
    assert number <= 1 or found == [new[start:stop] for start, stop in APART]
    volume.close()


def test_a_reader_does_not_follow_its_object_to_another_version():
    volume, store = holding({"k": content(100 * FRAME)}, reading=BARE)
    reader = volume.reader("k")
    replace_at(store, len(store.gets) + 4, content(100 * FRAME, 1))
    with pytest.raises(ObjectChanged, match="open it again"):
        reader.read_ranges(APART)
    volume.close()


def test_an_object_that_is_replaced_again_and_again_is_given_up_on():
    volume, store = holding({"k": content(100 * FRAME)}, reading=BARE)

    def before(get):
        if get.start:
            Volume(store, KEYS).write("k", content(100 * FRAME, len(store.gets)))

    store.before = before
    with pytest.raises(ObjectChanged):
        volume.read_ranges("k", APART)
    volume.close()


@pytest.mark.parametrize("at", [0, 30 * FRAME, 70 * FRAME])
def test_a_flipped_byte_in_one_of_the_ranges_refuses_them_all(at):
    volume, store = holding({"k": content(100 * FRAME)}, reading=BARE)
    altered = bytearray(store.get("k").data)
    altered[HEADER + at // FRAME * STORED + 20] ^= 1
    store.put("k", altered)
    for _ in range(2):
        with pytest.raises(IntegrityError):
            volume.read_ranges("k", APART)
    with pytest.raises(IntegrityError):
        volume.read("k")
    assert volume.read_ranges("k", [(10 * FRAME, 10 * FRAME + 1)]) == [content(100 * FRAME)[10 * FRAME : 10 * FRAME + 1]]
    volume.close()


@pytest.mark.parametrize("cut", [1, 40, STORED, 50 * STORED])
def test_a_truncated_object_is_refused_for_any_range(cut):
    volume, store = holding({"k": content(100 * FRAME)}, reading=BARE)
    store.put("k", bytes(store.get("k").data)[:-cut])
    with pytest.raises(IntegrityError):
        volume.read_ranges("k", APART[:2])
    volume.close()


@pytest.mark.parametrize("keys", [KEYS, None])
def test_an_answer_that_is_shorter_or_longer_than_was_asked_for_is_refused(keys):
    class Lying(WatchedStore):
        extra = -1

        def get(self, key, start=0, stop=None, *, if_match=None):
            fetched = super().get(key, start, stop, if_match=if_match)
            if not start:
                return fetched
            data = bytes(fetched.data)
            return type(fetched)(data[: self.extra] if self.extra < 0 else data + b"x", fetched.stat)

    store = Lying()
    Volume(store, keys).write("k", content(100 * FRAME))
    for store.extra in (-1, 1):
        with pytest.raises(IntegrityError, match="shorter or longer"):
            Volume(store, keys, reading=BARE).read_ranges("k", APART)


def test_the_first_failure_ends_the_rest():
    volume, store = holding({"k": content(400 * FRAME)}, reading=Reading(ahead=0, gap=0, requests=2))
    ranges = [(number * 4 * FRAME, number * 4 * FRAME + 1) for number in range(100)]

    def before(get):
        if get.start:
            raise Unavailable("the host is gone")

    volume.read("k", 0, 1)
    store.before = before
    store.forget()
    with pytest.raises(Unavailable, match="gone"):
        volume.read_ranges("k", ranges)
    assert len(store.gets) <= 4
    volume.close()


def test_reading_after_close_needs_no_thread():
    volume, _ = holding({"k": content(100 * FRAME)}, reading=BARE)
    volume.close()
    before = set(threading.enumerate())
    assert len(volume.read_ranges("k", APART)) == len(APART)
    assert set(threading.enumerate()) == before
