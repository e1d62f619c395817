"""Stores in this process's memory, by name: for tests and demonstrations, and to compare the other backends with."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final, NoReturn

from msgspec.structs import replace
from typing_extensions import Buffer

from portable.backends.key_rules import check_range, check_text
from portable.backends.levels import check_level, level
from portable.backends.location import Location
from portable.backends.parts import check_part, check_parts
from portable.backends.protocol import (
    ABSENT,
    ANY,
    Attributes,
    Capabilities,
    Checksum,
    Expectation,
    Fetched,
    Folder,
    Matches,
    Stat,
    Upload,
)
from portable.backends.resident import Resident
from portable.errors import AlreadyExists, InvalidKey, NotFound, PreconditionFailed, Unsupported


@dataclass(frozen=True, slots=True)
class _Object:
    data: bytes
    stat: Stat
    """Its key is the whole one."""


@dataclass
class _Store:
    objects: dict[str, _Object] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    versions: Iterator[int] = field(default_factory=lambda: count(1))


_stores: Final[dict[str, _Store]] = {}
_stores_lock: Final = threading.Lock()


class MemoryBackend(Resident):
    """A prefix of one named store of this process. Bytes are copied on their way in; what comes out is immutable."""

    capabilities = Capabilities(
        conditional_create=True,
        conditional_replace=True,
        conditional_delete=True,
        conditional_commit=True,
        attributes=True,
        part_size=8 << 20,
        max_parts=10_000,
    )

    def __init__(self, location: Location, *, bound: float = 60.0) -> None:
        self.url, self.bound = location.url, bound
        self._prefix = location.prefix
        with _stores_lock:
            self._store = _stores.setdefault(location.container, _Store())

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        check_range(start, stop)
        found = self._find(key)
        if if_match is not None and found.stat.etag != if_match:
            raise PreconditionFailed(f"get {key!r} in {self.url}: another version stands there")
        return Fetched(found.data[start:stop], self._relative(found.stat))

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        return self._relative(self._find(key).stat)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        whole, copied = self._whole(key), bytes(data)
        given = attributes or Attributes()
        kept = replace(given, metadata=dict(given.metadata))
        with self._store.lock:
            self._check(whole, expect, f"put {key!r} in {self.url}")
            stat = Stat(whole, len(copied), datetime.now(UTC), f'"{next(self._store.versions):x}"', kept)
            self._store.objects[whole] = _Object(copied, stat)
        return self._relative(stat)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. It shows the store as it was when the first entry was asked for."""
        return (replace(stat, attributes=None) for stat in self._standing(prefix))

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`."""
        check_level(prefix, url=self.url)
        return level(self.list(prefix), prefix)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`: the listing, with attributes."""
        return self._standing("")

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`."""
        whole = self._whole(key)
        if expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        with self._store.lock:
            self._check(whole, expect, f"delete {key!r} in {self.url}")
            self._store.objects.pop(whole, None)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        self._whole(key)
        return _MemoryUpload(self, key, attributes)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> NoReturn:  # noqa: ARG002  # the contract
        """Raise Unsupported: an upload ends with the process that began it."""
        raise Unsupported(f"resume {key!r} in {self.url}: an upload to memory ends with the process that began it")

    def unfinished(self) -> NoReturn:
        """Raise Unsupported, as `resume` does."""
        raise Unsupported(f"{self.url}: an upload to memory ends with the process that began it")

    def close(self) -> None:
        """See `Backend.close`. The store stays."""

    def _standing(self, prefix: str) -> Iterator[Stat]:
        whole = self._prefix + prefix
        with self._store.lock:
            found = [entry.stat for key, entry in self._store.objects.items() if key.startswith(whole)]
        for stat in found:
            yield self._relative(stat)

    def _relative(self, stat: Stat) -> Stat:
        return replace(stat, key=stat.key[len(self._prefix) :])

    def _whole(self, key: str) -> str:
        check_text(key, url=self.url)
        if not key:
            raise InvalidKey(f"a key in {self.url} is empty")
        return self._prefix + key

    def _find(self, key: str) -> _Object:
        with self._store.lock:
            found = self._store.objects.get(self._whole(key))
        if found is None:
            raise NotFound(f"{key!r} in {self.url}: nothing is there")
        return found

    def _check(self, whole: str, expect: Expectation, what: str) -> None:
        standing = self._store.objects.get(whole)
        if expect == ABSENT and standing is not None:
            raise AlreadyExists(f"{what}: an object stands there")
        if isinstance(expect, Matches) and (standing is None or standing.stat.etag != expect.etag):
            raise PreconditionFailed(f"{what}: the expected version does not stand there")


class _MemoryUpload:
    """Parts in memory until they are committed."""

    def __init__(self, backend: MemoryBackend, key: str, attributes: Attributes | None) -> None:
        self._backend, self._key, self._attributes = backend, key, attributes
        self._parts: dict[int, bytes] | None = {}
        """None once it was committed or aborted."""
        self.token = ""

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`."""
        able = self._backend.capabilities
        length = memoryview(data).nbytes
        check_part(number, length, part_size=able.part_size, max_parts=able.max_parts, key=self._key, url=self._backend.url)
        self._staged("part")[number] = bytes(data)
        return "none"

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`."""
        return {number: len(part) for number, part in sorted(self._staged("staged").items())}

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`."""
        parts = self._staged("commit")
        numbers = sorted(parts)
        check_parts(numbers, key=self._key, url=self._backend.url)
        data = b"".join(parts[number] for number in numbers)
        stat = self._backend.put(self._key, data, expect=expect, attributes=self._attributes)
        self._parts = None
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        self._parts = None

    def _staged(self, operation: str) -> dict[int, bytes]:
        if self._parts is None:
            raise NotFound(f"{operation} {self._key!r} in {self._backend.url}: the upload was committed or aborted")
        return self._parts


def open_memory(location: Location, bound: float) -> MemoryBackend:
    """Open a `memory:` location, which is made when it is first opened."""
    return MemoryBackend(location, bound=bound)
