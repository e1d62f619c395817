"""Cutover: announce, freeze, wait, final delta, gate, flip; back to the old home when anything fails before the flip.

The coordinator may be killed at any moment. Before the flip, writers return a frozen volume by themselves; after it, running
the cutover again finishes the job. The rules are in docs/design/cutover.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from migrate.declaration import Timing
from migrate.gate import GateResult, check_gate
from migrate.journal import Journal
from migrate.switch import Switch
from portable.backends.location import same_store
from portable.catalog.entry import Entry, Home
from portable.errors import PortableError, RefusedError

MAX_ROUNDS: Final = 5
"""Deltas copied while the move is announced, at most."""
SMALL_DELTA: Final = 20
"""Objects: a delta no larger than this is left for the freeze."""

Tell = Callable[[str], None]


class Work(Protocol):
    """What a cutover needs done to the objects; the engine does it."""

    @property
    def journal(self) -> Journal:
        """The migration's journal."""

    def delta(self) -> int:
        """List the source, copy and verify what is new or changed, delete at the target what vanished.

        Returns how many objects that were.
        """

    def scan_both(self) -> None:
        """List source and target into the journal's scans."""


@dataclass(frozen=True, slots=True)
class CutoverResult:
    """How a cutover ended."""

    entry: Entry
    """What stands in the catalog now."""
    moved: bool
    """Whether the new home is active."""
    gate: GateResult | None
    problems: tuple[str, ...]
    """Why the volume was returned to its old home, if it was."""


class Cutover:
    """One cutover, from `old` to `new`."""

    def __init__(self, switch: Switch, work: Work, *, old: Home, new: Home, timing: Timing, tell: Tell) -> None:
        self._switch = switch
        self._work = work
        self._old = old
        self._new = new
        self._timing = timing
        self._tell = tell
        self._gate: GateResult | None = None

    def run(self) -> CutoverResult:
        """Move the volume's home, or return it to the old one with the reason.

        Raises: RefusedError (nothing was changed: the volume has another home, or is not verified), and what the catalog
        raises. An interruption returns the volume and is raised again.
        """
        entry = self._switch.entry()
        if _same_home(entry.home, self._new):
            if entry.phase == "flipped":
                return self._finish(entry, "an earlier cutover flipped the volume and did not finish")
            return CutoverResult(entry, moved=True, gate=None, problems=())
        if not same_store(entry.home.location, self._old.location):
            raise RefusedError(
                f"the home of volume {entry.name!r} is {entry.home.url}, and the migration's source is {self._old.url}: "
                "migrate from where the volume's home is"
            )
        if entry.phase != "active":
            self._tell("an earlier cutover was left before its flip: the old home is made active first")
            entry = self._switch.retreat(self._timing.lease)
        if not self._work.journal.totals().all_verified:
            raise RefusedError(
                "not everything is copied and verified: run `portable migrate copy` and `portable migrate verify`"
            )
        return self._move(entry)

    def _move(self, entry: Entry) -> CutoverResult:
        try:
            announced = self._announce(entry)
            frozen = self._freeze(announced)
            self._final_delta(frozen)
            self._tell("flip: the new home")
            flipped = self._switch.flip(frozen, self._timing.frozen_lease)
        except BaseException as error:
            self._tell("return: the old home stays the home")
            standing = self._switch.retreat(self._timing.lease)
            if standing.phase == "flipped":
                return self._finish(standing, "the flip was made, although its answer was lost")
            if isinstance(error, PortableError):
                return CutoverResult(standing, moved=False, gate=self._gate, problems=(str(error),))
            raise
        return self._finish(flipped, None)

    def _announce(self, entry: Entry) -> Entry:
        self._tell("announce: clients learn the new home and try to open it")
        announced = self._switch.announce(entry, self._new, self._timing.lease)
        self._switch.outlast(announced)
        for turn in range(1, MAX_ROUNDS + 1):
            changed = self._work.delta()
            self._tell(f"delta {turn}: {changed} objects")
            if changed <= SMALL_DELTA:
                break
        problems = self._switch.problems(announced)
        if problems:
            raise RefusedError(f"clients cannot open the new home: {'; '.join(problems)}")
        return announced

    def _freeze(self, announced: Entry) -> Entry:
        self._tell(f"freeze: writers wait; it holds when the last lease ends, in {announced.lease:g} s")
        frozen = self._switch.freeze(announced, lease=self._timing.frozen_lease, max_frozen=self._timing.max_frozen)
        self._switch.outlast(frozen)
        return frozen

    def _final_delta(self, frozen: Entry) -> None:
        self._tell(f"final delta: {self._work.delta()} objects")
        self._work.scan_both()
        gate = self._gate = check_gate(self._work.journal, frozen.write_id)
        self._tell(f"gate: {gate.compared} objects equal on both sides, {gate.differences} different")
        if not gate.opens_for(frozen.write_id):
            raise RefusedError(f"the gate is shut: {'; '.join(gate.examples)}")

    def _finish(self, flipped: Entry, why: str | None) -> CutoverResult:
        if why:
            self._tell(why)
        self._tell("activate: writers go on at the new home")
        return CutoverResult(self._switch.activate(flipped, self._timing.lease), moved=True, gate=self._gate, problems=())


def _same_home(home: Home, new: Home) -> bool:
    return same_store(home.location, new.location) and (home.mode, home.volume_id) == (new.mode, new.volume_id)
