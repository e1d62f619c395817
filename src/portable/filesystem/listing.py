"""What is where: the part of the filesystem that looks, and reads and writes nothing.

Only what is surely absent is "not there": a host that denies or does not answer raises, whatever is asked. fsspec's own methods
would take any error for absence.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from fsspec.spec import AbstractFileSystem

from portable.backends.protocol import Folder
from portable.catalog.local import LocalCatalog
from portable.config import settings
from portable.errors import ConfigurationError, NotFound
from portable.filesystem.entries import Entry, file_entry, folder_entry, is_folder, level, may_be_stub, prefix_of, tree
from portable.filesystem.sharing import SHARED
from portable.leased import LeasedVolume
from portable.volume import ObjectInfo, Volume

T = TypeVar("T")

AT_ONCE: Final = 16
"""Requests that are sent at the same time where many are needed."""
FSSPEC_OPTIONS: Final = frozenset(
    {"asynchronous", "batch_size", "listings_expiry_time", "loop", "max_paths", "skip_instance_cache", "use_listings_cache"}
)
"""Options that fsspec or its users give to any filesystem. They change nothing here: nothing is cached and nothing is async."""


class Listing(AbstractFileSystem):
    """The volumes of a catalog, their folders and their objects."""

    protocol = "portable"
    root_marker = ""

    def __init__(
        self,
        catalog: str | None = None,
        authority: str | None = None,
        keyring: str | None = None,
        patience: float | None = None,
        state: str | None = None,
        **options: Any,
    ) -> None:
        """See `PortableFileSystem`. Raises: ConfigurationError."""
        own = {name: value for name, value in options.items() if name not in FSSPEC_OPTIONS}
        named = {"catalog": catalog, "authority": authority, "keyring": keyring, "patience": patience, "state": state}
        self._settings = settings(named | own)
        super().__init__(**{name: value for name, value in options.items() if name in FSSPEC_OPTIONS})
        self._volumes: dict[str, LeasedVolume] = {}

    def volume(self, name: str) -> LeasedVolume:
        """Return the open volume `name`, shared with every thread of this process.

        Raises: NotFound (the catalog has no such volume), ConfigurationError, KeysError.
        """
        volume = self._volumes.get(name)
        if volume is None:
            volume = self._volumes[name] = SHARED.open(name, self._settings)
        return volume

    def info(self, path: str, **_: Any) -> Entry:
        """Describe the object or folder at `path`; an object's size is authenticated.

        Raises: NotFound (nothing is there), and what `Volume.info` raises.
        """
        name, key = self._split(path)
        if not key:
            if name:
                self.volume(name)
            return folder_entry(name)
        try:
            found = self.volume(name).info(key)
        except NotFound:
            if not self._holds(name, key):
                raise NotFound(f"there is no object or folder at portable://{name}/{key}") from None
            return folder_entry(f"{name}/{key}")
        return folder_entry(f"{name}/{key}") if self._is_stub(name, found) else file_entry(name, found)

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether an object or folder is at `path`. Raises what `info` raises, but for NotFound."""
        return self._entry(path) is not None

    def isfile(self, path: str) -> bool:
        """Tell whether an object is at `path`. Raises as `exists`."""
        entry = self._entry(path)
        return entry is not None and not is_folder(entry)

    def isdir(self, path: str) -> bool:
        """Tell whether a folder is at `path`, and no object. Raises as `exists`."""
        entry = self._entry(path)
        return entry is not None and is_folder(entry)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List what is directly under `path`: objects, and folders once each; of an object, itself.

        Sizes are what the host's listing tells. Raises: NotFound, and what `Volume.list` raises.
        """
        name, key = self._split(path)
        found = self._level(name, key) if name else [folder_entry(volume) for volume in self._names()]
        return found if detail else [entry["name"] for entry in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **_: Any
    ) -> list[str] | dict[str, Entry]:
        """List every object under `path`, and with `withdirs` the folders, `path` among them; of an object, itself.

        Without `maxdepth` this is one listing of the host, else one for each folder that is entered.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        name, key = self._split(path)
        try:
            flat = bool(name) and maxdepth is None
            found = list(self._under(name, key, folders=withdirs) if flat else self._descend(name, key, maxdepth))
        except NotFound:
            found = []
        if not found and key:
            entry = self._entry(path)
            found = [entry] if entry else []
        elif name and withdirs and (found or self.exists(path)):
            found.append(folder_entry(f"{name}/{key}".rstrip("/")))
        entries = {entry["name"]: entry for entry in found if withdirs or not is_folder(entry)}
        names = sorted(entries)
        return {found_name: entries[found_name] for found_name in names} if detail else names

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: str | Callable[[OSError], object] = "omit",
        **options: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Walk the folders under `path` as fsspec does. `on_error="omit"` omits what is gone; anything else is raised."""

        def told(error: OSError) -> None:
            if callable(on_error):
                on_error(error)
            elif not isinstance(error, FileNotFoundError):
                raise error

        yield from super().walk(path, maxdepth, topdown, on_error if on_error == "raise" else told, **options)

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **_: Any
    ) -> int | dict[str, int]:
        """Return how many bytes of plaintext the objects under `path` have: together, or each."""
        found = cast("dict[str, Entry]", self.find(path, maxdepth, withdirs, detail=True))
        sizes = {name: int(entry["size"]) for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    def modified(self, path: str) -> datetime:
        """Return the modification time, in UTC. Raises: NotFound (also for a folder)."""
        return cast("datetime", self._object(path)["mtime"])

    def created(self, path: str) -> datetime:
        """Return the modification time: objects are written once, whole."""
        return self.modified(path)

    def ukey(self, path: str) -> str:
        """Return a text that changes with the object: caches keep copies by it. Raises: NotFound (also for a folder)."""
        entry = self._object(path)
        return hashlib.sha256(f"{entry['name']}\n{entry['etag']}\n{entry['size']}".encode()).hexdigest()

    def checksum(self, path: str) -> int:
        """Return `ukey` as a number. Raises: NotFound (also for a folder)."""
        return int(self.ukey(path), 16)

    def _split(self, path: str) -> tuple[str, str]:
        """Split a path into volume name and key. The key is literal, but fsspec takes slashes from its end."""
        name, _, key = str(self._strip_protocol(path)).partition("/")
        return name, key

    def _names(self) -> list[str]:
        if self._settings.catalog is None:
            return []
        return LocalCatalog(self._settings.catalog).names()

    def _entry(self, path: str) -> Entry | None:
        try:
            return self.info(path)
        except NotFound:
            return None

    def _object(self, path: str) -> Entry:
        entry = self.info(path)
        if is_folder(entry):
            raise NotFound(f"there is no object at portable://{entry['name']}: it is a folder")
        return entry

    def _stored(self, name: str, prefix: str) -> Iterator[ObjectInfo]:
        volume = self.volume(name)
        return _store_there(lambda: volume.list(prefix))

    def _holds(self, name: str, key: str) -> bool:
        """Whether the folder has objects: a listing by folders shows, at some hosts, folders whose objects are gone."""
        return any(True for _ in self._stored(name, prefix_of(key)))

    def _is_stub(self, name: str, info: ObjectInfo) -> bool:
        """Whether an object only stands for a folder, by one more request where the host stores no byte of it."""
        return may_be_stub(info) and self._holds(name, info.key)

    def _level(self, name: str, key: str) -> list[Entry]:
        volume = self.volume(name)
        found = list(_store_there(lambda: _children(volume.home(), prefix_of(key))))
        if not found and key:
            return [file_entry(name, self.volume(name).info(key))]
        return sorted(level(name, found), key=lambda entry: str(entry["name"]))

    def _under(self, name: str, key: str, *, folders: bool) -> Iterator[Entry]:
        return tree(name, key, self._stored(name, prefix_of(key)), folders=folders)

    def _descend(self, name: str, key: str, maxdepth: int | None) -> Iterator[Entry]:
        for entry in self.ls(f"{name}/{key}"):
            yield entry
            # The folder of keys such as `a//b` has no path of its own.
            if is_folder(entry) and not entry["name"].endswith("/") and maxdepth != 1:
                yield from self._descend(*self._split(entry["name"]), maxdepth and maxdepth - 1)


def _store_there(listed: Callable[[], Iterator[T]]) -> Iterator[T]:
    """Give a listing. It finds nothing missing but its store or catalog, and where they are not, nothing is known of a file."""
    try:
        yield from listed()
    except NotFound as error:
        raise ConfigurationError(str(error)) from None


def _children(home: Volume, prefix: str) -> Iterator[ObjectInfo | Folder]:
    """Give what is directly under the prefix, without folders that hold no object, which some hosts keep."""
    found = list(home.children(prefix))
    if not home.backend.capabilities.empty_folders:
        yield from found
        return

    def counts(child: ObjectInfo | Folder) -> bool:
        return not isinstance(child, Folder) or any(True for _ in home.list(child.prefix))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="portable-list") as threads:
        yield from (child for child, kept in zip(found, threads.map(counts, found), strict=True) if kept)
