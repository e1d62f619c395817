"""A volume found through the catalog: it follows its home, and mutates objects only under a lease.

The rules (docs/design/cutover.md, "What a client does"):

- A mutation starts only if it can end within the lease. It is acknowledged only if, after its response, the lease still holds
  or the catalog still shows the same write id. Otherwise its outcome is unknown, and it is repeated at the current home.
- While the entry is frozen, readers go on at the old home and writers wait, up to `patience` seconds.
- A reader or listing stays bound to the store that it began on.
- Each new lease brings the present keys of the home: what is written under it is written in the active epoch.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, TypeVar

from portable.backends.protocol import ANY, Attributes, Expectation, Folder
from portable.catalog.entry import Home
from portable.catalog.homes import Homes, Lease
from portable.catalog.transitions import WRITABLE
from portable.clock import boottime
from portable.errors import Frozen, NotFound, OutcomeUnknown, PortableError, PreconditionFailed, RetryableError, UnknownEpoch
from portable.forks import Birthplace
from portable.leased.creating import UnderLease
from portable.leased.supply import supply
from portable.leased.writing import Writing
from portable.sealed import Metadata
from portable.volume import ObjectInfo, Volume
from portable.volume.planning import Range
from portable.volume.reading import Reader
from portable.volume.reads import Request
from portable.volume.volume import guessed
from portable.volume.writable import WritableObject
from portable.volume.writing import Source

T = TypeVar("T")

BOUND_SHARE = 1 / 3
"""How much of a lease one mutation may take at most, retries included."""
_POLL = 0.2
"""Seconds between two looks at a frozen entry, at most; spread at random so that waiting writers do not come at once."""


class LeasedVolume:
    """The volume `name` of a catalog, wherever its home is. Safe to use from several threads.

    `open_home` opens a store with a bound on its mutations in seconds; the volume keeps what it opened. `renew` returns an
    opened volume with the present keys of its home: itself where they did not change.
    """

    def __init__(
        self,
        homes: Homes,
        open_home: Callable[[Home, float], Volume],
        *,
        patience: float,
        renew: Callable[[Home, Volume], Volume] = lambda _, volume: volume,
    ) -> None:
        self._born = Birthplace()
        self.homes = homes
        self._open_home = open_home
        self._patience = patience
        self._renew = renew
        self._opened: dict[tuple[Home, float], Volume] = {}
        self._renewed_until = 0.0
        """End of the newest lease whose home has been renewed."""
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"<LeasedVolume {self.homes.name!r} of {self.homes.catalog!r}>"

    def home(self) -> Volume:
        """Return the volume at its home now, for reading; what is begun on it stays there.

        Raises: NotFound, ConfigurationError, KeysError.
        """
        self._born.check(self)
        lease = self.homes.lease()
        self._watch(lease)
        return self._at(lease)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """See `Volume.read`."""
        return self._reading(lambda volume: volume.read(key, start, stop))

    def read_ranges(self, key: str, ranges: Sequence[Range]) -> list[bytes]:
        """See `Volume.read_ranges`."""
        return self._reading(lambda volume: volume.read_ranges(key, ranges))

    def read_many(self, requests: Sequence[Request]) -> list[bytes | PortableError]:
        """See `Volume.read_many`."""
        home = self.home()
        found = home.read_many(requests)
        unknown = [number for number, answer in enumerate(found) if isinstance(answer, UnknownEpoch)]
        if unknown and (renewed := self._at(self.homes.lease(), renew=True)) is not home:
            for number, answer in zip(unknown, renewed.read_many([requests[number] for number in unknown]), strict=True):
                found[number] = answer
        return found

    def reader(self, key: str, *, ahead: int = 0) -> Reader:
        """See `Volume.reader`."""
        return self._reading(lambda volume: volume.reader(key, ahead=ahead))

    def open(self, key: str) -> BinaryIO:
        """See `Volume.open`."""
        return self._reading(lambda volume: volume.open(key))

    def info(self, key: str) -> ObjectInfo:
        """See `Volume.info`."""
        return self._reading(lambda volume: volume.info(key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Volume.list`."""
        return self.home().list(prefix)

    def children(self, prefix: str = "") -> Iterator[ObjectInfo | Folder]:
        """See `Volume.children`."""
        return self.home().children(prefix)

    def write(
        self,
        key: str,
        data: Source,
        *,
        attributes: Attributes | None = None,
        modified: datetime | None = None,
        expect: Expectation = ANY,
    ) -> ObjectInfo:
        """Write the whole object; when this returns, the write is acknowledged and no cutover loses it.

        Raises: Frozen (nothing was written; `patience` ran out), OutcomeUnknown (repeat the write), and what `Volume.write`
        raises. Data that cannot be read a second time (an iterable, a file that cannot seek) is lost where the volume moved
        while it was sent: RetryableError says that nothing was written, OutcomeUnknown that it may have been.
        """
        described = Metadata(attributes or guessed(key), modified or datetime.now(UTC))
        return self._carry(Writing(key, supply(key, data, described, expect), described, expect))

    def create(
        self,
        key: str,
        *,
        attributes: Attributes | None = None,
        modified: datetime | None = None,
        expect: Expectation = ANY,
        parallel: int | None = None,
    ) -> WritableObject:
        """Open a file whose bytes become the object when it is closed; see `Volume.create`.

        When `close` returns, the write is acknowledged. An object of one part is held in memory until then, so that it follows
        the volume to another home, as in `write`. The parts of a larger one go to the home at which the first was sent, also
        while it is frozen; `close` waits up to `patience` seconds until the volume takes writes again. If it then has another
        home, or other keys to write with, the object cannot be sent again: `close` raises RetryableError (nothing was written
        at either home) or, where a commit had been sent, OutcomeUnknown. Write it again.

        Raises: InvalidKey, NotFound, ConfigurationError, KeysError. `write` and `close` of the file raise what `write` raises.
        """
        home = self.home()
        home.check_key(key)
        described = Metadata(attributes or guessed(key), modified or datetime.now(UTC))
        destination = UnderLease(
            key,
            home.backend.capabilities.part_size,
            described,
            expect,
            home.at_once(parallel),
            writable=self._writable_home,
            whole=lambda data: self._carry(Writing(key, supply(key, data, described, expect), described, expect)),
            carry=self._carry,
        )
        return WritableObject(destination)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """Delete the object; acknowledged as in `write`.

        Raises: Frozen, OutcomeUnknown, and what `Volume.delete` raises.
        """
        sent = False

        def commit(volume: Volume) -> None:
            nonlocal sent
            repeated, sent = sent, True
            try:
                volume.delete(key, expect=expect)
            except PreconditionFailed:
                if not repeated:
                    raise
                try:
                    volume.info(key)
                except NotFound:
                    return
                raise OutcomeUnknown(
                    f"{key!r} may have been deleted and written again since: look before repeating it"
                ) from None

        self._mutate(lambda *_: None, commit)

    def close(self) -> None:
        """Release connections."""
        for volume in self._opened.values():
            volume.close()

    def _carry(self, writing: Writing) -> ObjectInfo:
        """Carry a write through, and drop what it leaves. Raises: what `write` raises."""
        try:
            return self._mutate(writing.prepare, writing.commit, writing.ends)
        finally:
            writing.close()

    def _mutate(
        self,
        prepare: Callable[[Volume, Home], object],
        commit: Callable[[Volume], T],
        ends: Callable[[RetryableError], bool] = lambda _: False,
    ) -> T:
        """Prepare a mutation, which may take any time and shows nothing to readers, and commit it under a lease.

        Both are repeated, at the home of the moment, until the commit is acknowledged, `ends` says of an error that no further
        attempt is possible, or patience runs out.
        """
        give_up = boottime() + self._patience
        while True:
            try:
                lease = self._writable(give_up)
                prepared = self._at(lease)
                prepare(prepared, lease.entry.home)
                lease = self._writable(give_up)
                if self._at(lease) is not prepared:
                    continue
                result = commit(prepared)
            except (Frozen, OutcomeUnknown):
                raise
            except RetryableError as error:
                if ends(error) or boottime() >= give_up:
                    raise
                _pause()
                continue
            if self.homes.still_holds(lease):
                return result
            if boottime() >= give_up:
                raise OutcomeUnknown(
                    f"the lease on volume {self.homes.name!r} ended before the host answered: repeat the write"
                )

    def _writable(self, give_up: float) -> Lease:
        """Return a lease under which a mutation may start, waiting while the volume is frozen."""
        self._born.check(self)
        while True:
            lease = self.homes.lease()
            if lease.left <= lease.entry.lease * BOUND_SHARE:
                lease = self.homes.refresh()
            self._watch(lease)
            if lease.entry.phase in WRITABLE:
                return lease
            if boottime() >= give_up:
                raise Frozen(f"volume {self.homes.name!r} is moving to another home and holds writes: repeat the write later")
            self.homes.return_overdue(lease)
            _pause()
            self.homes.refresh()

    def _writable_home(self) -> tuple[Home, Volume]:
        lease = self._writable(boottime() + self._patience)
        return lease.entry.home, self._at(lease)

    def _watch(self, lease: Lease) -> None:
        """Show that this client can open the other store of an announced move, before anything depends on it."""
        other = lease.entry.other
        if other is not None:
            self.homes.report_once(lease.entry, lambda: next(self._open(other, lease.entry.lease).list(), None))

    def _reading(self, use: Callable[[Volume], T]) -> T:
        """Use the home; once more, with its present keys, where an object is of an epoch that the keys at hand do not have."""
        home = self.home()
        try:
            return use(home)
        except UnknownEpoch:
            renewed = self._at(self.homes.lease(), renew=True)
            if renewed is home:
                raise
            return use(renewed)

    def _at(self, lease: Lease, *, renew: bool = False) -> Volume:
        """Return the volume at the lease's home. The first time under a lease, or with `renew`, its keys are looked at anew."""
        entry = lease.entry
        opened = self._open(entry.home, entry.lease)
        with self._opening:
            if renew or lease.until > self._renewed_until:
                opened = self._opened[entry.home, entry.lease] = self._renew(entry.home, opened)
                self._renewed_until = max(lease.until, self._renewed_until)
            return self._opened[entry.home, entry.lease]

    def _open(self, home: Home, lease: float) -> Volume:
        with self._opening:
            opened = self._opened.get((home, lease))
            if opened is None:
                opened = self._opened[home, lease] = self._open_home(home, lease * BOUND_SHARE)
            return opened


def _pause() -> None:
    time.sleep(random.uniform(_POLL / 4, _POLL))  # noqa: S311 - spreads waiting writers, no secret
