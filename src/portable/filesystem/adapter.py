"""`portable://` as fsspec knows a filesystem: what looks and reads (`listing`, `reading`), and here what changes volumes."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.compression import compr
from fsspec.core import get_compression
from typing_extensions import Buffer

from portable.backends.protocol import ABSENT, ANY, Expectation
from portable.errors import AlreadyExists, Denied, NotFound, Unsupported
from portable.filesystem.entries import prefix_of
from portable.filesystem.listing import AT_ONCE
from portable.filesystem.reading import ReadingFileSystem
from portable.filesystem.writing import Compressed, Deferred, Discarding, Told
from portable.volume.files import ReadableObject

_MODES: Final[dict[str, Expectation]] = {"wb": ANY, "xb": ABSENT}
_EXPECTED: Final[dict[str, Expectation]] = {"overwrite": ANY, "create": ABSENT}


class PortableFileSystem(ReadingFileSystem):
    """Volumes of a catalog as an fsspec filesystem: `portable://NAME/key`.

    `storage_options`, all of them references that override the configuration (see `portable.config`), none a secret, because
    fsspec keeps, prints and pickles them:

    `catalog`    the catalog's file
    `authority`  fingerprint of the authority to trust
    `keyring`    the keyring's file, if not where the catalog says
    `patience`   seconds that a writer waits while its volume moves
    `state`      folder in which this machine keeps what it has seen of authorities and entries

    The keyring is unlocked by what the environment names, once a process. Folders are what keys share up to a slash: they need
    not be made, and are gone with their last object. Nothing that a host lists is kept. An object appears, whole, when its
    file is closed.
    """

    def pipe_file(self, path: str, value: Buffer, mode: str = "overwrite", **_: Any) -> None:
        """Write the object, all or nothing; mode `create` refuses to overwrite. Raises: AlreadyExists, RetryableError."""
        name, key = self._split(path)
        self.volume(name).write(key, value, expect=_expected(mode))

    def put_file(
        self, lpath: str, rpath: str, callback: Callback = DEFAULT_CALLBACK, mode: str = "overwrite", **_: Any
    ) -> None:
        """Write a local file's bytes as the object at `rpath`, a piece at a time. A folder needs no making."""
        local = Path(lpath)
        if local.is_dir():
            return
        name, key = self._split(rpath)
        with local.open("rb") as stream:
            self.volume(name).write(key, Told(stream, callback), expect=_expected(mode))

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy an object: it is decrypted and written as a new message, because the old one is bound to its key."""
        name, key = self._split(path1)
        target, target_key = self._split(path2)
        try:
            stream = self.volume(name).open(key)
        except NotFound:
            if self.isdir(path1):
                return
            raise
        with stream:
            described = cast("ReadableObject", stream).info
            if self._is_stub(name, described):
                return
            self.volume(target).write(target_key, stream, attributes=described.attributes)

    def mv(self, path1: Any, path2: Any, recursive: bool = False, maxdepth: int | None = None, **_: Any) -> None:
        """Copy, and delete what was copied. Raises: Unsupported (a folder into itself)."""
        if isinstance(path1, str) and isinstance(path2, str):
            source, target = str(self._strip_protocol(path1)), str(self._strip_protocol(path2))
            if source == target and not path2.endswith("/"):
                return
            if recursive and f"{target}/".startswith(f"{source}/"):
                raise Unsupported(f"portable://{source} cannot be moved into itself, to portable://{target}")
        super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth)

    def rm_file(self, path: str) -> None:
        """Delete the object. Raises: NotFound, RetryableError."""
        self._object(path)
        name, key = self._split(path)
        self.volume(name).delete(key)

    _rm = rm_file

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete objects, and with `recursive` all that is in folders. Raises: NotFound (before anything is deleted)."""
        doomed: dict[tuple[str, str], None] = {}
        for each in self.expand_path(path):
            doomed |= dict.fromkeys(self._doomed(each, recursive=recursive, maxdepth=maxdepth))
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="portable-delete") as threads:
            list(threads.map(lambda place: self.volume(place[0]).delete(place[1]), doomed))

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Do nothing: folders are prefixes of keys."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders are prefixes of keys."""

    def rmdir(self, path: str) -> None:
        """Do nothing: a folder is gone with its last object."""

    def touch(self, path: str, truncate: bool = True, **_: Any) -> None:
        """Write an empty object. Raises: Unsupported (not `truncate`, and an object is there: its time stays)."""
        if not truncate and self.exists(path):
            raise Unsupported(f"{path}: the time of an object is when it was written, and cannot be set to now: write it again")
        self.pipe_file(path, b"")

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **options: Any,
    ) -> Any:
        """Open an object as a file: to read (`r`), to write it whole (`w`), or to write it if nothing is there (`x`).

        An object appears when its file is closed. A file that is never closed writes nothing, and neither does a `with` block
        that an exception leaves. Nor does a file that `fsspec.open` or a library closes while an exception is handled that came
        up after it was opened; it warns (RuntimeWarning).
        """
        if "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **options)
        text = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options and "b" not in mode}
        plain = f"{mode.replace('b', '').replace('t', '')}b"
        file = super().open(path, plain, block_size, cache_options, **options)
        codec = get_compression(path, compression)
        if codec is not None:
            file = Compressed(file, compr[codec](file, mode="w"))
        return file if "b" in mode else Discarding(file, **text)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        cache_type: str | None = None,
        **_: Any,
    ) -> BinaryIO:
        if mode == "rb":
            return self._open_to_read(path, block_size=block_size, cache_type=cache_type, cache_options=cache_options)
        if mode not in _MODES:
            raise Unsupported(
                f"{path}: objects are written whole, so mode {mode!r} is not possible: open with 'rb', 'wb' or 'xb'"
            )
        name, key = self._split(path)
        if mode == "xb":
            # Said early to whoever may look; the write expects nothing there in any case.
            with contextlib.suppress(Denied):
                if self.isfile(path):
                    raise AlreadyExists(f"an object stands at portable://{name}/{key}")
        file = self.volume(name).create(key, expect=_MODES[mode])
        return cast("BinaryIO", file if autocommit else Deferred(file))

    def _doomed(self, path: str, *, recursive: bool, maxdepth: int | None) -> list[tuple[str, str]]:
        """Name what is deleted with `path`, markers of folders too. Raises: NotFound, Unsupported (the whole catalog)."""
        name, key = self._split(path)
        if not name:
            raise Unsupported("portable:// itself cannot be deleted: name a volume, and a folder or object in it")
        if not recursive:
            self._object(path)
            return [(name, key)]
        if maxdepth is not None:
            found = [self._split(each) for each in self.find(path, maxdepth)]
        else:
            found = [(name, info.key) for info in self._stored(name, prefix_of(key))]
        if key:
            with contextlib.suppress(NotFound):
                self.volume(name).info(key)
                found.append((name, key))
        if not found and key:
            raise NotFound(f"there is no object or folder at portable://{name}/{key}")
        return found


def _expected(mode: str) -> Expectation:
    if mode not in _EXPECTED:
        raise Unsupported(f"mode {mode!r} is not possible: objects are written whole, by 'overwrite' or 'create'")
    return _EXPECTED[mode]
