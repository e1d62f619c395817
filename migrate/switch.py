"""The coordinator's hand on the catalog: each step of a move as one signed compare-and-swap, and the waits that it owes.

Waits are owed because clients may use an entry until their lease on it ends, however long ago it was replaced. They are taken
whole: after a restart they start again.
"""

import contextlib
import time
from collections.abc import Callable

import msgspec

from portable.catalog.entry import Entry, Home, sign_entry
from portable.catalog.homes import Homes
from portable.catalog.transitions import successor
from portable.errors import PreconditionFailed
from portable.keys.authority import Authority

MARGIN = 0.25
"""Seconds added to every wait, for the resolution of clocks and the scheduling of a busy machine."""


class Switch:
    """Moves one volume's entry through its phases."""

    def __init__(self, homes: Homes, authority: Authority, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._homes = homes
        self._authority = authority
        self._sleep = sleep

    def entry(self) -> Entry:
        """Return the entry as it stands now. Raises: NotFound, UntrustedSignature."""
        return self._homes.refresh().entry

    def announce(self, entry: Entry, target: Home, lease: float) -> Entry:
        """Tell clients where the volume is going; `outlast` the result. `lease` is in seconds."""
        return self._put(entry, successor(entry, "announced", lease=lease, other=target))

    def problems(self, announced: Entry) -> list[str]:
        """Return what clients reported who cannot open the other store of an announced move."""
        reports = self._homes.catalog.reports(announced.write_id)
        return [f"{report.client}: {report.problem}" for report in reports if report.problem]

    def freeze(self, announced: Entry, *, lease: float, max_frozen: float) -> Entry:
        """Hold the volume's writes; they are held once the result is outlasted, as `announced` has been.

        The frozen entry carries its own way back, signed, for writers to use after `max_frozen` seconds. All in seconds.
        """
        frozen = successor(announced, "frozen", lease=lease, waited=True, other=announced.other, max_frozen=max_frozen)
        way_back = sign_entry(successor(frozen, "active", lease=announced.lease), self._authority).decode()
        return self._put(announced, msgspec.structs.replace(frozen, way_back=way_back))

    def flip(self, frozen: Entry, lease: float) -> Entry:
        """Make the other store the home. From here there is no automatic way back. The result still holds writes."""
        return self._put(frozen, successor(frozen, "flipped", lease=lease, waited=True))

    def activate(self, flipped: Entry, lease: float) -> Entry:
        """Let writers write at the new home, once no client reads at the old one under a lease."""
        self.outlast(flipped)
        return self._put(flipped, successor(flipped, "active", lease=lease, waited=True))

    def retreat(self, lease: float) -> Entry:
        """Make the old home active again, from whatever stands before the flip; return what stands afterwards.

        Only a compare-and-swap that succeeds settles this: a flip whose answer was lost may land until then, and is returned
        when it has.
        """
        while True:
            standing = self.entry()
            if standing.phase not in {"announced", "frozen"}:
                return standing
            with contextlib.suppress(PreconditionFailed):
                return self._put(standing, successor(standing, "active", lease=lease))

    def outlast(self, entry: Entry) -> None:
        """Wait until every lease on an entry from before `entry` has ended."""
        self._sleep(entry.outstanding + MARGIN)

    def _put(self, standing: Entry, entry: Entry) -> Entry:
        document = sign_entry(entry, self._authority)
        self._homes.catalog.compare_and_swap(entry.name, standing.write_id, document, self._authority.fingerprint)
        return entry
