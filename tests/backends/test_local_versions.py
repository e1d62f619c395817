"""What the ETag of a file tells, and what cannot fool it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends import local_versions
from portable.backends.location import Location
from portable.backends.protocol import Backend, Matches
from portable.backends.registry import open_backend
from portable.errors import PreconditionFailed, Unavailable

SECOND = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def backend(root: Path) -> Backend:
    return open_backend(Location(f"file://{root}"))


def overwrite(path: Path, data: bytes) -> None:
    """Write in place, and put the time of the last change back."""
    told = path.stat()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def test_a_write_in_place_shows_in_the_etag_though_its_time_was_set_back(backend: Backend, root: Path) -> None:
    before = backend.put("key", b"before")
    overwrite(root / "key", b"after!")
    assert backend.stat("key").size == before.size
    assert backend.stat("key").etag != before.etag
    with pytest.raises(PreconditionFailed):
        backend.put("key", b"mine", expect=Matches(before.etag))


def test_writes_in_place_right_after_one_another_all_show(backend: Backend, root: Path) -> None:
    backend.put("key", b"0000")
    seen = {backend.stat("key").etag}
    for number in range(1, 50):
        overwrite(root / "key", b"%04d" % number)
        seen.add(next(iter(backend.list())).etag if number % 2 else backend.get("key").stat.etag)
    assert len(seen) == 50


def test_versions_written_at_once_differ(backend: Backend) -> None:
    together = Barrier(8)

    def write(number: int) -> list[str]:
        together.wait()
        return [backend.put("key", b"%d" % number).etag for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        etags = [etag for written in pool.map(write, range(8)) for etag in written]
    assert len(set(etags)) == len(etags)


class Clock:
    """A clock that stamps files and stands still between its ticks, and a sleep that lets it go on."""

    def __init__(self, now: int, tick: int) -> None:
        self.now, self.tick, self.slept = now, tick, 0

    def read(self) -> int:
        return self.now // self.tick * self.tick

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.now += int(seconds * SECOND)


@pytest.mark.parametrize(
    ("tick", "age", "sleeps"),
    [
        (SECOND // 250, 0, range(1, 6)),
        (SECOND // 250, SECOND // 250, range(1)),
        (SECOND // 250, -1, range(1)),  # a stamp finer than the clock: two changes never share it
        (SECOND, 0, range(400, 1_002)),
        (SECOND, SECOND, range(1)),
    ],
)
def test_an_etag_is_given_when_the_moment_of_the_change_is_over(
    tick: int, age: int, sleeps: range, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(1_800_000_000 * SECOND + SECOND // 2, tick)
    monkeypatch.setattr(local_versions, "_now", clock.read)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    changed = clock.read() - age
    (root / "key").write_bytes(b"data")
    real = (root / "key").stat()
    fields = {name: getattr(real, name) for name in ("st_ino", "st_size", "st_mtime", "st_mtime_ns")}
    found = type("Found", (), {**fields, "st_ctime_ns": changed})
    local_versions.described("key", found)  # type: ignore[arg-type]
    assert clock.slept in sleeps
    assert clock.read() != changed


@given(st.one_of(st.floats(), st.integers()))
def test_any_time_of_a_file_can_be_told_in_every_zone(seconds: float) -> None:
    told = local_versions.moment(seconds)
    for hours in (-14, 0, 14):
        assert told.astimezone(timezone(timedelta(hours=hours))) == told
    if abs(seconds) < 1 << 33:
        assert abs(told.timestamp() - seconds) < 1e-5


@pytest.mark.parametrize("seconds", [10**12, -(10**12), 253_402_300_800, -62_135_596_801])
def test_times_beyond_every_calendar_are_versions_all_the_same(seconds: int, root: Path) -> None:
    """Some file systems keep such a time, and one such file must not end a listing."""
    (root / "key").write_bytes(b"data")
    real = (root / "key").stat()
    fields = {name: getattr(real, name) for name in ("st_ino", "st_size", "st_ctime_ns")}
    etags = set()
    for second in (seconds, seconds + 1):
        found = type("Found", (), {**fields, "st_mtime": float(second), "st_mtime_ns": second * SECOND})
        stat = local_versions.described("key", found)  # type: ignore[arg-type]
        assert stat.modified.year == (9999 if seconds > 0 else 1)
        etags.add(stat.etag)
    assert len(etags) == 2


def test_a_file_that_changes_while_it_is_read_is_not_given(
    backend: Backend, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.put("key", b"before")
    real, turns = os.preadv, iter(range(100))

    def changing(*arguments: object) -> int:
        overwrite(root / "key", b"%06d" % next(turns))
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", changing)
        with pytest.raises(Unavailable, match="changed"):
            backend.get("key")
    fetched = backend.get("key")
    assert fetched.stat == backend.stat("key")


def test_a_version_is_stamped_to_the_nanosecond(backend: Backend, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_700_000_000_123_456_789
    monkeypatch.setattr(time, "time_ns", lambda: now)
    backend.put("key", b"")
    upload = backend.begin("staged")
    upload.part(0, b"")
    upload.commit()
    assert {(root / key).stat().st_mtime_ns for key in ("key", "staged")} == {now}
