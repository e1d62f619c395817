"""A probe's outcome as text: tables on a terminal, one line a check where output is piped."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from portable.cli.hosts.options import table_box
from portable.cli.output import out
from portable.hosts.checks import CHECKS
from portable.hosts.measurements import MEASUREMENTS
from portable.hosts.probe_result import ProbeAnswer
from portable.probe import Outcome

SIGNS: Final[dict[ProbeAnswer, str]] = {"yes": "\N{CHECK MARK}", "no": "\N{BALLOT X}", "unknown": "?"}
_COLOURS: Final[dict[ProbeAnswer, str]] = {"yes": "green", "no": "bold red", "unknown": "yellow"}


def print_probe(outcome: Outcome, differing: Mapping[str, str]) -> None:
    """Print every check with its answer and evidence, what the profile says otherwise, and the measurements."""
    console, result = out(), outcome.result
    console.print(Text(f"{result.url} at {result.endpoint}, {result.taken:%Y-%m-%d %H:%M} UTC", style="bold"))
    table = Table("check", "answer", "the host...", "evidence", box=table_box(console))
    for name, found in result.checks.items():
        answer = Text(f"{SIGNS[found.answer]} {found.answer}", style=_COLOURS[found.answer])
        evidence = f"{found.evidence}. But {differing[name]}" if name in differing else found.evidence
        table.add_row(name, answer, CHECKS[name].words, evidence)
    console.print(table, soft_wrap=not console.is_terminal)
    if result.measured:
        table = Table("measured", "value", "unit", "what", box=table_box(console))
        for name, measurement in MEASUREMENTS.items():
            if name in result.measured:
                table.add_row(name, f"{result.measured[name]:g}", measurement.unit, measurement.words)
        console.print(table, soft_wrap=not console.is_terminal)
    answers = [found.answer for found in result.checks.values()]
    console.print(", ".join(f"{answers.count(answer)} {answer}" for answer in SIGNS))
    if differing:
        console.print(f"The profile of {result.provider} says otherwise of: {', '.join(differing)}")
