"""The inventory: every entry of the source's listing, brought into the journal; and what stands at the target."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from migrate.engine import Migration
from migrate.entries import OBJECT_RULES, Route, set_aside, variant
from migrate.findings import KINDS
from migrate.journal import Listed
from migrate.tokens import token
from portable.backends.protocol import Stat
from portable.format.context import volume_header_length
from portable.keys.volume_keys import FRAME_LENGTH
from portable.volume import Volume

FOREIGN_NAME: Final = "foreign name"
"""Variant of an object at the target whose stored name the volume did not make: it stands at no key, and is always extra."""
_KEY_NAME_LENGTH: Final = 49
"""Bytes of the name of every epoch key: a volume id and an epoch id in hexadecimal, and a slash."""

Observe = Callable[[Stat, str | None], None]
"""Told of each entry, and of the finding under which it is not moved (None: it is)."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """Tells what is moved: current objects, but for those that the operator has decided to leave behind. Pure."""

    route: Route
    left: tuple[str, ...] = ()
    """Ids of the accepted findings whose objects are left behind."""

    def not_moved(self, entry: Stat) -> str | None:
        """Return the id of the finding under which an entry is not moved, or None."""
        return set_aside(entry) or next((name for name in self.left if OBJECT_RULES[name](entry, self.route)), None)

    def listed(self, entry: Stat, not_moved: str | None) -> Listed:
        """Return the journal's line for an entry."""
        skip = None
        if not_moved is not None:
            skip = f"{not_moved}: left behind by decision" if not_moved in self.left else f"{not_moved}: not a current object"
        return Listed(entry.key, entry.size, token(entry), variant(entry), skip)


def sorting(migration: Migration) -> Sorting:
    """Return how this migration sorts entries. Raises: ConfigurationError, KeysError."""
    accepted = migration.declaration.plan.accept
    return Sorting(route(migration), tuple(name for name in accepted if KINDS[name].leaves))


def route(migration: Migration) -> Route:
    """Return what this migration's target can hold. Raises: ConfigurationError, KeysError.

    Where the keyring cannot be unlocked here, frames of the default length and plain names are assumed.
    """
    source, target = migration.declaration.source.location, migration.declaration.target.location
    return Route(
        source=source.scheme,
        target=target.scheme,
        prefix=target.prefix,
        capabilities=migration.target_backend.capabilities,
        frame_length=migration.keys.frame_length if migration.can_unlock else FRAME_LENGTH,
        header_length=volume_header_length(_KEY_NAME_LENGTH),
        names=migration.keys.names if migration.can_unlock else "plain",
    )


def take_inventory(migration: Migration, observe: Observe | None = None) -> int:
    """List the source, bring the journal's inventory up to it, and return the number of entries.

    Memory is bounded at any number of entries. Raises: ConfigurationError, KeysError, RefusedError (the host repeats entries),
    NotFound (no such container), Denied, Unavailable; the journal is unchanged then.
    """
    sort = sorting(migration)

    def entries() -> Iterator[Listed]:
        for entry in migration.source.backend.inventory():
            not_moved = sort.not_moved(entry)
            if observe is not None:
                observe(entry, not_moved)
            yield sort.listed(entry, not_moved)

    journal = migration.open_journal(create=True)
    count = journal.scan("source", entries())
    journal.reconcile()
    return count


def listed_at(target: Volume) -> Iterator[Listed]:
    """List what stands in a volume by its keys, but for the volume's own objects. Raises: NotFound, Denied, Unavailable."""
    for key, stat in target.stored():
        variant = FOREIGN_NAME if key is None else ""
        yield Listed(stat.key if key is None else key, stat.size, token(stat), variant)
