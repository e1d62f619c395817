"""The phases of a move as a table: which entry may follow which.

Pure. Every change of a move is made by `successor`, so an entry that skips a phase cannot be signed. `revised` changes how a
home is described, between moves alone::

    active (old) -> announced (old) -> frozen (old) -> flipped (new) -> active (new)
                          |                |
                          +----------------+--> active (old)      the way back, at any time before the flip
"""

from typing import Final

import msgspec

from portable.catalog.entry import Entry, Home, Phase, new_write_id
from portable.errors import RefusedError

ALLOWED: Final[dict[Phase, frozenset[Phase]]] = {
    "active": frozenset({"announced"}),
    "announced": frozenset({"frozen", "active"}),
    "frozen": frozenset({"flipped", "active"}),
    "flipped": frozenset({"active"}),
}

WRITABLE: Final[frozenset[Phase]] = frozenset({"active", "announced"})
"""The phases in which clients may mutate objects at the home."""

_FLIP_SKIPS = 2
"""Generations that the flip moves by.

The way back of a frozen entry of generation g is signed in advance with generation g + 1. The flip is g + 2, so that a way back
replayed after it is older than what clients have seen.
"""


def first_entry(name: str, home: Home, *, lease: float, authority: str) -> Entry:
    """Return the unsigned entry with which a volume comes into a catalog: active at `home`, generation 1.

    `lease` is in seconds, `authority` the fingerprint of who will sign.
    """
    return Entry(name=name, generation=1, write_id=new_write_id(), phase="active", home=home, lease=lease, authority=authority)


def successor(
    entry: Entry,
    phase: Phase,
    *,
    lease: float,
    waited: bool = False,
    other: Home | None = None,
    max_frozen: float | None = None,
) -> Entry:
    """Return the unsigned entry that follows `entry` in `phase`, with a fresh write id and a higher generation.

    The flip makes `entry.other` the home and the old home the other; every other step leaves the home as it is. `lease` and
    `max_frozen` are seconds. `waited` says that the writer has outlasted every lease from before `entry`.
    Raises: RefusedError for a step that the table does not allow.
    """
    if phase not in ALLOWED[entry.phase]:
        raise RefusedError(f"volume {entry.name!r} is {entry.phase} at {entry.home.url}: it cannot become {phase}")
    home, skip = entry.home, 1
    if phase == "flipped":
        if entry.other is None:
            raise RefusedError(f"the frozen entry of volume {entry.name!r} names no store to flip to")
        home, other, skip = entry.other, entry.home, _FLIP_SKIPS
    return msgspec.structs.replace(
        entry,
        generation=entry.generation + skip,
        write_id=new_write_id(),
        previous=entry.write_id,
        phase=phase,
        home=home,
        other=other,
        lease=lease,
        outstanding=entry.lease if waited else max(entry.lease, entry.outstanding),
        max_frozen=max_frozen,
        way_back=None,
    )


def revised(entry: Entry, *, home: Home, lease: float) -> Entry:
    """Return the unsigned entry that describes the home of a volume that is not moving otherwise.

    It consents to a home in clear exactly where a sealed one was its predecessor, or the predecessor consented. `lease` is in
    seconds. Raises: RefusedError (a migration is moving the volume).
    """
    if entry.phase != "active":
        raise RefusedError(
            f"volume {entry.name!r} is {entry.phase}: a migration is moving it, and only that migration changes its entry "
            "until it is done or has returned (`portable migrate status`)"
        )
    return msgspec.structs.replace(
        entry,
        generation=entry.generation + 1,
        write_id=new_write_id(),
        previous=entry.write_id,
        home=home,
        lease=lease,
        outstanding=max(entry.lease, entry.outstanding),
        allow_clear=home.mode == "clear" and (entry.allow_clear or entry.home.mode == "sealed"),
    )
