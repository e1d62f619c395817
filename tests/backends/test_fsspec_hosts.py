"""What the fsspec backend promises, over s3fs, adlfs, memory and local files."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
import s3fs.core

from portable.backends.fsspec_backend import FsspecBackend
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.backends.registry import open_backend
from portable.errors import ConfigurationError, InvalidKey, NotFound, PortableError, PreconditionFailed, Unsupported
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.backends.fsspec_places import LARGE_BODIES, PLACES, Place, make

PART = 8 << 20
KEYS = VolumeKeys.generate("lake")
HELD = ["a", "a b", " a ", "a+b", "a%2Fb", "é", "e\u0301", "😀/😀", "a#b", "a.b/..c/...", "\u0085\u2028", "x" * 255]
AWKWARD = ["", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\\b", "a\nb", "a\0b", "a\uffff", "\ud800", "x" * 1_025]

pytestmark = pytest.mark.filterwarnings(LARGE_BODIES)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return make(request.param, request, tmp_path, monkeypatch)


@pytest.fixture
def backend(place: Place) -> Iterator[FsspecBackend]:
    opened = place.open()
    yield opened
    opened.close()


def keys(backend: FsspecBackend, prefix: str = "") -> list[str]:
    return sorted(stat.key for stat in backend.list(prefix))


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(100_000)], ids=["empty", "a byte", "100 kB"])
def test_what_was_put_is_got_and_described_the_same_everywhere(backend: FsspecBackend, data: bytes) -> None:
    put = backend.put("folder/key", data)
    fetched, told, (listed,), (counted,) = (
        backend.get("folder/key"),
        backend.stat("folder/key"),
        backend.list(),
        backend.inventory(),
    )
    assert bytes(fetched.data) == data
    for stat in (put, fetched.stat, told, listed, counted):
        assert (stat.key, stat.size, stat.etag) == ("folder/key", len(data), put.etag)
        assert abs((stat.modified - put.modified).total_seconds()) < 5


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, None, b"0123456789"), (3, 5, b"34"), (8, 100, b"89"), (10, 11, b""), (99, None, b""), (5, 3, b"")],
)
def test_ranges_are_clamped(backend: FsspecBackend, start: int, stop: int | None, expected: bytes) -> None:
    backend.put("key", bytearray(b"0123456789"))
    assert bytes(backend.get("key", start, stop).data) == expected


def test_a_read_can_demand_a_version(backend: FsspecBackend) -> None:
    first = backend.put("key", b"first").etag
    assert bytes(backend.get("key", 1, 3, if_match=first).data) == b"ir"
    assert backend.put("key", b"other").etag != first
    for start, stop in ((0, None), (1, 3), (99, 100)):
        with pytest.raises(PreconditionFailed):
            backend.get("key", start, stop, if_match=first)


def test_a_prefix_is_a_plain_string(backend: FsspecBackend) -> None:
    for key in ("ab.c", "ab/c", "ab/d/e", "abc/d", "b"):
        backend.put(f"x/{key}", b"")
    assert keys(backend, "x/ab") == ["x/ab.c", "x/ab/c", "x/ab/d/e", "x/abc/d"]
    assert keys(backend, "x/ab/") == ["x/ab/c", "x/ab/d/e"]
    assert keys(backend, "x/ab/d/e") == ["x/ab/d/e"]
    assert keys(backend, "nothing/here") == []


def test_an_object_beside_the_prefix_hides_nothing(place: Place, backend: FsspecBackend) -> None:
    if place.kind not in ("s3fs", "adlfs"):
        return  # files and folders cannot share a name there
    inside = place.open("x/ab")
    inside.put("c", b"inside")
    backend.put("x/ab.beside", b"")
    if place.kind == "adlfs":  # SeaweedFS keeps keys as paths
        backend.put("x/ab", b"")
    assert keys(inside) == ["c"]
    assert "x/ab/c" in keys(backend, "x/ab/")
    inside.close()


def test_a_prefix_bounds_the_store(place: Place, backend: FsspecBackend) -> None:
    backend.put("a/b-sibling", b"")
    backend.put("a/b/key", b"inside")
    inside = place.open("a/b")
    assert keys(inside) == ["key"]
    for key in ("../b-sibling", "/a/b-sibling"):
        with pytest.raises(InvalidKey):
            inside.get(key)
    inside.delete("key")
    assert keys(backend) == ["a/b-sibling"]
    inside.close()


@pytest.mark.parametrize("key", HELD, ids=lambda key: ascii(key[:20]))
def test_a_key_comes_back_byte_for_byte(backend: FsspecBackend, key: str) -> None:
    backend.put(key, key.encode())
    assert bytes(backend.get(key).data) == key.encode()
    assert keys(backend) == keys(backend, key[:-1]) == [key]
    backend.delete(key)
    assert keys(backend) == []


@pytest.mark.parametrize("key", AWKWARD, ids=lambda key: ascii(key[:20]))
def test_a_key_that_filesystems_normalise_is_refused_before_anything_is_written(backend: FsspecBackend, key: str) -> None:
    for write in (lambda: backend.put(key, b""), lambda: backend.begin(key), lambda: backend.delete(key)):
        with pytest.raises(InvalidKey):
            write()
    assert list(backend.inventory()) == []


@pytest.mark.parametrize("key", ["a?versionId=1", "a?versionid=1", "a?b#c", "a:b", "a[b"])
def test_a_key_is_held_exactly_or_refused(backend: FsspecBackend, key: str) -> None:
    try:
        backend.put(key, b"data")
    except InvalidKey:
        assert keys(backend) == []
    else:
        assert keys(backend) == [key]
        assert bytes(backend.get(key).data) == b"data"


def test_the_folder_of_temporary_files_is_kept_from_keys_where_there_is_one(place: Place, backend: FsspecBackend) -> None:
    if place.kind == "local":
        with pytest.raises(InvalidKey, match="temporary"):
            backend.put(".portable-tmp/a", b"")
    else:
        backend.put(".portable-tmp/a", b"")
        assert keys(backend) == [".portable-tmp/a"]


def test_a_store_is_opened_by_its_url(place: Place) -> None:
    if place.kind in ("local", "memory"):
        filesystem, path = fsspec.url_to_fs(f"{place.base.removeprefix('fsspec+')}/lake")
        filesystem.mkdir(path)
    opened = open_backend(Location(f"{place.base}/lake", credentials=place.credentials), bound=30.0)
    etag = opened.put("key", b"data").etag
    assert bytes(opened.get("key", if_match=etag).data) == b"data"
    assert [stat.key for stat in opened.list()] == ["key"]
    opened.close()


def test_what_fsspec_cannot_do_is_refused_and_changes_nothing(backend: FsspecBackend) -> None:
    etag = backend.put("key", b"standing").etag
    upload = backend.begin("key")
    upload.part(0, b"staged")
    for call in (
        lambda: backend.put("key", b"", expect=ABSENT),
        lambda: backend.put("key", b"", expect=Matches(etag)),
        lambda: backend.put("key", b"", attributes=Attributes(content_type="text/csv")),
        lambda: backend.begin("key", attributes=Attributes(metadata={"a": "b"})),
        lambda: backend.delete("key", expect=Matches(etag)),
        lambda: backend.delete("key", expect=ABSENT),
        lambda: upload.commit(ABSENT),
        lambda: backend.resume("key", ""),
        lambda: backend.unfinished(),
    ):
        with pytest.raises(Unsupported):
            call()
    upload.abort()
    assert bytes(backend.get("key").data) == b"standing"


def test_deleting_nothing_is_a_success(backend: FsspecBackend) -> None:
    backend.put("folder/key", b"")
    backend.delete("nothing")
    backend.delete("folder/nothing")
    backend.delete("folder/key")
    backend.delete("folder/key")
    assert keys(backend) == []
    with pytest.raises(NotFound, match="folder/key"):
        backend.stat("folder/key")


def test_a_missing_container_is_not_found(place: Place) -> None:
    missing = place.missing()
    calls = (
        lambda: list(missing.list()),
        lambda: list(missing.inventory()),
        lambda: missing.get("k"),
        lambda: missing.put("k", b""),
        lambda: missing.delete("k"),
    )
    for call in calls:
        with pytest.raises(NotFound):
            call()
    missing.close()


def test_parts_become_one_object_when_they_are_committed(backend: FsspecBackend) -> None:
    parts = [os.urandom(PART), os.urandom(PART), os.urandom(1_000)]
    upload = backend.begin("folder/large")
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(upload.part, [2, 0, 1], [b"earlier", parts[0], memoryview(parts[1])])) == ["none"] * 3
    upload.part(2, parts[2])
    assert keys(backend) == []
    assert upload.staged() == {0: PART, 1: PART, 2: 1_000}
    done = upload.commit()
    fetched = backend.get("folder/large")
    assert bytes(fetched.data) == b"".join(parts)
    assert (done.size, done.etag) == (2 * PART + 1_000, fetched.stat.etag)
    assert bytes(backend.get("folder/large", PART - 3, PART + 3).data) == parts[0][-3:] + parts[1][:3]
    upload.abort()
    with pytest.raises(NotFound):
        upload.part(0, b"")
    assert keys(backend) == ["folder/large"]


def test_a_large_object_goes_out_as_a_multipart_upload_where_the_filesystem_has_one(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """s3fs does that from 100 MiB on; here from 10."""
    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda *_, **__: 5 << 20)
    backend = make("s3fs", request, tmp_path, monkeypatch).open("lake")
    upload, parts = backend.begin("large"), [os.urandom(PART), os.urandom(PART)]
    for number, part in enumerate(parts):
        upload.part(number, part)
    done = upload.commit()
    assert done.etag.strip('"').endswith("-4")  # four parts: 16 MiB by 5
    assert bytes(backend.get("large", if_match=done.etag).data) == b"".join(parts)
    backend.close()


@pytest.mark.parametrize("numbers", [[], [1], [0, 2], [0, 1]])
def test_a_commit_needs_every_part_in_full(backend: FsspecBackend, numbers: list[int]) -> None:
    upload = backend.begin("key")
    for number in numbers:
        upload.part(number, b"short")
    with pytest.raises(ConfigurationError, match="part"):
        upload.commit()
    upload.abort()
    assert list(backend.inventory()) == []


def test_many_threads_read_and_write_at_once(backend: FsspecBackend) -> None:
    def work(number: int) -> bool:
        data = os.urandom(1_000)
        backend.put(f"k/{number}", data)
        return bytes(backend.get(f"k/{number}").data) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(24)))


def test_a_sealed_volume_writes_and_reads_over_it(backend: FsspecBackend) -> None:
    volume, large = Volume(backend, KEYS), os.urandom(2 * PART + 12_345)
    volume.write("a/small.csv", b"x,y\n1,2\n")
    volume.write("a/large", large)
    assert volume.read("a/small.csv") == b"x,y\n1,2\n"
    assert volume.read("a/large") == large
    for start, stop in ((0, 1), (PART - 10, PART + 10), (len(large) - 5, len(large))):
        assert volume.read("a/large", start=start, stop=stop) == large[start:stop]
    assert {info.key: info.size for info in volume.list("a/")} == {"a/small.csv": 8, "a/large": len(large)}
    assert b"x,y" not in bytes(backend.get("a/small.csv").data)
    volume.delete("a/large")
    with pytest.raises(PortableError):
        volume.read("a/large")
