"""One more range of an object that was read costs its frames and nothing else, and is of the version that stands there."""

import contextlib
import copy
import pickle
import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.recording import RecordingBackend
from portable.errors import IntegrityError, NotFound, ObjectChanged
from portable.format.layout import Body
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from portable.volume.cache import RecentReaders
from tests.volume.on_demand import KEY, OnDemand

FRAME = 4096
STORED = FRAME + 32
HEADER = 554
KEYS = VolumeKeys.generate("lake", frame_length=FRAME)
LARGE = VolumeKeys.generate("telemetry")
OTHER = bytes(range(256)) * 40


class Forgetful(MemoryBackend):
    """A host that ignores If-Match."""

    def get(self, key, start=0, stop=None, *, if_match=None):  # noqa: ARG002 -- what it ignores
        return super().get(key, start, stop)


def store(kind=MemoryBackend):
    url = f"memory://{uuid.uuid4().hex}"
    return RecordingBackend(kind(Location(url=url)), url=url)


@pytest.fixture
def backend():
    return store()


@pytest.fixture
def recent(backend):
    return RecentReaders(backend, KEYS)


def write(backend, key, data):
    Volume(backend, KEYS).write(key, data)


def asked(backend, action):
    """Return the verbs and sizes of the calls that `action` made."""
    before = len(backend.calls)
    action()
    return [(call.verb, call.size) for call in backend.calls[before:]]


def test_a_range_of_ten_gibibytes_costs_its_frames_and_the_first_one_a_header_and_the_final_frame_too():
    length = 10 * 2**30 + 12_345
    backend = RecordingBackend(OnDemand(LARGE, length), url="memory://on-demand")
    recent, body, frame = RecentReaders(backend, LARGE), Body.of_plaintext(length, LARGE.frame_length), 262_144 + 32

    def costs(start):
        return asked(backend, lambda: recent.read(KEY, start, start + 65_536))

    assert costs(5 * 2**30) == [("get", HEADER), ("get", 40 + 12_345), ("get", frame)]
    assert costs(7 * 2**30) == [("get", frame)]
    assert costs(262_144 * 9 - 1) == [("get", 2 * frame)]
    assert costs(body.frames * 262_144 - 1) == [("get", frame)]
    assert recent.read(KEY, length - 65_536) == bytes(65_536)
    backend._inner.replace()
    assert costs(5 * 2**30) == [("get", 0), ("get", HEADER), ("get", 40 + 12_345), ("get", frame)]
    assert costs(0) == [("get", frame)]


BOUNDS = st.integers(0, 20_000)


@given(st.integers(0, 3 * FRAME + 9), st.lists(st.tuples(BOUNDS, st.none() | BOUNDS), max_size=6))
def test_every_range_equals_the_slice(size, ranges):
    backend = store()
    plaintext = OTHER[:size].ljust(size, b"z")
    write(backend, "k", plaintext)
    recent = RecentReaders(backend, KEYS)
    for start, stop in ranges:
        assert recent.read("k", start, stop) == plaintext[start:stop]


@pytest.mark.parametrize("size", [0, 7, FRAME, 2 * FRAME, 2 * FRAME + 7])
@pytest.mark.parametrize(
    ("start", "stop"), [(0, 5), (0, None), (FRAME, FRAME + 5), (2 * FRAME, None), (10 * FRAME, None), (5, 5)]
)
@pytest.mark.parametrize("kind", [MemoryBackend, Forgetful])
def test_what_stands_there_now_is_read_whichever_range_is_asked_for(kind, size, start, stop):
    backend = store(kind)
    recent = RecentReaders(backend, KEYS)
    for data in (OTHER[:size], OTHER[1 : size + 1], OTHER[: FRAME + 3], b"", OTHER):
        write(backend, "k", data)
        for _ in range(2):
            assert recent.read("k", start, stop) == data[start:stop]


def test_a_range_that_the_final_frame_holds_is_confirmed_without_a_byte(backend, recent):
    write(backend, "k", OTHER[: FRAME + 7])
    recent.read("k", FRAME)
    assert asked(backend, lambda: recent.read("k", FRAME + 2, FRAME + 4)) == [("stat", 0)]


@pytest.mark.parametrize("start", [0, 2 * FRAME])
def test_an_object_that_was_deleted_is_not_found(backend, recent, start):
    write(backend, "k", OTHER)
    recent.read("k", start)
    backend.delete("k")
    with pytest.raises(NotFound):
        recent.read("k", start)
    with pytest.raises(NotFound):
        recent.read("never")


def test_an_altered_frame_is_refused_after_a_second_look(backend, recent):
    write(backend, "k", OTHER)
    recent.read("k", 0, 1)
    altered = bytearray(backend.get("k").data)
    altered[HEADER + 100] ^= 1
    backend.put("k", altered)
    for _ in range(2):
        with pytest.raises(IntegrityError):
            recent.read("k", 0, 1)
    assert recent.read("k", FRAME, FRAME + 1) == OTHER[FRAME : FRAME + 1]


def test_the_readers_kept_are_those_used_last(backend):
    recent = RecentReaders(backend, KEYS, objects=2)
    for key in "abc":
        write(backend, key, OTHER)
    for key in "aba":
        recent.read(key, 0, 1)
    assert len(asked(backend, lambda: recent.read("c", 0, 1))) == 3
    assert len(asked(backend, lambda: recent.read("a", 0, 1))) == 1
    assert len(asked(backend, lambda: recent.read("b", 0, 1))) == 3


def test_the_final_frames_kept_stay_within_their_room(backend):
    recent = RecentReaders(backend, KEYS, room=100)
    write(backend, "a", bytes(60))
    write(backend, "b", bytes(60))
    write(backend, "too large", bytes(101))
    write(backend, "small", bytes(40))
    for key in ("a", "b", "too large", "small"):
        recent.read(key, 0, 1)
    kept = {key for key in ("b", "small") if asked(backend, lambda key=key: recent.read(key, 0, 1)) == [("stat", 0)]}
    assert kept == {"b", "small"}
    for key in ("a", "too large"):
        assert len(asked(backend, lambda key=key: recent.read(key, 0, 1))) > 1


def test_after_clear_nothing_is_kept(backend, recent):
    write(backend, "k", OTHER)
    recent.read("k", 0, 1)
    recent.clear()
    assert len(asked(backend, lambda: recent.read("k", 0, 1))) == 3


def test_readers_leave_the_process_in_no_way(recent):
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="hold keys"):
            duplicate(recent)


def test_threads_that_read_while_objects_are_replaced_read_whole_versions(backend):
    recent, failures = RecentReaders(backend, KEYS, objects=2), []
    versions = {bytes([number]) * (2 * FRAME + number) for number in range(8)}

    def read():
        for stop in range(1, 2 * FRAME, 140):
            # Replaced while it was opened: a volume would try again.
            with contextlib.suppress(ObjectChanged):
                found = recent.read("k", 0, stop)
                if found not in {version[:stop] for version in versions}:
                    failures.append(found)

    write(backend, "k", min(versions))
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in sorted(versions) * 3:
        write(backend, "k", version)
    for thread in threads:
        thread.join()
    assert failures == []
