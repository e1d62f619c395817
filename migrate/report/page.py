"""A plan as one self-contained HTML page: no script, no external resource."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from migrate.plan import Plan
from migrate.report.document import plan_document
from migrate.report.keys import Naming
from migrate.report.words import counted, number, size


def plan_page(plan: Plan, naming: Naming) -> str:
    """Return the page. `naming` says how keys are shown."""
    environment = Environment(
        loader=PackageLoader("migrate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "size": size, "counted": counted}
    return environment.get_template("plan.html.j2").render(plan=plan_document(plan, naming))
