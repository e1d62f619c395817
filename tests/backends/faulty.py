"""A host made to order: it does what a store in memory does, and answers as it is told."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import uuid4

from typing_extensions import Buffer

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import ANY, Attributes, Checksum, Expectation, Fetched, Folder, Stat, Unfinished, Upload
from portable.backends.resident import Resident
from portable.backends.retrying import RetryingBackend
from portable.errors import NotFound

T = TypeVar("T")
URL = "s3://bucket"


@dataclass(frozen=True)
class Fault:
    """One answer: `error` is raised, after the call took effect at the host or instead of that."""

    error: Callable[[], BaseException]
    takes_effect: bool = False


class FaultyHost(Resident):
    """Sends each call on once. `faults` are used up one a call, None for a call that goes well; then all go well."""

    url = URL

    def __init__(self, *faults: Fault | None, bound: float = 1.0, attributes: bool = True) -> None:
        self.store = MemoryBackend(Location(f"memory://{uuid4().hex}"))
        self.capabilities = replace(self.store.capabilities, attributes=attributes, resumable=True)
        self.bound = bound
        self.faults = list(faults)
        self.calls: list[str] = []
        self.uploads: dict[str, Upload] = {}
        self.resumed_with: Attributes | None = None
        self.closed = False
        self._lock = threading.Lock()

    def call(self, verb: str, effect: Callable[[], T]) -> T:
        with self._lock:
            self.calls.append(verb)
            fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return effect()
        if fault.takes_effect:
            effect()
        raise fault.error()

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        return self.call("get", lambda: self.store.get(key, start, stop, if_match=if_match))

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        kept = attributes if self.capabilities.attributes else None
        return self.call("put", lambda: self.store.put(key, data, expect=expect, attributes=kept))

    def stat(self, key: str) -> Stat:
        return self.call("stat", lambda: self.store.stat(key))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        return iter(self.call("list", lambda: list(self.store.list(prefix))))

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        return iter(self.call("children", lambda: list(self.store.children(prefix))))

    def inventory(self) -> Iterator[Stat]:
        return iter(self.call("inventory", lambda: list(self.store.inventory())))

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        self.call("delete", lambda: self.store.delete(key, expect=expect))

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        return self.call("begin", lambda: self._begun(key, attributes))

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        self.resumed_with = attributes
        return self.call("resume", lambda: FaultyUpload(self, self._upload(token), key, token))

    def unfinished(self) -> Iterator[Unfinished]:
        return iter(self.call("unfinished", lambda: [Unfinished("key", token, None) for token in self.uploads]))

    def close(self) -> None:
        self.closed = True

    def _begun(self, key: str, attributes: Attributes | None) -> Upload:
        token = f"upload.{len(self.uploads)}"
        self.uploads[token] = self.store.begin(key, attributes=attributes if self.capabilities.attributes else None)
        return FaultyUpload(self, self.uploads[token], key, token)

    def _upload(self, token: str) -> Upload:
        if token not in self.uploads:
            raise NotFound(f"commit {token} in {URL}: the upload does not exist (any more)")
        return self.uploads[token]


class FaultyUpload:
    """An upload that is gone once it is committed, as on S3."""

    def __init__(self, host: FaultyHost, upload: Upload, key: str, token: str) -> None:
        self._host, self._upload, self._key, self.token = host, upload, key, token

    def part(self, number: int, data: Buffer) -> Checksum:
        return self._host.call("part", lambda: self._upload.part(number, data))

    def staged(self) -> Mapping[int, int]:
        return self._host.call("staged", self._upload.staged)

    def commit(self, expect: Expectation = ANY) -> Stat:
        return self._host.call("commit", lambda: self._committed(expect))

    def abort(self) -> None:
        self._host.call("abort", lambda: self._host.uploads.pop(self.token, None))

    def _committed(self, expect: Expectation) -> Stat:
        stat = self._host._upload(self.token).commit(expect)
        del self._host.uploads[self.token]
        return stat


def retrying(host: FaultyHost, *, bound: float = 30.0, pause: float = 0.0) -> RetryingBackend[FaultyHost]:
    return RetryingBackend(host, url=URL, bound=bound, pause=pause)


def times(count: int, fault: Fault) -> Iterable[Fault]:
    return (fault for _ in range(count))
