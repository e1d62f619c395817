"""Files under one folder, addressed by key, with no symbolic link followed on the way.

Every step from the root down is opened relative to the folder before it (`openat` with O_NOFOLLOW), so that nothing outside
the root is reached, whatever is renamed meanwhile.
"""

import fcntl
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from portable.errors import InvalidKey, NotFound

PRIVATE: Final = ".portable-tmp"
"""The folder of temporary files and of the lock, on the same file system as the objects. Listings hide it at every level:
the root of one store may lie inside another's."""
_NO_SEGMENTS: Final = frozenset({"", ".", "..", PRIVATE})
"""Names that no key goes through. A prefix that does leads to nothing, and not out of the root."""
SEGMENT_BYTES: Final = 255
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = "lock"


def segments(key: str, *, url: str) -> list[str]:
    """Split a key into the names of folders and file. Raises: InvalidKey for one that a file system cannot hold unchanged."""
    parts = key.split("/")
    reason = None
    if "" in parts:
        reason = "is empty, or has an empty segment"
    elif "." in parts or ".." in parts:
        reason = "has a `.` or `..` segment"
    elif "\0" in key:
        reason = "has a NUL character"
    elif PRIVATE in parts:
        reason = f"goes through {PRIVATE}, which is this backend's own"
    elif any(len(part.encode()) > SEGMENT_BYTES for part in parts):
        reason = f"has a segment of more than {SEGMENT_BYTES} bytes"
    if reason:
        raise InvalidKey(f"key {key!r} in {url}: {reason}; a folder cannot hold it")
    return parts


class Root:
    """The root folder of a store."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url

    @contextmanager
    def opened(self, names: list[str], *, create: bool = False) -> Iterator[int]:
        """Open the folder below the root at `names` and give its descriptor; with `create` make what is missing.

        Raises: NotFound (no such folder), InvalidKey (a file or a symbolic link stands where a folder would).
        """
        descriptor = self._open_root()
        try:
            for name in names:
                below = self._enter(descriptor, name, create=create)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def private(self) -> Iterator[int]:
        """Open the folder of temporary files, made when it is missing."""
        with self.opened([PRIVATE], create=True) as descriptor:
            yield descriptor

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store's lock: every change that this backend makes to names happens under it."""
        with self.private() as folder:
            lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def remove_empty(self, names: list[str]) -> None:
        """Remove the folder at `names` and those above it, as long as they are empty. Call it under the lock."""
        for depth in range(len(names), 0, -1):
            try:
                with self.opened(names[: depth - 1]) as parent:
                    os.rmdir(names[depth - 1], dir_fd=parent)
            except (OSError, InvalidKey):
                return

    def files(self, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        """Walk all but folders whose key starts with `prefix`. A name that is not UTF-8 keeps its surrogates."""
        pending = [_above(prefix)]
        while pending:
            names = pending.pop()
            for name, found in self._children(names):
                key = "/".join([*names, name])
                if modes.S_ISDIR(found.st_mode):
                    if key.startswith(prefix) or prefix.startswith(f"{key}/"):
                        pending.append([*names, name])
                elif key.startswith(prefix):
                    yield key, found

    def level(self, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        """Describe the files and folders directly under `prefix`, which is "" or ends in a slash."""
        for name, found in self._children(_above(prefix)):
            yield f"{prefix}{name}", found

    def _children(self, names: list[str]) -> list[tuple[str, os.stat_result]]:
        """Describe what is in the folder at `names`: nothing where there is none. Raises: NotFound (the root)."""
        found = []
        try:
            if not _NO_SEGMENTS.isdisjoint(names):
                raise InvalidKey(f"{self.url}: no key goes through {'/'.join(names)!r}")
            with self.opened(names) as descriptor, os.scandir(descriptor) as entries:
                for entry in entries:
                    if entry.name != PRIVATE:
                        with suppress(FileNotFoundError):
                            found.append((entry.name, entry.stat(follow_symlinks=False)))
        except (NotFound, InvalidKey):
            os.close(self._open_root())
        return found

    def _open_root(self) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"{self.url}: the folder does not exist") from None
        except NotADirectoryError:
            raise NotFound(f"{self.url} is not a folder") from None

    def _enter(self, parent: int, name: str, *, create: bool) -> int:
        try:
            if create:
                try:
                    os.mkdir(name, 0o777, dir_fd=parent)
                    os.fsync(parent)
                except FileExistsError:
                    pass
            return os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            raise NotFound(f"{self.url}: there is no folder {name!r}") from None
        except NotADirectoryError:
            raise InvalidKey(f"{self.url}: {name!r} is a file or a symbolic link, so no key can go through it") from None


def _above(prefix: str) -> list[str]:
    """Return the names of the folders that all keys with a prefix lie in."""
    above, slash, _ = prefix.rpartition("/")
    return above.split("/") if slash else []


def read_at(descriptor: int, start: int, length: int) -> bytearray:
    """Read up to `length` bytes at `start`; fewer only at the end of the file."""
    data = bytearray(length)
    view, done = memoryview(data), 0
    while done < length and (count := os.preadv(descriptor, [view[done:]], start + done)):
        done += count
    del view
    return data[:done]


def write_at(descriptor: int, view: memoryview, offset: int) -> None:
    """Write all of `view` at `offset`."""
    done = 0
    while done < view.nbytes:
        done += os.pwrite(descriptor, view[done:], offset + done)
