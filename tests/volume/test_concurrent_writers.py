"""Writers of one key at once, at real hosts: the last commit stands, or a conditional one is refused; never a mixture."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, ANY, Expectation, Matches
from portable.errors import AlreadyExists, PreconditionFailed, RetryableError
from portable.keys.volume_keys import VolumeKeys
from portable.opening import backend_at
from portable.volume import Volume
from tests.servers import Azurite, SeaweedFS

WRITERS = 4
PART = 5 << 20
"""Bytes: the smallest part that S3 takes, so that it goes faster."""
SIZES = (300_000, 2 * PART + 5)
"""Bytes: of an object of one part, and of one of three."""
KEYS = VolumeKeys.generate("lake")


@pytest.fixture(params=["s3", "az"])
def volume(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Volume]:
    server: SeaweedFS | Azurite = request.getfixturevalue({"s3": "seaweedfs", "az": "azurite"}[request.param])
    for name, value in server.env("W_").items():
        monkeypatch.setenv(name, value)
    place = request.getfixturevalue({"s3": "bucket", "az": "container"}[request.param])
    provider = {"s3": "seaweedfs", "az": None}[request.param]
    backend = backend_at(Location(f"{request.param}://{place}/lake", credentials="env:W_", provider=provider))
    backend.capabilities = replace(backend.capabilities, part_size=PART)
    yield Volume(backend, KEYS, parallel=2)
    backend.close()


def content(writer: int, size: int) -> bytes:
    return bytes([65 + writer]) * size


def create(volume: Volume, data: bytes, expect: Expectation) -> None:
    with volume.create("k", expect=expect) as file:
        for start in range(0, len(data), 1_000_003):
            file.write(data[start : start + 1_000_003])


def write(volume: Volume, data: bytes, expect: Expectation) -> None:
    volume.write("k", data, expect=expect)


def at_once(calls: list[Callable[[], None]]) -> list[BaseException | None]:
    """Make calls that begin together, each from a thread of its own, and return how each ended."""
    ends: list[BaseException | None] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number: int) -> None:
        barrier.wait()
        try:
            calls[number]()
        except (AlreadyExists, PreconditionFailed, RetryableError) as refused:
            ends[number] = refused

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


@pytest.mark.parametrize("large", [0, 1], ids=["small", "large"])
@pytest.mark.parametrize("how", [create, write])
def test_writers_at_once_leave_the_whole_object_of_one_that_was_told_of_success(
    volume: Volume, how: Callable[[Volume, bytes, Expectation], None], large: int
) -> None:
    """Azure drops the parts of every upload to a key with each write of it, and who lost theirs is told to write again."""
    size = SIZES[large]
    ends = at_once([partial(how, volume, content(writer, size), ANY) for writer in range(WRITERS)])
    told = [writer for writer, end in enumerate(ends) if end is None]
    assert volume.read("k") in [content(writer, size) for writer in told]
    assert {type(end) for end in ends if end is not None} <= {RetryableError}
    assert len(told) == WRITERS or (large and "az://" in repr(volume))
    assert not list(volume.backend.unfinished())


@pytest.mark.parametrize("large", [0, 1], ids=["small", "large"])
def test_of_writers_at_once_that_expect_the_same_one_succeeds_and_its_object_stands(volume: Volume, large: int) -> None:
    size = SIZES[large]
    for expect in (ABSENT, Matches):
        expected = expect if expect == ABSENT else Matches(volume.info("k").etag)
        ends = at_once([partial(create, volume, content(writer, size), expected) for writer in range(WRITERS)])
        assert ends.count(None) == 1
        assert volume.read("k") == content(ends.index(None), size)
