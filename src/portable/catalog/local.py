"""A catalog in a local file: compare-and-swap by a lock and an atomic rename.

The file holds signed entries and is itself unsigned. It must not lie on the host that is being left, nor on a network file
system, where neither the lock nor the rename can be trusted.
"""

import os
from pathlib import Path

import msgspec

from portable.catalog.entry import Entry, open_entry
from portable.errors import (
    AlreadyExists,
    ConfigurationError,
    Denied,
    NotFound,
    PortableError,
    PreconditionFailed,
    UntrustedSignature,
)
from portable.keys.durable import exclusive, may_write, read_within, replace_durably
from portable.keys.fields import MALFORMED

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "lustre",
        "glusterfs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "9p",
        "beegfs",
    }
)
_SIZE_LIMIT = 64 * 1024 * 1024
_REPORT_LIMIT = 64 * 1024


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    entries: dict[str, msgspec.Raw]


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client found when it tried the other store of an announced move."""

    client: str
    problem: str | None


class LocalCatalog:
    """Signed entries in one JSON file. Several processes may use it at once.

    Who reads and writes objects only reads the file. Who changes an entry, or leaves a report on a move, also writes in its
    folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()

    def __repr__(self) -> str:
        return f"LocalCatalog({str(self.path)!r})"

    @property
    def folder(self) -> Path:
        """Where relative paths of the catalog's entries start."""
        return self.path.parent

    @property
    def may_change(self) -> bool:
        """Whether this process may write in the catalog's folder, as every change of an entry must."""
        return may_write(self.folder)

    def reference(self, path: Path) -> str:
        """Return how an entry names a file: relative to the catalog's folder where it lies under it, else absolute."""
        path = path.absolute()
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    def create(self) -> None:
        """Make an empty catalog. Raises: AlreadyExists, ConfigurationError (a network file system, no such folder), Denied."""
        self._check_folder()
        _refuse_network_file_system(self.folder)
        with exclusive(self.path):
            if self.path.exists():
                raise AlreadyExists(f"{self.path} exists: a catalog is never overwritten")
            self._replace(_File(version=1, entries={}))

    def names(self) -> list[str]:
        """Return the names of the volumes that have an entry. Raises: NotFound, ConfigurationError."""
        return sorted(self._load().entries)

    def read(self, name: str, pinned: str | None) -> Entry:
        """Return the entry of volume `name`, signed by the authority with fingerprint `pinned`.

        Raises: NotFound (no catalog, no such name), ConfigurationError (not a catalog), UntrustedSignature.
        """
        entries = self._load().entries
        if name not in entries:
            known = ", ".join(sorted(entries)) or "none"
            raise NotFound(f"the catalog {self.path} has no volume {name!r}; it has: {known}")
        return open_entry(bytes(entries[name]), name, pinned)

    def compare_and_swap(self, name: str, expected: str | None, document: bytes, pinned: str) -> None:
        """Put the signed entry `document` in the place of the one with write id `expected` (None: of no entry).

        Durable when it returns. Raises: PreconditionFailed (another entry stands there: nothing was written),
        UntrustedSignature (`document` or what stands there is not the authority's), Denied (this process may not write there),
        NotFound, ConfigurationError.
        """
        entry = open_entry(document, name, pinned)
        if entry.previous != expected:
            raise PreconditionFailed(f"the new entry of {name!r} replaces another one than the catalog is asked to replace")
        self._check_folder()
        with exclusive(self.path):
            file = self._load()
            standing = open_entry(bytes(file.entries[name]), name, pinned) if name in file.entries else None
            if (standing and standing.write_id) != expected:
                raise PreconditionFailed(f"the catalog entry of {name!r} was changed by someone else meanwhile")
            if standing and entry.generation <= standing.generation:
                raise UntrustedSignature(f"the new entry of {name!r} is not newer than the one that stands")
            file.entries[name] = msgspec.Raw(document)
            self._replace(file)

    def report(self, write_id: str, report: Report) -> None:
        """Leave a client's report on the announced entry `write_id` for the coordinator.

        Raises: Denied (this process may not write there), ConfigurationError, PortableError (the disk).
        """
        folder = self._reports(write_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except PermissionError:
            raise Denied(f"no report can be left at {folder}: this process may not write there") from None
        except OSError as error:
            raise PortableError(f"no report can be left at {folder}: {error.strerror}") from None
        replace_durably(folder / f"{report.client}.json", msgspec.json.encode(report), mode=0o600)

    def reports(self, write_id: str) -> list[Report]:
        """Return the clients' reports on the announced entry `write_id`; one that cannot be read is a problem."""
        return [_read_report(file) for file in sorted(self._reports(write_id).glob("*.json"))]

    def _reports(self, write_id: str) -> Path:
        return self.path.with_name(f"{self.path.name}.reports") / write_id

    def _check_folder(self) -> None:
        if not os.path.isdir(self.folder):  # noqa: PTH112 - unlike `is_dir`, False also for what may not be looked at
            raise ConfigurationError(f"there is no folder {self.folder}: make it before the catalog")
        if not self.may_change:
            raise Denied(
                f"the catalog {self.path} may be read here and not changed: to change an entry, this process must be "
                f"allowed to write in {self.folder}; to read and write objects it need not"
            )

    def _load(self) -> _File:
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(
                f"there is no catalog at {self.path}: make one with `portable catalog init {self.path}`, or name the one there "
                "is (PORTABLE_CATALOG, or `catalog` in portable.toml)"
            ) from None
        except OSError as error:
            raise ConfigurationError(f"the catalog {self.path} cannot be reached: {error.strerror}") from None
        data = read_within(self.path, _SIZE_LIMIT)
        try:
            file = msgspec.json.decode(data, type=_File)
        except MALFORMED as error:
            raise ConfigurationError(f"{self.path} is not a catalog: {error}") from None
        if file.version != 1:
            raise ConfigurationError(f"{self.path} is not a catalog that this version of portable can read")
        return file

    def _replace(self, file: _File) -> None:
        replace_durably(self.path, msgspec.json.format(msgspec.json.encode(file), indent=1), mode=0o644)


def _read_report(file: Path) -> Report:
    try:
        return msgspec.json.decode(read_within(file, _REPORT_LIMIT), type=Report)
    except (ConfigurationError, *MALFORMED) as error:
        return Report(client=file.stem, problem=f"its report cannot be read: {error}")


def _refuse_network_file_system(folder: Path) -> None:
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return
    folder = folder.resolve()
    best, kind = Path("/"), ""
    for line in mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        _, point, file_system, *_ = line.split(" ")
        mount = Path(point.replace("\\040", " "))
        if folder.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, file_system
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigurationError(
            f"{folder} lies on a network file system ({kind}), whose locks cannot be trusted with a catalog: use a local disk"
        )
