"""That there is a plan, of this very migration file, with every blocking finding decided."""

import json
from typing import Final

from migrate.engine import Migration
from migrate.journal import Journal
from migrate.plan.plan import Plan
from portable.errors import RefusedError

MADE: Final = "plan_made"
"""Fact of the journal: when the plan was made, in UTC (ISO 8601)."""
DECLARATION: Final = "plan_declaration"
"""Fact: digest of the migration file that it was made from."""
BLOCKING: Final = "plan_blocking"
"""Fact: ids of the undecided findings that keep `copy` from starting, as a JSON list."""


def record_plan(journal: Journal, plan: Plan) -> None:
    """Record that the plan was made. The time comes last, so that what it stands for is complete."""
    journal.set_fact(DECLARATION, plan.declaration)
    journal.set_fact(BLOCKING, json.dumps(plan.blocking))
    journal.set_fact(MADE, plan.made.isoformat())


def forget_plan(journal: Journal) -> None:
    """Record that no plan counts, because the inventory is about to change."""
    journal.set_fact(MADE, None)


def require_plan(migration: Migration) -> None:
    """Raise RefusedError unless there is a plan of this very migration file, and no finding keeps `copy` from starting.

    What blocks the cutover alone is not asked here: the cutover reads the catalog itself.
    """
    journal, file = migration.journal, migration.declaration.file
    again = f"`portable migrate plan {file}`"
    if journal.fact(MADE) is None:
        raise RefusedError(f"there is no plan of {migration.declaration.name!r} yet: make one with {again}")
    if journal.fact(DECLARATION) != migration.declaration.digest:
        raise RefusedError(f"the migration file changed since the plan: plan again with {again}")
    undecided = json.loads(journal.fact(BLOCKING) or "[]")
    if undecided:
        raise RefusedError(
            f"the plan has undecided blocking findings: {', '.join(undecided)}. Mend them, or accept them in {file} "
            f"([plan] accept = {json.dumps(undecided)}), then plan again with {again}"
        )
