"""Files under one folder, addressed by key, with no symbolic link followed on the way.

Every step from the root down is opened relative to the folder before it (`openat` with O_NOFOLLOW), so that nothing outside
the root is reached, whatever is renamed meanwhile.
"""

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from typing_extensions import Buffer

from portable.backends.local_locks import ALONE, held, turn
from portable.errors import InvalidKey, NotFound, Unavailable, Unsupported
from portable.forks import ForkSafeLock

PRIVATE: Final = ".portable-tmp"
"""The folder of temporary files and of the lock, on the same file system as the objects. Listings hide it at every level:
the root of one store may lie inside another's."""
SEGMENT_BYTES: Final = 255
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = "lock"


def segments(key: str, *, url: str) -> list[str]:
    """Split a key into the names of folders and file. Raises: InvalidKey for one that a file system cannot hold unchanged."""
    parts = key.split("/")
    if reason := _unfit(parts):
        raise InvalidKey(f"key {key!r} in {url}: {reason}; a folder cannot hold it")
    return parts


def _unfit(names: list[str]) -> str | None:
    """Say why no key goes through these names, or None where one may."""
    if "" in names:
        return "is empty, or has an empty segment"
    if "." in names or ".." in names:
        return "has a `.` or `..` segment"
    if PRIVATE in names:
        return f"goes through {PRIVATE}, which is this backend's own"
    if "\0" in "".join(names):
        return "has a NUL character"
    if any(len(name.encode()) > SEGMENT_BYTES for name in names):
        return f"has a segment of more than {SEGMENT_BYTES} bytes"
    return None


class Root:
    """The root folder of a store."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        self._threads = ForkSafeLock()

    @contextmanager
    def opened(self, names: list[str], *, create: bool = False) -> Iterator[int]:
        """Open the folder below the root at `names` and give its descriptor; with `create` make what is missing.

        Raises: NotFound (no such folder), InvalidKey (a file or a symbolic link stands where a folder would), Unavailable (what
        was made went at once, by a delete in another store that this one lies in or holds).
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
    def locked(self, until: float) -> Iterator[None]:
        """Hold the store's lock: every change that this backend makes to names happens under it.

        Machines that share a network file system see each other's locks on files, and not those on folders. A store that lies
        in this one has a lock of its own: between the two, the lock on the folder of the name decides. Raises: TimeoutError.
        """
        with self.private() as folder:
            lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            with turn(self._threads.own, until), held(lock, ALONE, until):
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
        pending = self._above(prefix)
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
        for names in self._above(prefix):
            for name, found in self._children(names):
                yield f"{prefix}{name}", found

    def _above(self, prefix: str) -> list[list[str]]:
        """Return the names of the folder that all keys with a prefix lie in, or an empty list where no key has it.

        Raises: NotFound (the root).
        """
        above, slash, _ = prefix.rpartition("/")
        names = above.split("/") if slash else []
        if _unfit(names):
            os.close(self._open_root())
            return []
        return [names]

    def _children(self, names: list[str]) -> list[tuple[str, os.stat_result]]:
        """Describe what is in the folder at `names`: nothing where there is none. Raises: NotFound (the root)."""
        found = []
        try:
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
            if create:
                raise Unavailable(f"{self.url}: the folder {name!r} was removed when it had just been made") from None
            raise NotFound(f"{self.url}: there is no folder {name!r}") from None
        except NotADirectoryError:
            raise InvalidKey(f"{self.url}: {name!r} is a file or a symbolic link, so no key can go through it") from None


def move(source: str, name: str, above: int, folder: int, *, new: bool) -> None:
    """Move the file `source` in the folder `above` to its name in another; `new` where nothing may have that name.

    Raises: FileExistsError, Unsupported (no hard links), Unavailable (the folder was removed meanwhile), OSError.
    """
    try:
        if new:
            os.link(source, name, src_dir_fd=above, dst_dir_fd=folder, follow_symlinks=False)
            os.unlink(source, dir_fd=above)
        else:
            os.replace(source, name, src_dir_fd=above, dst_dir_fd=folder)
    except PermissionError as error:
        if new and error.errno == errno.EPERM:  # link(2)
            raise Unsupported(f"create {name!r}: the filesystem makes no hard links, and no conditional create") from None
        raise
    except FileNotFoundError:
        if os.fstat(folder).st_nlink:
            raise
        raise Unavailable(f"{name!r}: its folder was removed meanwhile, and nothing was written") from None


def read_at(descriptor: int, start: int, length: int) -> bytearray:
    """Read up to `length` bytes at `start`; fewer only at the end of the file."""
    data = bytearray(length)
    view, done = memoryview(data), 0
    while done < length and (count := os.preadv(descriptor, [view[done:]], start + done)):
        done += count
    del view
    return data[:done]


def flat(data: Buffer) -> memoryview:
    """Return the bytes of a buffer in their order; a copy only where they do not lie together."""
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous else memoryview(bytes(view))


def write_at(descriptor: int, view: memoryview, offset: int) -> None:
    """Write all of `view` at `offset`."""
    done = 0
    while done < view.nbytes:
        done += os.pwrite(descriptor, view[done:], offset + done)
