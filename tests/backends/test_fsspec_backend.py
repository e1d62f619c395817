"""A filesystem at hand as a backend: what is checked while others write, how files are written, and what ends a call."""

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from portable.backends import fsspec_edge, fsspec_writing
from portable.backends.fsspec_backend import FsspecBackend
from portable.errors import (
    ConfigurationError,
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    PreconditionFailed,
    Unavailable,
    Unsupported,
)


class Meddled(MemoryFileSystem):
    """Another writer replaces the object after each look, as often as `times` says."""

    cachable = False
    times = 0

    def cat_file(self, path: str, start: Any = None, end: Any = None, **kwargs: Any) -> bytes:
        if self.times:
            self.times -= 1
            self.pipe_file(path, f"meddled {self.times}".encode())
        return super().cat_file(path, start, end, **kwargs)


@pytest.fixture
def meddled() -> Iterator[tuple[Meddled, FsspecBackend]]:
    filesystem, root = Meddled(), f"/{uuid.uuid4().hex}"
    filesystem.makedirs(root)
    yield filesystem, FsspecBackend(filesystem, root)
    filesystem.rm(root, recursive=True)


def test_bytes_and_version_belong_together_while_another_writes(meddled: tuple[Meddled, FsspecBackend]) -> None:
    filesystem, backend = meddled
    backend.put("key", b"original")
    filesystem.times = 2
    fetched = backend.get("key")
    assert bytes(fetched.data) == b"meddled 0"
    assert fetched.stat.etag == backend.stat("key").etag


def test_a_read_of_one_version_fails_when_it_is_replaced_meanwhile(meddled: tuple[Meddled, FsspecBackend]) -> None:
    filesystem, backend = meddled
    etag = backend.put("key", b"original.").etag
    filesystem.times = 1
    with pytest.raises(PreconditionFailed):
        backend.get("key", if_match=etag)


def test_a_read_of_what_never_stands_still_ends(meddled: tuple[Meddled, FsspecBackend]) -> None:
    filesystem, backend = meddled
    backend.put("key", b"original")
    filesystem.times = 100
    with pytest.raises(Unavailable, match="changed while it was read"):
        backend.get("key")


class Cached(MemoryFileSystem):
    """Tells from its cache until that is dropped."""

    cachable = False

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        return self.dircache.setdefault(path, super().info(path, **kwargs))  # type: ignore[no-any-return]

    def invalidate_cache(self, *_: Any) -> None:
        self.dircache.clear()


def test_a_filesystem_is_asked_past_its_cache() -> None:
    filesystem, root = Cached(), f"/{uuid.uuid4().hex}"
    filesystem.dircache = {}
    filesystem.makedirs(root)
    backend = FsspecBackend(filesystem, root)
    first = backend.put("key", b"first")
    MemoryFileSystem().pipe_file(f"{root}/key", b"second")
    assert backend.stat("key").etag != first.etag
    assert bytes(backend.get("key").data) == b"second"


class HalfWay(LocalFileSystem):
    """Fails in the middle of every write."""

    cachable = False

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        super().pipe_file(path, value[: len(value) // 2], mode, **kwargs)
        raise OSError("no space")

    def put_file(self, path1: str, path2: str, callback: Any = None, **kwargs: Any) -> None:
        super().put_file(path1, path2, callback, **kwargs)
        raise OSError("no space")


class Plain(HalfWay):
    """As fsspec's local filesystem has it: `pipe_file` is the base's."""

    pipe_file = AbstractFileSystem.pipe_file

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        if "w" in mode:
            super().open(path, mode, *args, **kwargs).close()
            raise OSError("no space")
        return super().open(path, mode, *args, **kwargs)


def test_a_write_that_fails_half_way_shows_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"standing")
    backend = FsspecBackend(Plain(), str(tmp_path))
    with pytest.raises(Unavailable):
        backend.put("key", b"other bytes")
    upload = backend.begin("key")
    upload.part(0, b"other bytes")
    with pytest.raises(Unavailable):
        upload.commit()
    upload.abort()
    assert (tmp_path / "key").read_bytes() == b"standing"
    assert [stat.key for stat in backend.inventory()] == ["key"]
    assert list((tmp_path / ".portable-tmp").iterdir()) == []


def test_readers_of_a_local_file_see_the_old_object_or_the_new_one(tmp_path: Path) -> None:
    backend = FsspecBackend(LocalFileSystem(), str(tmp_path))
    contents = [bytes([number]) * (1 << 20) for number in range(4)]
    backend.put("key", contents[0])
    seen, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add((tmp_path / "key").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        for data in contents:
            backend.put("key", data)
    stop.set()
    reader.join()
    assert seen <= set(contents)


def test_a_folder_is_no_object_and_is_not_written_into(tmp_path: Path) -> None:
    for filesystem, root in ((LocalFileSystem(), str(tmp_path)), (MemoryFileSystem(), f"/{uuid.uuid4().hex}")):
        filesystem.makedirs(root, exist_ok=True)
        backend = FsspecBackend(filesystem, root)
        backend.put("a/b", b"below")
        with pytest.raises(NotFound, match="directory"):
            backend.stat("a")
        with pytest.raises(InvalidKey, match="folder"):
            backend.put("a", b"")
        with pytest.raises(InvalidKey):
            backend.put("a/b/c", b"")
        assert [stat.key for stat in backend.inventory()] == ["a/b"]


class Fills(LocalFileSystem):
    """A filesystem that neither renames nor writes in one request."""

    cachable = False
    mv = AbstractFileSystem.mv


def test_a_filesystem_that_fills_files_while_readers_look_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"standing")
    backend = FsspecBackend(Fills(), str(tmp_path))
    assert bytes(backend.get("key").data) == b"standing"
    with pytest.raises(Unsupported, match="whole"):
        backend.put("key", b"")
    with pytest.raises(Unsupported, match="whole"):
        backend.begin("key")
    assert (tmp_path / "key").read_bytes() == b"standing"


class TellsNoTime(LocalFileSystem):
    """As Databricks' filesystem: it knows lengths and names only."""

    cachable = False

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        told = super().info(path, **kwargs)
        return {name: told[name] for name in ("name", "size", "type")}


class TellsNoTimeInOneRequest(TellsNoTime):
    def pipe_file(self, path: str, value: bytes, *_: Any, **__: Any) -> None:
        Path(path).write_bytes(value)


@pytest.mark.parametrize("kind", [TellsNoTime, TellsNoTimeInOneRequest])
def test_what_has_no_version_is_not_overwritten(kind: type[LocalFileSystem], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"standing")
    backend = FsspecBackend(kind(), str(tmp_path))
    upload = backend.begin("key")
    upload.part(0, b"other")
    for write in (lambda: backend.put("key", b"other"), upload.commit):
        with pytest.raises(Unsupported, match="no time"):
            write()
    assert (tmp_path / "key").read_bytes() == b"standing"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["key"]


class RenamesOntoNothing(LocalFileSystem):
    """As fsspec's WebHDFS: a rename onto a file that stands does nothing, and nobody says so."""

    cachable = False

    def mv(self, path1: str, path2: str, **_: Any) -> None:
        if not Path(path2).exists():
            Path(path1).rename(path2)


class RemovesInsteadOfRenaming(LocalFileSystem):
    cachable = False

    def mv(self, path1: str, *_: Any, **__: Any) -> None:
        Path(path1).unlink()


@pytest.mark.parametrize(("kind", "told"), [(RenamesOntoNothing, Unsupported), (RemovesInsteadOfRenaming, Unavailable)])
@pytest.mark.parametrize("data", [b"of other length", b"standinG"])
def test_a_rename_that_did_not_happen_is_no_write(
    kind: type[LocalFileSystem], told: type[PortableError], data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(b"standing")
    backend = FsspecBackend(kind(), str(tmp_path))
    upload = backend.begin("key")
    upload.part(0, data)
    for write in (lambda: backend.put("key", data), upload.commit):
        with pytest.raises(told, match="rename"):
            write()
    assert (tmp_path / "key").read_bytes() == b"standing"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["key"]


class Shortens(Plain):
    """Takes half of what it is given, and says nothing of it."""

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        opened = LocalFileSystem.open(self, path, mode, *args, **kwargs)
        if "w" in mode:
            write = opened.write
            opened.write = lambda data: write(data[: len(data) // 2])
        return opened


def test_what_was_not_taken_whole_takes_nobodys_place(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"standing")
    with pytest.raises(Unavailable, match="all of its 11 bytes"):
        FsspecBackend(Shortens(), str(tmp_path)).put("key", b"other bytes")
    assert (tmp_path / "key").read_bytes() == b"standing"


def test_a_folder_that_cannot_be_read_ends_a_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FsspecBackend(LocalFileSystem(skip_instance_cache=True), str(tmp_path))
    backend.put("open/a", b"")
    backend.put("closed/b", b"")
    listed = LocalFileSystem.ls

    def ls(self: LocalFileSystem, path: str, detail: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001 - as fsspec has it
        if path.endswith("closed"):
            raise PermissionError(path)
        return listed(self, path, detail, **kwargs)

    monkeypatch.setattr(LocalFileSystem, "ls", ls)
    with pytest.raises(Denied):
        list(backend.list())
    assert [stat.key for stat in backend.list("open/")] == ["open/a"]


class Stalls(AsyncFileSystem):
    """Never answers. What it was asked is in `asked`."""

    cachable = False
    protocol = "stalls"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def _stall(self, name: str) -> Any:
        self.asked.append(name)
        await asyncio.sleep(60)

    async def _info(self, path: str, **_: Any) -> Any:
        if path.endswith("new"):
            raise FileNotFoundError(path)
        return await self._stall("info")

    async def _cat_file(self, *_: Any, **__: Any) -> Any:
        return await self._stall("cat")

    async def _pipe_file(self, *_: Any, **__: Any) -> Any:
        return await self._stall("pipe")

    async def _put_file(self, *_: Any, **__: Any) -> Any:
        return await self._stall("put")

    async def _rm_file(self, *_: Any, **__: Any) -> Any:
        return await self._stall("rm")


def test_a_call_that_is_not_answered_ends_within_the_bound_and_is_sent_once() -> None:
    filesystem = Stalls()
    backend = FsspecBackend(filesystem, "bucket", bound=0.2)
    upload = backend.begin("new")
    upload.part(0, b"data")
    for call in (lambda: backend.get("key"), lambda: backend.put("new", b""), lambda: backend.delete("key"), upload.commit):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="bound"):
            call()
        assert time.monotonic() - began < 2
    upload.abort()
    assert filesystem.asked == ["info", "pipe", "rm", "put"]


def test_the_look_before_a_write_takes_its_time_from_that_of_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    clock = iter([100.0, 100.7])

    def answered(loop: object, method: Any, *_: Any, timeout: float, **__: Any) -> object:
        given.append(round(timeout, 3))
        return {"type": "file", "size": 0, "ETag": '"a"', "mtime": 1.0}

    monkeypatch.setattr(fsspec_writing, "boottime", lambda: next(clock))
    monkeypatch.setattr(fsspec_edge, "sync", answered)
    FsspecBackend(Stalls(), "bucket", bound=1.0).put("key", b"")
    assert given == [1.0, 0.3]


def test_an_asynchronous_filesystem_of_another_loop_is_refused() -> None:
    filesystem = Stalls()
    filesystem.asynchronous = True
    with pytest.raises(ConfigurationError, match="asynchronous"):
        FsspecBackend(filesystem, "bucket")


@pytest.mark.parametrize("root", ["", "/", "a//b", "a/"])
def test_a_root_is_a_plain_path(root: str) -> None:
    if root == "a/":
        assert FsspecBackend(Stalls(), root)._root == "a"
        return
    with pytest.raises(ConfigurationError, match="folder"):
        FsspecBackend(MemoryFileSystem(), root)


def test_a_forked_process_is_refused() -> None:
    backend = FsspecBackend(Stalls(), "bucket")
    backend._edge._process = os.getpid() + 1
    with pytest.raises(ConfigurationError, match="spawn"):
        backend.get("key")


def test_a_filesystem_at_hand_stays_open() -> None:
    class Client:
        closed = False

        async def close(self) -> None:
            self.closed = True

    kept, owned = Stalls(), Stalls()
    kept._session, owned._session = Client(), Client()
    FsspecBackend(kept, "bucket").close()
    FsspecBackend(owned, "bucket", owned=True).close()
    assert (kept._session.closed, owned._session.closed) == (False, True)


@pytest.mark.parametrize("wrapped", [DirFileSystem("/", LocalFileSystem()), AsyncFileSystemWrapper(LocalFileSystem())])
def test_a_filesystem_around_a_filesystem_is_refused(wrapped: Any, tmp_path: Path) -> None:
    """It has every method, so that nobody can tell how the one underneath writes."""
    with pytest.raises(ConfigurationError, match="underneath"):
        FsspecBackend(wrapped, str(tmp_path))
