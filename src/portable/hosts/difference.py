"""How one version of a requirements document differs from an earlier one. Pure."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

import msgspec
from msgspec import Struct

from portable.hosts.requirements import Criterion, Level, Requirements

Kind = Literal["appeared", "vanished", "moved to must", "moved to should", "changed"]


class Change(Struct, frozen=True, kw_only=True):
    """One criterion that is not what it was."""

    kind: Kind
    id: str
    level: Level
    """Its level now; the last that it had, where it vanished."""
    fields: tuple[str, ...] = ()
    """What changed in it, the level and the date left aside."""
    before: date | None = None
    """The date that the earlier version gives it."""
    after: date | None = None
    """The date that this version gives it."""
    undated: bool = False
    """It changed, and its date did not."""


def differences(old: Requirements, new: Requirements) -> tuple[Change, ...]:
    """Return what appeared, vanished, moved between must and should, or changed, in the order of the new document."""
    return tuple(_changes(old, new))


def _changes(old: Requirements, new: Requirements) -> Iterator[Change]:
    before = {criterion.id: criterion for criterion in old.criteria}
    after = {criterion.id: criterion for criterion in new.criteria}
    for id_, criterion in after.items():
        if id_ not in before:
            yield Change(kind="appeared", id=id_, level=criterion.level, after=criterion.date)
        elif change := _change(before[id_], criterion):
            yield change
    for id_, criterion in before.items():
        if id_ not in after:
            yield Change(kind="vanished", id=id_, level=criterion.level, before=criterion.date)


def _change(old: Criterion, new: Criterion) -> Change | None:
    fields = tuple(
        name
        for name in msgspec.structs.asdict(new)
        if name not in ("id", "level", "date") and getattr(old, name) != getattr(new, name)
    )
    moved = old.level != new.level
    if not fields and not moved:
        return None
    kind: Kind = "changed" if not moved else "moved to must" if new.level == "must" else "moved to should"
    return Change(
        kind=kind, id=new.id, level=new.level, fields=fields, before=old.date, after=new.date, undated=old.date == new.date
    )
