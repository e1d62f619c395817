"""Bytes out of volumes: whole objects, ranges of many of them, files on this machine, files that are open."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.caching import caches
from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.spec import AbstractBufferedFile
from fsspec.utils import isfilelike

from portable.errors import ConfigurationError, InvalidKey, NotFound, PortableError
from portable.filesystem.listing import Listing
from portable.volume.files import ReadableObject
from portable.volume.reading import WINDOW, Reader

Range = tuple[str, int | None, int | None]
"""A path and bytes [start, end) of it; negative bounds count from its end."""


class CachedFile(AbstractBufferedFile):
    """One version of an object, behind one of fsspec's caches: for callers that name the cache (`cache_type`)."""

    def __init__(self, filesystem: Listing, path: str, reader: Reader, **options: Any) -> None:
        self._reader = reader
        super().__init__(filesystem, path, mode="rb", **options | {"size": reader.info.size})

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._reader.read(start, end)


class ReadingFileSystem(Listing):
    """What is read of volumes. No byte is given out before it is authenticated."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Return bytes [start, end) of the object; negative bounds count from its end.

        Raises: NotFound, IntegrityError (nothing is returned), and what `Volume.read` raises.
        """
        name, key = self._split(path)
        return self.volume(name).read(key, start or 0, end)

    def cat_ranges(
        self,
        paths: list[str],
        starts: int | list[int | None] | None,
        ends: int | list[int | None] | None,
        max_gap: int | None = None,  # noqa: ARG002  # the volume decides which ranges share a request
        on_error: str = "return",
        **_: Any,
    ) -> list[bytes | Exception]:
        """Return bytes [start, end) of each path, in parallel; one that fails gives its error, or raises (`on_error="raise"`).

        A single bound holds for all paths. Raises: TypeError, ValueError (unequal lengths).
        """
        if not isinstance(paths, list):
            raise TypeError("cat_ranges takes a list of paths")
        first = starts if isinstance(starts, list) else [starts] * len(paths)
        last = ends if isinstance(ends, list) else [ends] * len(paths)
        if not len(paths) == len(first) == len(last):
            raise ValueError(f"{len(paths)} paths, {len(first)} starts and {len(last)} ends: as many of each are needed")
        found = self._fetched(list(zip(paths, first, last, strict=True)))
        if on_error != "return":
            _raise_first(found)
        return found

    def cat(
        self, path: str | list[str], recursive: bool = False, on_error: str = "raise", **_: Any
    ) -> bytes | dict[str, bytes | Exception]:
        """Return the bytes of one object; of several (a list, a glob, a folder with `recursive`) those of each by its path.

        An object that fails raises, is left out (`on_error="omit"`) or gives its error ("return").
        """
        paths = [found for found in self.expand_path(path, recursive=recursive) if not recursive or not self.isdir(found)]
        if not isinstance(path, list) and paths == [self._strip_protocol(path)]:
            return self.cat_file(paths[0])
        found = self._fetched([(each, None, None) for each in paths])
        if on_error == "raise":
            _raise_first(found)
        kept = zip(paths, found, strict=True)
        return {each: data for each, data in kept if on_error != "omit" or isinstance(data, bytes)}

    def get_file(
        self,
        rpath: str,
        lpath: str | os.PathLike[str] | BinaryIO | None = None,
        callback: Callback = DEFAULT_CALLBACK,
        outfile: BinaryIO | None = None,
        **_: Any,
    ) -> None:
        """Copy an object into a file, a window at a time; a folder becomes a folder.

        A file that is named appears when all of it is there: what cannot be read to its end leaves and replaces nothing.
        """
        into: Any = lpath if outfile is None and isfilelike(lpath) else outfile
        name, key = self._split(rpath)
        try:
            source = self.volume(name).open(key)
        except (NotFound, InvalidKey):
            if into is None and self.isdir(rpath):
                Path(str(lpath)).mkdir(parents=True, exist_ok=True)
                return
            raise
        if into is None and self._is_stub(name, cast("ReadableObject", source).info):
            source.close()
            Path(str(lpath)).mkdir(parents=True, exist_ok=True)
            return
        with source, contextlib.nullcontext(into) if into is not None else _appearing(Path(str(lpath))) as target:
            callback.set_size(source.seek(0, os.SEEK_END))
            source.seek(0)
            while data := source.read(WINDOW):
                target.write(data)
                callback.relative_update(len(data))

    def _open_to_read(self, path: str, *, cache_type: str | None, **options: Any) -> BinaryIO:
        """Open the object's present version: as a plain buffered file, or behind fsspec's cache where one is named."""
        name, key = self._split(path)
        if cache_type is None:
            return self.volume(name).open(key)
        if cache_type not in caches:
            raise ConfigurationError(f"fsspec has no cache {cache_type!r}: name one of {', '.join(sorted(map(str, caches)))}")
        reader = self.volume(name).reader(key)
        return cast("BinaryIO", CachedFile(self, f"{name}/{key}", reader, cache_type=cache_type, **options))

    def _fetched(self, wanted: Sequence[Range]) -> list[bytes | Exception]:
        """Return what each range has, or the error that it meets."""
        found: list[bytes | Exception] = [b""] * len(wanted)
        by_volume: dict[str, list[int]] = {}
        for number, (path, _, _) in enumerate(wanted):
            by_volume.setdefault(self._split(path)[0], []).append(number)
        for name, numbers in by_volume.items():
            requests = [(self._split(wanted[number][0])[1], wanted[number][1] or 0, wanted[number][2]) for number in numbers]
            try:
                answers: Sequence[bytes | Exception] = self.volume(name).read_many(requests)
            except PortableError as error:
                answers = [error] * len(numbers)
            for number, answer in zip(numbers, answers, strict=True):
                found[number] = answer
        return found


def _raise_first(found: Sequence[bytes | Exception]) -> None:
    for result in found:
        if isinstance(result, Exception):
            raise result


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """Give a file that is at `path` when the block ends without an exception, in the place of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("xb") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
