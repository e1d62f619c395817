"""Files that survive a crash: whole before they are visible, on disk before the call returns."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from portable.errors import AlreadyExists, ConfigurationError, PortableError

PRIVATE = 0o600


def replace_durably(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Make `data` the content of the file at `path`; a reader, and a crash, see the old file or the new one, whole.

    `mode` is the file's permission bits, whatever the umask. Raises: ConfigurationError (the folder is missing or closed to
    us), PortableError (the disk refused).
    """
    _publish(path, data, mode, os.replace)


def create_durably(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a new file at `path`, as `replace_durably` does, but never over an existing one.

    Raises: AlreadyExists, and what `replace_durably` raises.
    """
    _publish(path, data, mode, _rename_to_absent)


def remove_durably(path: Path) -> None:
    """Remove the file at `path`, so that a crash does not bring it back; one that is not there is removed already.

    The blocks that held it are the file system's, and may stay on the disk. Raises: PortableError.
    """
    try:
        path.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise PortableError(f"cannot remove {path}: {error.strerror or error}") from error


def read_within(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes. Raises: ConfigurationError where it is larger or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > limit:
        raise ConfigurationError(f"{path} is larger than {limit} bytes, so it is not what was expected there")
    return data


def may_write(folder: Path) -> bool:
    """Tell whether this process may make and replace files in a folder; False where the folder is not there."""
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of the file at `path` against every process that asks for it too.

    The lock is taken on a file beside it (`.NAME.lock`), which stays: `path` itself is replaced while the lock is held, and
    removing a lock file lets two processes lock two files of the same name.
    """
    try:
        descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise ConfigurationError(f"cannot lock {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _publish(path: Path, data: bytes, mode: int, rename: Callable[[Path, Path], None]) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        try:
            _write_synced(draft, data, mode)
            rename(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise AlreadyExists(f"{path} exists; it is not overwritten") from error
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    except OSError as error:
        raise PortableError(f"cannot write {path}: {error.strerror or error}") from error


def _rename_to_absent(draft: Path, path: Path) -> None:
    # link(2) refuses an existing name atomically, which rename(2) does not; the draft's own name goes afterwards.
    os.link(draft, path)


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
