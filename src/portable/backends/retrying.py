"""A backend that wraps a host's backend, which sends each request once, and repeats what may be repeated.

What may be is a table: `retry_rules`. A conditional write whose answer was lost is recognised by the write id in the object's
metadata: `write_ids`. A listing that is one of `pages.Pages` survives the loss of any page; of any other iterator only the
beginning is repeated, until it has given its first entry.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final, Generic, TypeVar

from msgspec.structs import replace
from typing_extensions import Buffer

from portable.backends.pages import Pages
from portable.backends.parts import part_seconds
from portable.backends.protocol import (
    ANY,
    Attributes,
    Backend,
    Checksum,
    Expectation,
    Fetched,
    Folder,
    Matches,
    Stat,
    Unfinished,
    Upload,
)
from portable.backends.repetition import PAUSE, Budget, Past, Repetition
from portable.backends.resident import Resident
from portable.backends.retry_rules import Rule, rule
from portable.backends.settling import Settling
from portable.backends.write_ids import check_metadata, new_write_id, stamped, without_write_id
from portable.errors import ConfigurationError, Unsupported

E = TypeVar("E")
B = TypeVar("B", bound=Backend)
T = TypeVar("T")

ATTEMPTS: Final = 3
"""How many attempts fit into a bound, however slow each is: an attempt's bound is this part of a call's."""
_TOKEN: Final = re.compile(r"([0-9a-f]{32}|)\.(.+)", re.DOTALL)
"""The token of an upload: its write id, where that is known, and the host's own token."""


class RetryingBackend(Resident, Generic[B]):
    """Passes calls on to `inner`, and repeats them within `bound` seconds. What is still Unavailable then is raised."""

    def __init__(self, inner: B, *, url: str, bound: float, pause: float = PAUSE, budget: Budget | None = None) -> None:
        """`inner.bound` is an attempt's; `pause` the longest first pause, in seconds. Raises: ConfigurationError."""
        if inner.bound > bound:
            raise ConfigurationError(f"{url}: one attempt may take {inner.bound} s, which is over the bound of {bound} s")
        self.inner, self.url, self.bound, self.capabilities = inner, url, bound, inner.capabilities
        self._repeat = Repetition(attempt=inner.bound, bound=bound, pause=pause, budget=budget or Budget(), url=url)
        self._settling = Settling(inner, url=url)

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        fetched = self._repeat(rule("get"), lambda _: self.inner.get(key, start, stop, if_match=if_match))
        stat = without_write_id(fetched.stat)
        return fetched if stat is fetched.stat else replace(fetched, stat=stat)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`. Raises OutcomeUnknown where an answer was lost, and this write's object does not stand there."""
        if attributes is not None:
            check_metadata(attributes, url=self.url)
        write_id = self._new_write_id(attributes) if expect != ANY else ""
        given, how = stamped(attributes, write_id) if write_id else attributes, rule("put", expect)

        def attempt(past: Past) -> Stat:
            try:
                return without_write_id(self.inner.put(key, data, expect=expect, attributes=given))
            except how.settled as refusal:
                if not past.lost:
                    raise
                return self._settling.written("put", key, write_id, refusal, past)

        return self._repeat(how, attempt)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        return without_write_id(self._repeat(rule("stat"), lambda _: self.inner.stat(key)))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`."""
        return map(without_write_id, self._entries("list", lambda: self.inner.list(prefix)))

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`."""
        entries = self._entries("children", lambda: self.inner.children(prefix))
        return (entry if isinstance(entry, Folder) else without_write_id(entry) for entry in entries)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`."""
        return map(without_write_id, self._entries("inventory", self.inner.inventory))

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Raises OutcomeUnknown where an answer was lost, and another version stands at the key."""
        how = rule("delete", expect)

        def attempt(past: Past) -> None:
            try:
                self.inner.delete(key, expect=expect)
            except how.settled as refusal:
                if not past.lost or not isinstance(expect, Matches):
                    raise
                self._settling.deleted(key, expect, refusal, past)

        self._repeat(how, attempt)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        check_metadata(attributes, url=self.url)
        write_id = self._new_write_id(attributes)
        upload = self._repeat(rule("begin"), lambda _: self.inner.begin(key, attributes=stamped(attributes, write_id)))
        return _RetryingUpload(upload, key, write_id, self._repeat, self._settling)

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`."""
        check_metadata(attributes, url=self.url)
        if not self.capabilities.resumable:
            raise Unsupported(f"resume {key!r} in {self.url}: an upload to this host ends with the process that began it")
        if not (found := _TOKEN.fullmatch(token)):
            raise ConfigurationError(
                f"resume {key!r} in {self.url}: the token is none that `Upload.token` or `unfinished` gave"
            )
        write_id, inner_token = found.groups()
        given = stamped(attributes, write_id)
        upload = self._repeat(rule("resume"), lambda _: self.inner.resume(key, inner_token, attributes=given))
        return _RetryingUpload(upload, key, write_id, self._repeat, self._settling)

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`."""
        uploads = self._entries("unfinished", self.inner.unfinished)
        return (replace(upload, token=f".{upload.token}") for upload in uploads)

    def reading(self, read: Callable[[B], T]) -> T:
        """Repeat a read of what only such a host has: `backend.reading(lambda host: host.features.tags(key))`.

        `read` changes nothing at the host; a listing it reads to its end. Raises: what `read` raises.
        """
        return self._repeat(rule("get"), lambda _: read(self.inner))

    def close(self) -> None:
        """See `Backend.close`."""
        self._repeat.close()
        self.inner.close()

    def _new_write_id(self, attributes: Attributes | None) -> str:
        return new_write_id(attributes) if self.capabilities.attributes else ""

    def _entries(self, verb: str, start: Callable[[], Iterator[E]]) -> Iterator[E]:
        how = rule(verb)
        begun = self._repeat(how, lambda _: start())
        return self._pages(how, begun) if isinstance(begun, Pages) else self._rest(how, begun, start)

    def _pages(self, how: Rule, pages: Pages[E]) -> Iterator[E]:
        while (page := self._repeat(how, lambda _: pages.page())) is not None:
            yield from page

    def _rest(self, how: Rule, begun: Iterator[E], start: Callable[[], Iterator[E]]) -> Iterator[E]:
        waiting = [begun]

        def first(_: Past) -> tuple[list[E], Iterator[E]]:
            # An iterator that has raised is over: it would pass for an empty listing.
            entries = waiting.pop() if waiting else start()
            return list(islice(entries, 1)), entries

        head, entries = self._repeat(how, first)
        yield from head
        yield from entries


class _RetryingUpload:
    """Repeats parts, and the commit until it is known what became of it."""

    def __init__(self, inner: Upload, key: str, write_id: str, repeat: Repetition, settling: Settling) -> None:
        self._inner, self._key, self._write_id, self._repeat, self._settling = inner, key, write_id, repeat, settling
        self._committed = False
        self.token = f"{write_id}.{inner.token}" if inner.token else ""

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`."""
        seconds = part_seconds(memoryview(data).nbytes, 0.0)
        return self._repeat(rule("part"), lambda _: self._inner.part(number, data), attempt=seconds)

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`."""
        return self._repeat(rule("staged"), lambda _: self._inner.staged())

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`. Raises OutcomeUnknown as `put` does."""
        how = rule("commit", expect)

        def attempt(past: Past) -> Stat:
            try:
                return without_write_id(self._inner.commit(expect))
            except how.settled as refusal:
                if not past.lost:
                    raise
                return self._settling.written("commit", self._key, self._write_id, refusal, past)

        stat = self._repeat(how, attempt)
        self._committed = True
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        if not self._committed:
            self._repeat(rule("abort"), lambda _: self._inner.abort())


def host_backend(backend: Backend, kind: type[B]) -> B | None:
    """Return the host's own backend, where it is of this kind, for what only such hosts have. It repeats nothing."""
    inner = backend.inner if isinstance(backend, RetryingBackend) else backend
    return inner if isinstance(inner, kind) else None
