"""Files that are being written: in a private folder beside the objects, on the same file system, under random names.

A file is moved from there to its name in one step when it is whole and durable. What a crash leaves there no reader sees. It
is removed after a day, unless it is a staged upload, which somebody may go on with: those have a journal beside them.
"""

import os
import re
import secrets
import stat as modes
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from portable.backends.local_files import PRIVATE, Root, read_at

STALE: Final = 86_400.0
"""Seconds without a change, after which a file that belongs to no upload is one that a crash left."""
JOURNAL: Final = ".parts"
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class Staging:
    """The files of one store that are being written."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._swept = False

    def new(self) -> tuple[str, int]:
        """Make a file; return its name and its descriptor, open for reading and writing."""
        self._sweep()
        name = secrets.token_hex(16)
        return name, self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)

    def new_journal(self, name: str, data: bytes) -> None:
        """Make the journal of a file; both are durable when this returns."""
        with self._closing(self._open(name + JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_EXCL)) as descriptor:
            os.write(descriptor, data)
            os.fsync(descriptor)
        with self._root.private() as private:
            os.fsync(private)

    @contextmanager
    def file(self, name: str) -> Iterator[int]:
        """Open a file that is there. Raises: FileNotFoundError (also for one that has become an object already)."""
        with self._closing(self._open(name, os.O_RDWR)) as descriptor:
            if os.fstat(descriptor).st_nlink > 1:
                raise FileNotFoundError
            yield descriptor

    def journal(self, name: str) -> bytes:
        """Read the journal of a file. Raises: FileNotFoundError."""
        with self._closing(self._open(name + JOURNAL, os.O_RDONLY)) as descriptor:
            return bytes(read_at(descriptor, 0, os.fstat(descriptor).st_size))

    def note(self, name: str, record: bytes) -> None:
        """Add to the journal of a file; it is durable when this returns. Raises: FileNotFoundError."""
        with self._closing(self._open(name + JOURNAL, os.O_WRONLY | os.O_APPEND)) as descriptor:
            # One write, so that the records of several threads and processes do not mix.
            if os.write(descriptor, record) != len(record):
                raise OSError("the journal of an upload could not be written")
            os.fsync(descriptor)

    def stands(self, name: str, descriptor: int) -> bool:
        """Tell whether the file is still what is open."""
        with self._root.private() as private, suppress(FileNotFoundError):
            return os.path.samestat(os.stat(name, dir_fd=private, follow_symlinks=False), os.fstat(descriptor))
        return False

    def uploads(self) -> list[str]:
        """Return the names of the files that have a journal. Raises: NotFound (there is no root folder)."""
        with self._root.opened([]) as root:
            # A store that is only read gets no private folder.
            names = self._names() if PRIVATE in _listed(root) else set()
        return sorted(name for name in names if name + JOURNAL in names)

    def discard(self, name: str) -> None:
        """Remove a file and its journal, as far as they are there."""
        with self._root.private() as private:
            for each in (name, name + JOURNAL):
                with suppress(FileNotFoundError):
                    os.unlink(each, dir_fd=private)

    def _open(self, name: str, flags: int) -> int:
        with self._root.private() as private:
            return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=private)

    @contextmanager
    def _closing(self, descriptor: int) -> Iterator[int]:
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _names(self) -> set[str]:
        with self._root.private() as private:
            return _listed(private)

    def _sweep(self) -> None:
        if self._swept:
            return
        self._swept = True
        names = self._names()
        with self._root.private() as private:
            for name in sorted(names):
                base = name.removesuffix(JOURNAL)
                if _NAME.fullmatch(base):
                    with suppress(OSError):
                        self._remove_stale(private, name, is_upload={base, base + JOURNAL} <= names)

    def _remove_stale(self, private: int, name: str, *, is_upload: bool) -> None:
        found = os.stat(name, dir_fd=private, follow_symlinks=False)
        # A second link is the object that an upload became just before a crash.
        if (not is_upload or found.st_nlink > 1) and modes.S_ISREG(found.st_mode) and time.time() - found.st_ctime > STALE:
            os.unlink(name, dir_fd=private)


def _listed(folder: int) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}
