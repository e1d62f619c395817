"""`portable migrate copy`."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from migrate.cli.progress import progress
from migrate.copy import copy_objects
from migrate.engine import Migration
from migrate.plan import require_plan, require_unmoved
from migrate.report.document import SCHEMA, totals_document
from migrate.report.keys import plain
from migrate.report.terminal import print_totals
from portable.cli.identity import AskedIdentity
from portable.cli.output import out, print_json

SHOWN: Final = {"terminal": 20, "json": 1_000}
"""Failures that are shown by name; the journal holds all."""

MigrationFile = Annotated[Path, typer.Argument(metavar="MIGRATION.toml", help="The migration file.", show_default=False)]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, max=256, help="Objects at a time.  [default: from the migration file]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def copy(file: MigrationFile, workers: Workers = None, as_json: AsJson = False) -> None:
    """Copy every object that is not copied yet, encrypted, with a durable receipt for each.

    Run it again to go on after an interruption, or to repeat what failed: nothing with a receipt is copied twice. What fails is
    named by its key.

    Exit status 0: everything is copied; 1: something failed; 3: there is no plan, or it has undecided findings.

    Example: portable migrate copy lake-exit.toml --workers 32
    """
    with Migration.open(file, identity=AskedIdentity()) as migration:
        require_plan(migration)
        require_unmoved(migration)
        journal = migration.journal
        before = journal.totals().by_state
        with progress("copying", before["pending"] + before["failed"]) as show:
            copy_objects(
                journal,
                migration.source,
                migration.target,
                workers=workers or migration.declaration.copy.workers,
                progress=show,
            )
        totals = journal.totals()
        failed = list(islice(journal.items("failed"), SHOWN["json" if as_json else "terminal"]))
    if as_json:
        failures = [{"key": item.key, "reason": item.reason} for item in failed]
        facts = {"schema": SCHEMA, "kind": "copy", "name": migration.declaration.name, **totals_document(totals)}
        print_json(facts | {"failures": failures})
    else:
        console = out()
        print_totals(totals, console)
        for item in failed:
            console.print(f"failed: {plain(item.key)}: {item.reason}", soft_wrap=True)
        if (unseen := totals.by_state["failed"].objects - len(failed)) > 0:
            console.print(f"and {unseen:,} more: see --json, and the journal for all")
    if not totals.all_copied:
        raise typer.Exit(1)
