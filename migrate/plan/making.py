"""Making a plan: lists both hosts, reads keyring and catalog, and writes to nothing but the journal."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from migrate.engine import Migration
from migrate.findings import KINDS, TABLE, Finding
from migrate.inventory import route, take_inventory
from migrate.journal import Journal
from migrate.plan.conditions import catalog_findings, keyring_findings, target_findings
from migrate.plan.names import Names
from migrate.plan.plan import Plan, SizeClass
from migrate.plan.requirement import forget_plan, record_plan
from migrate.plan.survey import Survey
from migrate.plan.traffic import Traffic, listing_pages
from migrate.states import Sum
from portable.backends.protocol import Stat

_STEP: Final = 1_000
"""Entries between two reports of progress."""

Progress = Callable[[int], None]
"""Told how many entries of the source's listing have been read."""


def make_plan(migration: Migration, *, progress: Progress | None = None) -> Plan:
    """Take the inventory, say what will happen and what stands in the way, and record in the journal that there is a plan.

    A dry run: nothing is written to either host. Memory is bounded at any number of objects. Raises: ConfigurationError,
    KeysError (the keyring cannot be used), RefusedError (the journal is in use; a host repeats entries), NotFound, Denied,
    Unavailable (the source cannot be listed).
    """
    declared = migration.declaration
    journal = migration.open_journal(create=True)
    found = list(keyring_findings(migration))
    forget_plan(journal)
    with Names(folders=declared.target.location.scheme == "file") as names:
        survey = Survey(route(migration), names)
        entries = take_inventory(migration, _counting(survey, progress))
        found += survey.findings.values()
        found += _name_findings(names, journal)
    found += target_findings(migration)
    found += catalog_findings(migration)
    traffic = Traffic(survey.route)
    for item in journal.items("pending", "failed"):
        traffic.add(item.size)
    plan = Plan(
        name=declared.name,
        made=datetime.now(UTC),
        declaration=declared.digest,
        deadline=declared.deadline,
        source=declared.source.url,
        target=declared.target.url,
        provider=declared.target.provider,
        volume=declared.target.encryption.volume,
        rollback=declared.rollback.mode,
        unlocked=migration.can_unlock,
        entries=entries,
        totals=journal.totals(),
        moved=survey.moved,
        findings=_in_order(found),
        accepted=declared.plan.accept,
        traffic=traffic,
        metadata_puts=survey.findings["metadata-overflow"].objects if "metadata-overflow" in survey.findings else 0,
        source_pages=listing_pages(survey.route.source, entries),
        target_pages=listing_pages(survey.route.target, survey.moved.objects),
        sizes=_size_classes(survey),
        largest=tuple((key, size) for size, key in sorted(survey.largest, reverse=True)),
    )
    record_plan(journal, plan)
    return plan


def _counting(survey: Survey, progress: Progress | None) -> Callable[[Stat, str | None], None]:
    def observe(entry: Stat, not_moved: str | None) -> None:
        survey.add(entry, not_moved)
        if progress is not None and survey.entries % _STEP == 0:
            progress(survey.entries)

    return observe


def _name_findings(names: Names, journal: Journal) -> Iterable[Finding]:
    def size_at(key: str) -> int | None:
        item = journal.item(key)
        return None if item is None or item.state in ("skipped", "vanished") else item.size

    alike, folders = Finding(KINDS["normalisation"]), Finding(KINDS["key-and-folder"])
    for key, size in names.look_alikes(size_at):
        alike.add(key, size)
    for key, size in names.also_folders(size_at):
        folders.add(key, size)
    return alike, folders


def _in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    by_id = {finding.kind.id: finding for finding in found if finding.found}
    return tuple(by_id[kind.id] for kind in TABLE if kind.id in by_id)


def _size_classes(survey: Survey) -> tuple[SizeClass, ...]:
    return tuple(
        SizeClass(
            smallest=10 ** (digits - 1) if digits else 0,
            largest=10**digits - 1,
            sum=Sum(survey.sizes[digits], survey.size_bytes[digits]),
        )
        for digits in sorted(survey.sizes)
    )
