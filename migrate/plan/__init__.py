"""The inventory of a migration and everything that will or may go wrong. A dry run: it writes nothing to either host."""

from migrate.plan.conditions import require_unmoved
from migrate.plan.making import make_plan
from migrate.plan.plan import Plan
from migrate.plan.requirement import require_plan

__all__ = ["Plan", "make_plan", "require_plan", "require_unmoved"]
