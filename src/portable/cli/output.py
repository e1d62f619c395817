"""Where commands print: for people on a terminal, plain and never cut when piped."""

from typing import Any, Final

import msgspec
from rich.console import Console

_PIPED_WIDTH: Final = 1_000
"""Columns: no line of a table is folded or cut for a program that reads it."""


def out() -> Console:
    """Return the console on standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console on standard error: progress, and what is wrong."""
    return _console(stderr=True)


def print_json(value: Any) -> None:
    """Print facts as JSON on standard output."""
    out().out(msgspec.json.format(msgspec.json.encode(value)).decode(), highlight=False)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console
