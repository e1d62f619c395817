"""One open file, shared by threads."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.volume import Volume
from portable.volume.files import ReadableObject
from portable.volume.positions import Positions

SIZE, THREADS = 3_000_000, 8


@pytest.fixture(scope="module")
def plain() -> bytes:
    return random.Random(1).randbytes(SIZE)


@pytest.fixture
def file(plain: bytes) -> ReadableObject:
    volume = Volume(MemoryBackend(Location(url="memory://positions")), None)
    volume.write("k", plain)
    return volume.open("k")


def in_another_thread(do):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do).result()


def test_threads_that_each_seek_and_then_read_get_what_they_sought(file: ReadableObject, plain: bytes) -> None:
    together = threading.Barrier(THREADS)

    def read(seed: int) -> list[tuple[int, bytes]]:
        places, found = random.Random(seed), []
        for _ in range(100):
            place = places.randrange(SIZE)
            file.seek(place)
            together.wait()  # every thread has moved before any reads: the last move is everybody's but one's
            found.append((place, file.read(1_000)))
            together.wait()
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(read, range(THREADS)):
            assert all(data == plain[place : place + 1_000] for place, data in found)


def test_a_seek_does_not_wait_for_what_another_thread_fetches(file: ReadableObject) -> None:
    with file._lock:
        assert in_another_thread(lambda: (file.seek(10), file.tell())) == (10, 10)


def test_a_thread_reads_on_where_another_one_has_moved_or_ended(file: ReadableObject, plain: bytes) -> None:
    file.seek(100)
    assert in_another_thread(lambda: file.read(10)) == plain[100:110]
    assert file.read(10) == plain[110:120]
    assert in_another_thread(lambda: (file.tell(), file.readline(5))) == (120, plain[120:125])
    assert file.tell() == 125


def test_moving_relative_to_the_position_is_relative_to_the_threads_own() -> None:
    positions = Positions()
    positions.move(5)
    in_another_thread(lambda: positions.move(100))
    assert positions.here == 5
    assert positions.own() == 5
    assert positions.own() is None
