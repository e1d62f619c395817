"""`portable migrate verify`."""

from typing import Any, Final

import typer

from migrate.cli.copy import AsJson, MigrationFile, Workers
from migrate.cli.progress import progress
from migrate.engine import Migration
from migrate.plan import require_plan, require_unmoved
from migrate.report.document import SCHEMA, totals_document
from migrate.report.keys import plain
from migrate.report.terminal import print_totals
from migrate.states import Totals
from migrate.verify import Verification, verify_objects
from portable.cli.identity import AskedIdentity
from portable.cli.output import out, print_json

SHOWN: Final = 20
"""Findings that are shown on the terminal; `--json` gives more."""


def verify(file: MigrationFile, workers: Workers = None, as_json: AsJson = False) -> None:
    """Read every copy back from the target, decrypt it, and compare it with what was read from the source.

    What could not be checked counts as unverified, never as equal. What differs is named by its key.

    Exit status 0: everything is verified, and nothing else stands at the target; 1: something is corrupt, missing, extra or
    unverified; 3: there is no plan, or it has undecided findings.

    Example: portable migrate verify lake-exit.toml --json
    """
    with Migration.open(file, identity=AskedIdentity()) as migration:
        require_plan(migration)
        require_unmoved(migration)
        before = migration.journal.totals().by_state
        with progress("verifying", before["copied"] + before["verified"]) as show:
            found = verify_objects(
                migration.journal,
                migration.source,
                migration.target,
                workers=workers or migration.declaration.copy.workers,
                progress=show,
            )
        totals = migration.journal.totals()
    if as_json:
        facts = {"schema": SCHEMA, "kind": "verify", "name": migration.declaration.name} | _facts(found, totals)
        print_json(facts)
    else:
        _print(found, totals)
    if not (found.clean and totals.all_verified):
        raise typer.Exit(1)


def _facts(found: Verification, totals: Totals) -> dict[str, Any]:
    findings = [{"key": finding.key, "problem": finding.problem, "reason": finding.reason} for finding in found.findings]
    counts = {"verified": found.verified, "failed": found.failed, "unverified": found.unverified}
    return {
        **totals_document(totals),
        "checked": {name: {"objects": total.objects, "bytes": total.bytes} for name, total in counts.items()},
        "extra": found.extra,
        "findings": findings,
    }


def _print(found: Verification, totals: Totals) -> None:
    console = out()
    print_totals(totals, console)
    for finding in found.findings[:SHOWN]:
        console.print(f"{finding.problem}: {plain(finding.key)}: {finding.reason}", soft_wrap=True)
    if (unseen := found.failed.objects + found.unverified.objects + found.extra - SHOWN) > 0:
        console.print(f"and {unseen:,} more: see --json, and the journal for all")
    if found.clean and totals.all_verified:
        console.print(f"All {found.verified.objects:,} copies are equal to what was read from the source.")
