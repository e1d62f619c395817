"""A backend that wraps a backend and keeps a record of the calls: for dry runs, and for tests that count."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import Buffer

from portable.backends.protocol import (
    ANY,
    Attributes,
    Backend,
    Checksum,
    Expectation,
    Fetched,
    Folder,
    Stat,
    Unfinished,
    Upload,
)
from portable.backends.resident import Resident
from portable.errors import Denied

MUTATIONS: Final = frozenset({"put", "delete", "begin", "part", "commit", "abort", "resume"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was made: the verb, the key (a listing's prefix), and the bytes of data that went in or came out."""

    verb: str
    key: str
    size: int = 0


class RecordingBackend(Resident):
    """Passes calls on to `inner`, and records each one that reaches it; with `read_only`, mutations are Denied instead."""

    def __init__(self, inner: Backend, *, url: str, read_only: bool = False) -> None:
        self._inner, self.url, self._read_only = inner, url, read_only
        self.capabilities, self.bound = inner.capabilities, inner.bound
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls until now, failed ones too: reads as they ended, all others as they began."""
        with self._lock:
            return tuple(self._calls)

    @property
    def mutations(self) -> tuple[Call, ...]:
        """Those of the calls that could change the store."""
        return tuple(call for call in self.calls if call.verb in MUTATIONS)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        size = 0
        try:
            fetched = self._inner.get(key, start, stop, if_match=if_match)
            size = memoryview(fetched.data).nbytes
            return fetched
        finally:
            self._record("get", key, size)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        self._record("put", key, memoryview(data).nbytes)
        return self._inner.put(key, data, expect=expect, attributes=attributes)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        self._record("stat", key)
        return self._inner.stat(key)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`."""
        self._record("list", prefix)
        return self._inner.list(prefix)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`."""
        self._record("children", prefix)
        return self._inner.children(prefix)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`."""
        self._record("inventory", "")
        return self._inner.inventory()

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`."""
        self._record("delete", key)
        self._inner.delete(key, expect=expect)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        self._record("begin", key)
        return _RecordingUpload(self._inner.begin(key, attributes=attributes), key, self._record)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`."""
        self._record("resume", key)
        return _RecordingUpload(self._inner.resume(key, token, attributes=attributes), key, self._record)

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`."""
        self._record("unfinished", "")
        return self._inner.unfinished()

    def close(self) -> None:
        """See `Backend.close`."""
        self._inner.close()

    def _record(self, verb: str, key: str, size: int = 0) -> None:
        if self._read_only and verb in MUTATIONS:
            raise Denied(f"{verb} {key!r} in {self.url}: nothing may be written here (a dry run, or a read-only store)")
        with self._lock:
            self._calls.append(Call(verb, key, size))


class _RecordingUpload:
    def __init__(self, inner: Upload, key: str, record: Callable[[str, str, int], None]) -> None:
        self._inner, self._key, self._record = inner, key, record
        self.token = inner.token

    def part(self, number: int, data: Buffer) -> Checksum:
        self._record("part", self._key, memoryview(data).nbytes)
        return self._inner.part(number, data)

    def staged(self) -> Mapping[int, int]:
        self._record("staged", self._key, 0)
        return self._inner.staged()

    def commit(self, expect: Expectation = ANY) -> Stat:
        self._record("commit", self._key, 0)
        return self._inner.commit(expect)

    def abort(self) -> None:
        self._record("abort", self._key, 0)
        self._inner.abort()
