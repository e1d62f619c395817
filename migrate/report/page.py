"""A plan as one self-contained HTML page: no script, no external resource."""

from migrate.plan import Plan
from migrate.report.document import plan_document
from migrate.report.keys import Naming
from migrate.report.words import counted, number, size
from portable.cli.pages import environment


def plan_page(plan: Plan, naming: Naming) -> str:
    """Return the page. `naming` says how keys are shown."""
    filling = environment("migrate.report")
    filling.filters |= {"number": number, "size": size, "counted": counted}
    return filling.get_template("plan.html.j2").render(plan=plan_document(plan, naming))
