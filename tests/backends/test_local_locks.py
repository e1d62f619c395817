"""Writers of one folder: who waits for whom, how long, and what a condition holds against."""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from portable.backends import local_locks
from portable.backends.local import LocalBackend
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, ANY, Backend, Expectation, Matches
from portable.errors import PortableError, PreconditionFailed, Unavailable, Unsupported

BOUND = 0.2
"""Seconds."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "folder").mkdir(parents=True)
    return tmp_path / "root"


def opened(root: Path, bound: float = 20.0) -> LocalBackend:
    return LocalBackend(Location(f"file://{root}"), bound=bound)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder, as another process would."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def staged(backend: Backend, key: str) -> Callable[[], object]:
    upload = backend.begin(key)
    upload.part(0, b"new")
    return upload.commit


WRITES: dict[str, Callable[[Backend], Callable[[], object]]] = {
    "put": lambda backend: lambda: backend.put("folder/key", b"new"),
    "create": lambda backend: lambda: backend.put("folder/new", b"new", expect=ABSENT),
    "delete": lambda backend: lambda: backend.delete("folder/key"),
    "commit": lambda backend: staged(backend, "folder/key"),
}


def test_of_writers_that_expect_one_version_one_wins_though_their_stores_lie_in_one_another(root: Path) -> None:
    stores = [(opened(root), "folder/key"), (opened(root / "folder"), "key")] * 2
    together = threading.Barrier(len(stores))

    def replace(store: Backend, key: str, etag: str) -> bool:
        together.wait()
        try:
            store.put(key, b"mine", expect=Matches(etag))
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(len(stores)) as pool:
        for _ in range(30):
            etag = stores[0][0].put("folder/key", b"before").etag
            won = list(pool.map(lambda store, etag=etag: replace(*store, etag), stores))  # type: ignore[misc]
            assert sum(won) == 1


def test_nobody_changes_a_name_between_a_condition_and_the_write(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other writer comes by the store that lies in this one, after the version was looked at."""
    outer, inner = opened(root), opened(root / "folder", BOUND)
    standing = outer.put("folder/key", b"before")
    real = os.replace
    refused: list[type[BaseException]] = []

    def interleaved(*arguments: object, **options: object) -> None:
        monkeypatch.setattr(os, "replace", real)
        for write in (lambda: inner.put("key", b"theirs", expect=Matches(standing.etag)), lambda: inner.delete("key")):
            with pytest.raises(Unavailable) as caught:
                write()
            refused.append(caught.type)
        real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", interleaved)
    mine = outer.put("folder/key", b"mine", expect=Matches(standing.etag))
    assert refused == [Unavailable, Unavailable]
    assert outer.stat("folder/key") == mine


@pytest.mark.parametrize("lock", [".portable-tmp/lock", "folder"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_does_not_come_to_its_turn_within_the_bound_never_lands(write: str, lock: str, root: Path) -> None:
    opened(root).put("folder/key", b"before")
    act = WRITES[write](opened(root, BOUND))
    with locked(root / lock):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="nothing was written"):
            act()
        assert BOUND <= time.monotonic() - began < BOUND + 5
    assert {path.name: path.read_bytes() for path in (root / "folder").iterdir()} == {"key": b"before"}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_a_slow_disk_holds_up_beyond_the_bound_never_lands(
    write: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(root)
    backend.put("folder/key", b"before")
    act = WRITES[write](backend)
    later = local_locks.boottime() + 2 * backend.bound
    with monkeypatch.context() as patched:
        patched.setattr(local_locks, "boottime", lambda: later)
        with pytest.raises(Unavailable, match="nothing was written"):
            act()
    assert {path.name: path.read_bytes() for path in (root / "folder").iterdir()} == {"key": b"before"}


def test_threads_of_one_store_wait_for_each_other_no_longer_than_the_bound(root: Path) -> None:
    backend = opened(root, BOUND)
    with ThreadPoolExecutor(1) as pool, backend._root.locked(local_locks.boottime() + 20.0):
        refused = pool.submit(backend.put, "folder/key", b"data").exception(timeout=10.0)
    assert isinstance(refused, Unavailable)
    backend.put("folder/key", b"data")


def test_a_part_of_an_upload_waits_no_longer_than_the_bound(root: Path) -> None:
    upload = opened(root, BOUND).begin("key")
    with locked(root / ".portable-tmp" / upload.token), pytest.raises(Unavailable):
        upload.part(0, b"data")
    upload.part(0, b"data")
    assert upload.staged() == {0: 4}


def test_a_child_that_was_forked_under_a_lock_does_not_keep_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the descriptors of its parent: here copies of them stand for it."""
    copies: list[int] = []
    real = os.replace

    def forking(*arguments: object, **options: object) -> None:
        copies.extend(os.dup(int(path.name)) for path in Path("/proc/self/fd").iterdir() if path.exists())
        real(*arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", forking)
        opened(root).put("folder/key", b"first")
    try:
        opened(root, BOUND).put("folder/key", b"second")
    finally:
        for copy in copies:
            os.close(copy)


def test_a_folder_that_another_store_removes_under_a_write_is_an_error_and_no_missing_store(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, real = opened(root), os.open

    def removed(path: str, flags: int, *arguments: object, **options: object) -> int:
        if path == "new":
            (root / "new").rmdir()
        return real(path, flags, *arguments, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", removed)
        with pytest.raises(Unavailable, match="removed"):
            backend.put("new/key", b"")
    backend.put("new/key", b"")


@pytest.mark.parametrize("expect", [ABSENT, ANY])
def test_a_folder_that_another_store_removes_before_the_last_step_is_an_error_that_may_be_retried(
    expect: Expectation, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(root)
    upload = backend.begin("new/key")
    upload.part(0, b"data")

    def removed(real: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object, **options: object) -> None:
            (root / "new").rmdir()
            real(*arguments, **options)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", removed(os.link))
        patched.setattr(os, "replace", removed(os.replace))
        with pytest.raises(Unavailable, match="removed"):
            upload.commit(expect)
    upload.commit(expect)
    assert bytes(backend.get("new/key").data) == b"data"


@pytest.mark.parametrize("refused", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_a_file_system_without_locks_is_not_written_to(refused: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise OSError(refused, "no locks")

    monkeypatch.setattr(fcntl, "flock", failing)
    with pytest.raises(Unsupported):
        opened(root).put("folder/key", b"")
    with pytest.raises(PortableError):
        opened(root).get("folder/key")
