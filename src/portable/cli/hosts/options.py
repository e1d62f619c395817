"""What the commands on hosts share: options, and how their tables look."""

from typing import Annotated

import typer
from rich import box
from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def table_box(console: Console) -> box.Box | None:
    """Return the lines of a table: none where output is piped, so that a program can read it."""
    return box.SIMPLE_HEAD if console.is_terminal else None
