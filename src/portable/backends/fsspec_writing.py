"""How a filesystem writes a whole object, so that a reader sees the old one or the new one and nothing between.

fsspec's own `pipe_file` and `put_file` open the file and fill it while readers look. Two kinds of filesystem do better: those
whose `pipe_file` is one request (object stores, memory), and those that rename. On any other no write is made.
"""

import contextlib
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from portable.backends.fsspec_edge import FilesystemEdge
from portable.backends.local_files import PRIVATE, read_at
from portable.errors import InvalidKey, NotFound, PortableError


class Spooled(NamedTuple):
    """An object that waits in a file of this machine which has no name."""

    descriptor: int
    size: int

    @property
    def path(self) -> str:
        """What opens the file all the same, in this process."""
        return f"/dev/fd/{self.descriptor}"


class Writer(Protocol):
    """Writes whole objects. Raises: Denied, InvalidKey, Unavailable and others; nothing half-written becomes visible."""

    private: str
    """The name of a folder that holds temporary files, at any depth; "" where there are none."""

    def put(self, path: str, data: bytes, key: str) -> Any:
        """Write bytes, and return the host's answer where there is one."""

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        """Write what was spooled."""


def writer(edge: FilesystemEdge, root: str, check_root: Callable[[], None]) -> Writer | None:
    """Choose the way of writing that the filesystem has; None where it only fills files, or is read-only."""
    if edge.overrides("pipe_file"):
        return _Requests(edge, check_root)
    if not edge.is_async and edge.overrides("mv"):
        return _Renames(edge, root, check_root)
    return None


class _Requests:
    """`pipe_file` is the filesystem's own: the object appears when the last request is answered."""

    private = ""

    def __init__(self, edge: FilesystemEdge, check_root: Callable[[], None]) -> None:
        self._edge, self._check_root = edge, check_root

    def put(self, path: str, data: bytes, key: str) -> Any:
        self._check_place(path, key)
        return self._edge.run("pipe_file", path, data, operation="put", key=key)

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        self._check_place(path, key)
        if self._edge.is_async and self._edge.overrides("put_file"):
            return self._edge.run("put_file", spooled.path, path, operation="commit", key=key)
        return self._edge.run(
            "pipe_file", path, bytes(read_at(spooled.descriptor, 0, spooled.size)), operation="commit", key=key
        )

    def _check_place(self, path: str, key: str) -> None:
        """Look where a host does not: asynchronous filesystems are those of object stores, which know their buckets."""
        if not self._edge.is_async:
            self._check_root()
            _check_no_folder(self._edge, path, key)


class _Renames:
    """A temporary file below the root, in a folder that listings leave out, takes the object's name when it is whole."""

    private = PRIVATE

    def __init__(self, edge: FilesystemEdge, root: str, check_root: Callable[[], None]) -> None:
        self._edge, self._folder, self._check_root = edge, f"{root}/{PRIVATE}", check_root

    def put(self, path: str, data: bytes, key: str) -> Any:
        def fill(draft: str) -> None:
            self._edge.run("pipe_file", draft, data, operation="put", key=key)

        self._write(path, fill, key)

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        def fill(draft: str) -> None:
            self._edge.run("put_file", spooled.path, draft, operation="commit", key=key)

        self._write(path, fill, key)

    def _write(self, path: str, fill: Callable[[str], None], key: str) -> None:
        draft = f"{self._folder}/{secrets.token_hex(16)}"
        try:
            self._in_folder(draft, lambda: fill(draft), key)
            _check_no_folder(self._edge, path, key)
            self._in_folder(path, lambda: self._edge.run("mv", draft, path, operation="put", key=key), key)
        except BaseException:
            with contextlib.suppress(PortableError):  # what went wrong is the news
                self._edge.run("rm_file", draft, operation="put", key=key)
            raise

    def _in_folder(self, path: str, act: Callable[[], None], key: str) -> None:
        """Do what needs the folder of `path`, which is made where it is missing and the root is not."""
        try:
            act()
        except NotFound:
            self._check_root()
            folder = path.rpartition("/")[0]
            self._edge.run("makedirs", folder, exist_ok=True, operation="put", key=key)
            act()


def _check_no_folder(edge: FilesystemEdge, path: str, key: str) -> None:
    """Raise InvalidKey where a folder stands: a rename would go into it."""
    if edge.run("isdir", path, operation="put", key=key):
        raise InvalidKey(f"put {key!r} in {edge.url}: a folder stands there (`a` beside `a/b`)")
