"""`portable migrate`: the commands that move a volume from one host to another."""

from collections.abc import Callable
from typing import Any, Final

import typer

from migrate.cli.copy import copy
from migrate.cli.cutover import cutover
from migrate.cli.plan import init, plan
from migrate.cli.status import status
from migrate.cli.verify import verify

COMMANDS: Final[tuple[Callable[..., Any], ...]] = (init, plan, copy, verify, cutover, status)
"""In the order in which a migration uses them."""

app = typer.Typer(
    name="migrate",
    help="Move a volume from one host to another, with evidence that nothing was lost or altered.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in COMMANDS:
    app.command()(_command)
