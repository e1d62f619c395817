"""How a filesystem writes a whole object, so that a reader sees the old one or the new one and nothing between.

fsspec's own `pipe_file` and `put_file` open the file and fill it while readers look. Two kinds of filesystem do better: those
whose `pipe_file` is one request (object stores, memory), and those that rename. On any other no write is made.
"""

import contextlib
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from portable.backends.fsspec_edge import FilesystemEdge
from portable.backends.fsspec_versions import entity_tag
from portable.backends.local_files import PRIVATE, read_at
from portable.backends.protocol import Stat
from portable.clock import boottime
from portable.errors import InvalidKey, NotFound, PortableError, Unavailable, Unsupported

_LEAST_SECONDS: Final = 0.001
"""fsspec takes 0 for no bound."""


class Spooled(NamedTuple):
    """An object that waits in a file of this machine which has no name."""

    descriptor: int
    size: int

    @property
    def path(self) -> str:
        """What opens the file all the same, in this process."""
        return f"/dev/fd/{self.descriptor}"


Look = Callable[[str, str], Stat | None]
"""Describes what stands at a path, for a key; None where no file does. Raises: Unsupported (no versions are told there)."""


class Writer(Protocol):
    """Writes whole objects. Raises: Denied, InvalidKey, Unavailable and others; nothing half-written becomes visible.

    What has no version that could be told is not overwritten: Unsupported, with the old object in its place.
    """

    private: str
    """The name of a folder that holds temporary files, at any depth; "" where there are none."""

    def put(self, path: str, data: bytes, key: str) -> Any:
        """Write bytes, and return the host's answer or the description of what stands, where there is one."""

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        """Write what was spooled."""


def writer(edge: FilesystemEdge, root: str, check_root: Callable[[], None], look: Look) -> Writer | None:
    """Choose the way of writing that the filesystem has; None where it only fills files, or is read-only."""
    if edge.overrides("pipe_file"):
        return _Requests(edge, check_root, look)
    if not edge.is_async and edge.overrides("mv"):
        return _Renames(edge, root, check_root, look)
    return None


class _Requests:
    """`pipe_file` is the filesystem's own: the object appears when the last request is answered."""

    private = ""

    def __init__(self, edge: FilesystemEdge, check_root: Callable[[], None], look: Look) -> None:
        self._edge, self._check_root, self._look = edge, check_root, look
        self._tells_versions = False

    def put(self, path: str, data: bytes, key: str) -> Any:
        return self._send(path, key, "put", "pipe_file", path, data)

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        if self._edge.is_async and self._edge.overrides("put_file"):
            return self._send(path, key, "commit", "put_file", spooled.path, path)
        return self._send(path, key, "commit", "pipe_file", path, bytes(read_at(spooled.descriptor, 0, spooled.size)))

    def _send(self, path: str, key: str, operation: str, method: str, *arguments: Any) -> Any:
        """Look at the place of the object, and send it within what is left of the bound."""
        until = boottime() + self._edge.bound
        self._check_place(path, key)
        left = max(until - boottime(), _LEAST_SECONDS)
        answer = self._edge.run(method, *arguments, operation=operation, key=key, bound=left)
        self._tells_versions = self._tells_versions or entity_tag(answer) is not None
        return answer

    def _check_place(self, path: str, key: str) -> None:
        """Look where a host does not: asynchronous filesystems are those of object stores, which know their buckets."""
        if not self._edge.is_async:
            self._check_root()
            _check_no_folder(self._edge, path, key)
        if not self._tells_versions:
            self._tells_versions = self._look(path, key) is not None


class _Renames:
    """A temporary file below the root, in a folder that listings leave out, takes the object's name when it is whole."""

    private = PRIVATE

    def __init__(self, edge: FilesystemEdge, root: str, check_root: Callable[[], None], look: Look) -> None:
        self._edge, self._folder, self._check_root, self._look = edge, f"{root}/{PRIVATE}", check_root, look

    def put(self, path: str, data: bytes, key: str) -> Any:
        def fill(draft: str) -> None:
            self._edge.run("pipe_file", draft, data, operation="put", key=key)

        return self._written(path, fill, len(data), key)

    def upload(self, path: str, spooled: Spooled, key: str) -> Any:
        def fill(draft: str) -> None:
            self._edge.run("put_file", spooled.path, draft, operation="commit", key=key)

        return self._written(path, fill, spooled.size, key)

    def _written(self, path: str, fill: Callable[[str], None], size: int, key: str) -> Stat:
        draft = f"{self._folder}/{secrets.token_hex(16)}"
        try:
            self._in_folder(draft, lambda: fill(draft), key)
            filled = self._look(draft, key)
            if filled is None or filled.size != size:
                raise Unavailable(f"put {key!r} in {self._edge.url}: the filesystem did not take all of its {size} bytes")
            _check_no_folder(self._edge, path, key)
            before = self._look(path, key)
            self._in_folder(path, lambda: self._edge.run("mv", draft, path, operation="put", key=key), key)
            # Some filesystems rename nothing onto a file that stands, and say nothing of it (fsspec's WebHDFS).
            if self._look(draft, key) is not None:
                raise Unsupported(f"put {key!r} in {self._edge.url}: the filesystem did not rename the new file to its key")
            after = self._look(path, key)
            if after is None or (before is not None and before.etag == after.etag):
                raise Unavailable(
                    f"put {key!r} in {self._edge.url}: what stands is not known to be what the filesystem renamed"
                )
            return after
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
