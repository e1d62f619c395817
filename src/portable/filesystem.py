"""The fsspec filesystem `portable://NAME/key`: volumes of the catalog, for everything that reads through fsspec.

Paths are `NAME/key`. Folders are prefixes that some key has: they need not be made and vanish with their last object.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.spec import AbstractFileSystem
from typing_extensions import Buffer

from portable.backends.protocol import ABSENT, ANY, Expectation
from portable.catalog.local import LocalCatalog
from portable.config import settings
from portable.errors import NotFound, Unsupported
from portable.leased import LeasedVolume
from portable.opening import open_by_catalog
from portable.volume import ObjectInfo


class PortableFileSystem(AbstractFileSystem):
    """Volumes of a catalog as an fsspec filesystem.

    `catalog`, `authority`, `keyring` and `patience` override the configuration (see `portable.config`). They are references,
    never secrets; the keyring is unlocked by what the environment names.
    """

    protocol = "portable"
    root_marker = ""

    def __init__(
        self,
        catalog: str | None = None,
        authority: str | None = None,
        keyring: str | None = None,
        patience: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._settings = settings({"catalog": catalog, "authority": authority, "keyring": keyring, "patience": patience})
        self._volumes: dict[str, LeasedVolume] = {}

    def volume(self, name: str) -> LeasedVolume:
        """Return the open volume `name`. Raises: ConfigurationError, NotFound, KeysError."""
        if name not in self._volumes:
            self._volumes[name] = open_by_catalog(name, self._settings)
        return self._volumes[name]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Describe the object or folder at `path`. Raises: NotFound."""
        name, key = self._split(path)
        if key:
            try:
                return _file(name, self.volume(name).info(key))
            except NotFound:
                pass
        prefix = f"{key}/" if key else ""
        if key and next(self.volume(name).list(prefix), None) is None:
            raise NotFound(f"there is no object or folder at portable://{name}/{key}")
        if name:
            self.volume(name)
        return _folder(f"{name}/{key}".rstrip("/"))

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List what is directly under `path`: objects, and folders once each. Raises: NotFound."""
        name, key = self._split(path)
        found = self._names() if not name else self._children(name, key)
        return found if detail else [entry["name"] for entry in found]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **options: Any
    ) -> list[str] | dict[str, Any]:
        """List every object under `path`, in one listing where depth and folders do not matter."""
        name, key = self._split(path)
        if maxdepth is not None or withdirs or not name:
            return cast("list[str] | dict[str, Any]", super().find(path, maxdepth, withdirs, detail, **options))
        entries = sorted((_file(name, info) for info in self._under(name, key)), key=lambda entry: str(entry["name"]))
        return {entry["name"]: entry for entry in entries} if detail else [entry["name"] for entry in entries]

    def modified(self, path: str) -> datetime:
        """Return the modification time, in UTC. Raises: NotFound."""
        return cast("datetime", self.info(path)["mtime"])

    def created(self, path: str) -> datetime:
        """Return the modification time: objects are written once, whole."""
        return self.modified(path)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Return bytes [start, end) of the object; negative bounds count from its end. Raises: NotFound, IntegrityError."""
        name, key = self._split(path)
        if (start or 0) < 0 or (end is not None and end < 0):
            reader = self.volume(name).reader(key)
            first, last, _step = slice(start, end).indices(reader.info.size)
            return reader.read(first, max(first, last))
        return self.volume(name).read(key, start or 0, end)

    def pipe_file(self, path: str, value: Buffer, mode: str = "overwrite", **_: Any) -> None:
        """Write the object, all or nothing; mode `create` refuses to overwrite. Raises: AlreadyExists, RetryableError."""
        name, key = self._split(path)
        self.volume(name).write(key, value, expect=ABSENT if mode == "create" else ANY)
        self.invalidate_cache(path)

    def put_file(self, lpath: str, rpath: str, callback: Any = None, mode: str = "overwrite", **_: Any) -> None:
        """Write a local file's bytes as the object at `rpath`."""
        local = Path(lpath)
        if local.is_dir():
            return
        name, key = self._split(rpath)
        with local.open("rb") as stream:
            self.volume(name).write(key, stream, expect=ABSENT if mode == "create" else ANY)
        if callback is not None:
            size = local.stat().st_size
            callback.set_size(size)
            callback.absolute_update(size)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy an object: it is decrypted and written as a new message, because the old one is bound to its key."""
        name, key = self._split(path1)
        if self.isdir(path1):
            return
        target, target_key = self._split(path2)
        info = self.volume(name).info(key)
        with self.volume(name).open(key) as stream:
            self.volume(target).write(target_key, stream, attributes=info.attributes)

    def rm_file(self, path: str) -> None:
        """Delete the object. Raises: NotFound, RetryableError."""
        name, key = self._split(path)
        self.volume(name).info(key)
        self.volume(name).delete(key)

    _rm = rm_file

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Do nothing: folders are prefixes of keys."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders are prefixes of keys."""

    def rmdir(self, path: str) -> None:
        """Do nothing: a folder is gone with its last object."""

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        name, key = self._split(path)
        if mode == "rb":
            return self.volume(name).open(key)
        if mode in {"wb", "xb"}:
            return cast("BinaryIO", WritableObject(self.volume(name), key, ABSENT if mode == "xb" else ANY))
        raise Unsupported(f"objects are written whole: mode {mode!r} is not possible, open with 'rb', 'wb' or 'xb'")

    def _split(self, path: str) -> tuple[str, str]:
        """Split a path into volume name and key. The key is literal."""
        name, _, key = str(self._strip_protocol(path)).partition("/")
        return name, key

    def _names(self) -> list[dict[str, Any]]:
        if self._settings.catalog is None:
            return []
        return [_folder(name) for name in LocalCatalog(self._settings.catalog).names()]

    def _under(self, name: str, key: str) -> Iterator[ObjectInfo]:
        found = False
        for info in self.volume(name).list(f"{key}/" if key else ""):
            found = True
            yield info
        if not found and key:
            try:
                yield self.volume(name).info(key)
            except NotFound:
                return

    def _children(self, name: str, key: str) -> list[dict[str, Any]]:
        prefix = f"{key}/" if key else ""
        children: dict[str, dict[str, Any]] = {}
        for info in self.volume(name).list(prefix):
            child, slash, _ = info.key[len(prefix) :].partition("/")
            path = f"{name}/{prefix}{child}"
            children[path] = _folder(path) if slash else _file(name, info)
        if not children and key:
            return [_file(name, self.volume(name).info(key))]
        return [children[path] for path in sorted(children)]


class WritableObject(io.BytesIO):
    """Collects an object and writes it when closed without an exception; nothing is visible before."""

    def __init__(self, volume: LeasedVolume, key: str, expect: Expectation) -> None:
        super().__init__()
        self._volume = volume
        self._key = key
        self._expect = expect
        self._abandoned = False

    def discard(self) -> None:
        """Close without writing."""
        self._abandoned = True
        super().close()

    def close(self) -> None:
        """Write the object. Raises: AlreadyExists, RetryableError, Denied."""
        if self.closed:
            return
        try:
            if not self._abandoned:
                self._volume.write(self._key, self.getvalue(), expect=self._expect)
        finally:
            super().close()

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            self.discard()
        self.close()


def _file(name: str, info: ObjectInfo) -> dict[str, Any]:
    return {
        "name": f"{name}/{info.key}",
        "size": info.size,
        "type": "file",
        "mtime": info.modified.astimezone(UTC),
        "etag": info.etag,
    }


def _folder(path: str) -> dict[str, Any]:
    return {"name": path, "size": 0, "type": "directory"}
