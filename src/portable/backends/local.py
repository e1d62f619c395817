"""A folder as a store: one file an object, each write atomic and durable."""

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from typing_extensions import Buffer

from portable.backends.key_rules import check_range, check_text
from portable.backends.levels import check_level
from portable.backends.local_files import Root, flat, move, read_at, segments, write_at
from portable.backends.local_locks import ALONE, check_time, held
from portable.backends.local_staging import Staging
from portable.backends.local_upload import MAX_PARTS, PART_SIZE, begun, resumed, unfinished
from portable.backends.local_versions import described, stamp
from portable.backends.location import Location
from portable.backends.os_errors import MEANINGS
from portable.backends.protocol import (
    ABSENT,
    ANY,
    Attributes,
    Capabilities,
    Expectation,
    Fetched,
    Folder,
    Matches,
    Stat,
    Unfinished,
    Upload,
)
from portable.backends.resident import Resident
from portable.clock import boottime
from portable.errors import (
    AlreadyExists,
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    PreconditionFailed,
    Unavailable,
    Unsupported,
)

_READ_ATTEMPTS: Final = 3
_NOT_A_FILE: Final = {errno.ELOOP, errno.ENXIO}
"""What opening a symbolic link (with O_NOFOLLOW) or a socket answers."""
_FILE_TYPES: Final = {
    modes.S_IFLNK: "symbolic link",
    modes.S_IFIFO: "pipe",
    modes.S_IFSOCK: "socket",
    modes.S_IFBLK: "device",
    modes.S_IFCHR: "device",
}


class LocalBackend(Resident):
    """A folder of this machine. It keeps no headers or metadata, and never follows a symbolic link.

    A write goes to a temporary file on the same file system, is made durable, and takes its name in one step, within the
    bound or never. Conditions hold among writers that use this backend, also where the root of one lies in another's; on a
    network file system, among those that opened the same root. A conditional create holds against everyone. What ETags show of
    writers that do not use it: `local_versions`.
    """

    capabilities = Capabilities(
        conditional_create=True,
        conditional_replace=True,
        conditional_delete=True,
        conditional_commit=True,
        resumable=True,
        part_size=PART_SIZE,
        max_parts=MAX_PARTS,
        empty_folders=True,
    )

    def __init__(self, location: Location, *, bound: float = 60.0) -> None:
        self.url, self.bound = location.url, bound
        self._root = Root(location.path, location.url)
        self._staging = Staging(self._root)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. Raises Unavailable where the file keeps changing while it is read."""
        check_range(start, stop)
        with self.errors("get", key), self._file(key) as descriptor:
            for _ in range(_READ_ATTEMPTS):
                before = described(key, os.fstat(descriptor))
                if if_match is not None and before.etag != if_match:
                    raise PreconditionFailed(f"get {key!r} in {self.url}: another version stands there")
                end = before.size if stop is None else min(stop, before.size)
                data = read_at(descriptor, start, max(end - start, 0))
                if described(key, os.fstat(descriptor)).etag == before.etag and len(data) == max(end - start, 0):
                    return Fetched(data, before)
        raise Unavailable(f"get {key!r} in {self.url}: the file changed while it was read")

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        with self.errors("stat", key), self._file(key) as descriptor:
            return described(key, os.fstat(descriptor))

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        self._check(key, attributes)
        until = boottime() + self.bound
        with self.errors("put", key):
            name, descriptor = self._staging.new()
            try:
                write_at(descriptor, flat(data), 0)
                return self.publish(name, descriptor, key, expect, until)
            except BaseException:
                self._staging.discard(name)
                raise
            finally:
                os.close(descriptor)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Only plain files whose names are UTF-8."""
        check_text(prefix, url=self.url)
        with self.errors("list", prefix):
            for key, found in self._root.files(prefix):
                if modes.S_ISREG(found.st_mode) and _is_text(key):
                    yield described(key, found)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`. Folders without a file in them are shown, too."""
        check_level(prefix, url=self.url)
        with self.errors("list", prefix):
            for key, found in self._root.level(prefix):
                if not _is_text(key):
                    continue
                if modes.S_ISDIR(found.st_mode):
                    yield Folder(f"{key}/")
                elif modes.S_ISREG(found.st_mode):
                    yield described(key, found)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`. Details: `file_type` of what is not a plain file, `unreadable_name` of what is not UTF-8."""
        with self.errors("list", ""):
            for key, found in self._root.files(""):
                details = {}
                if kind := _FILE_TYPES.get(modes.S_IFMT(found.st_mode)):
                    details["file_type"] = kind
                if not _is_text(key):
                    details["unreadable_name"] = "true"
                yield described(os.fsencode(key).decode("utf-8", "backslashreplace"), found, details)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Folders that become empty go too."""
        self._check(key, None)
        if expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        *above, name = segments(key, url=self.url)
        until = boottime() + self.bound
        with self.errors("delete", key), self._root.locked(until):
            try:
                with self._root.opened(above) as folder, held(folder, ALONE, until):
                    if self._standing(folder, name, key, expect) is None:
                        return
                    check_time(until)
                    os.unlink(name, dir_fd=folder)
                    os.fsync(folder)
            except (NotFound, InvalidKey):
                if isinstance(expect, Matches):
                    raise PreconditionFailed(f"delete {key!r} in {self.url}: nothing stands there") from None
                return
            self._root.remove_empty(above)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        self._check(key, attributes)
        with self.errors("begin", key):
            return begun(self, self._staging, key)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`."""
        self._check(key, attributes)
        return resumed(self, self._staging, key, token)

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`. What a crash left of a `put` is not in it: that goes by itself, after a day."""
        with self.errors("list uploads", ""):
            yield from unfinished(self._staging)

    def close(self) -> None:
        """See `Backend.close`. Nothing is held open."""

    def publish(self, temporary: str, descriptor: int, key: str, expect: Expectation, until: float) -> Stat:
        """Make a temporary file durable and give it its name, at the latest when the clock of `boottime` shows `until`.

        Raises: what `Backend.put` raises.
        """
        stamp(descriptor)
        os.fsync(descriptor)
        *above, name = segments(key, url=self.url)
        with self._root.private() as private, self._root.locked(until):
            try:
                with self._folder(key) as folder, held(folder, ALONE, until):
                    self._standing(folder, name, key, expect)
                    check_time(until)
                    move(temporary, name, private, folder, new=expect == ABSENT)
                    os.fsync(folder)
            except BaseException:
                self._root.remove_empty(above)
                raise
            published = os.fstat(descriptor)
        return described(key, published)

    @contextmanager
    def _folder(self, key: str) -> Iterator[int]:
        above = segments(key, url=self.url)[:-1]
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(self._root.opened(above, create=True))
            except InvalidKey as error:
                raise InvalidKey(f"put {key!r} in {error} (`a` beside `a/b`)") from None
            yield folder

    def _standing(self, folder: int, name: str, key: str, expect: Expectation) -> os.stat_result | None:
        """Return what stands at the name, if that is a file and `expect` allows it."""
        try:
            standing = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            if isinstance(expect, Matches):
                raise PreconditionFailed(f"{key!r} in {self.url}: nothing stands there") from None
            return None
        if not modes.S_ISREG(standing.st_mode):
            raise InvalidKey(f"{key!r} in {self.url}: a folder or a special file stands there (`a` beside `a/b`)")
        if isinstance(expect, Matches) and described(key, standing).etag != expect.etag:
            raise PreconditionFailed(f"{key!r} in {self.url}: another version stands there")
        return standing

    @contextmanager
    def _file(self, key: str) -> Iterator[int]:
        check_text(key, url=self.url)
        *above, name = segments(key, url=self.url)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with self._root.opened(above) as folder:
                descriptor = os.open(name, flags, dir_fd=folder)
        except (FileNotFoundError, InvalidKey):
            raise NotFound(f"{key!r} in {self.url}: nothing is there") from None
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                raise NotFound(f"{key!r} in {self.url}: no plain file is there") from None
            raise
        try:
            if not modes.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotFound(f"{key!r} in {self.url}: no plain file is there")
            yield descriptor
        finally:
            os.close(descriptor)

    def _check(self, key: str, attributes: Attributes | None) -> None:
        check_text(key, url=self.url)
        segments(key, url=self.url)
        if attributes is not None and attributes != Attributes():
            raise Unsupported(f"{self.url}: files keep no headers or metadata")

    @contextmanager
    def errors(self, operation: str, key: str) -> Iterator[None]:
        """Translate what the operating system refuses; portable's own errors pass, though some are OSErrors too."""
        what = f"{operation} {key!r} in {self.url}"
        try:
            yield
        except PortableError:
            raise
        except FileExistsError:
            raise AlreadyExists(f"{what}: an object stands there") from None
        except PermissionError:
            raise Denied(f"{what}: the operating system does not allow it") from None
        except OSError as error:
            kind, meaning = MEANINGS.get(error.errno or 0, (Unavailable, error.strerror or str(error)))
            raise kind(f"{what}: {meaning}") from None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def open_local(location: Location, bound: float) -> LocalBackend:
    """Open a `file:` location."""
    return LocalBackend(location, bound=bound)
