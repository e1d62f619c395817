"""What a cutover does to objects: carries what changed since, and lists both sides afresh."""

import threading
from collections.abc import Iterator

from migrate.copy import copy_objects
from migrate.deletions import delete_vanished
from migrate.engine import Migration
from migrate.inventory import listed_at, sorting, take_inventory
from migrate.journal import Journal, Listed
from migrate.verify import verify_objects


class Carrying:
    """The objects' side of a cutover. `stop` ends a delta early; the gate then finds what is left."""

    def __init__(self, migration: Migration, *, workers: int, stop: threading.Event | None = None) -> None:
        self._migration = migration
        self._workers = workers
        self._stop = stop

    @property
    def journal(self) -> Journal:
        """The migration's journal."""
        return self._migration.journal

    def delta(self) -> int:
        """List the source, copy and verify what is new or changed, delete at the target what vanished; return how many objects.

        Raises: what listing, copying and verifying raise when a host refuses altogether; a single object that fails is left
        to the gate.
        """
        migration = self._migration
        take_inventory(migration)
        totals = self.journal.totals().by_state
        changed = totals["pending"].objects + totals["failed"].objects
        changed += sum(item.target is not None for item in self.journal.items("vanished"))
        copy_objects(self.journal, migration.source, migration.target, workers=self._workers, stop=self._stop)
        verify_objects(
            self.journal, migration.source, migration.target, only_copied=True, workers=self._workers, stop=self._stop
        )
        delete_vanished(self.journal, migration.target, workers=self._workers, stop=self._stop)
        return changed

    def scan_both(self) -> None:
        """List source and target into the journal's scans, and change nothing else there."""
        self.journal.scan("source", self._source())
        self.journal.scan("target", listed_at(self._migration.target))

    def _source(self) -> Iterator[Listed]:
        sort = sorting(self._migration)
        for entry in self._migration.source.backend.inventory():
            yield sort.listed(entry, sort.not_moved(entry))
