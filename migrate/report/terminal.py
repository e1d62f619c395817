"""Plan and status as text: tables on a terminal, plain lines where output is piped."""

import textwrap
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from migrate.plan import Plan
from migrate.report.document import plan_document
from migrate.report.keys import plain
from migrate.report.words import counted, number, size
from migrate.states import MEANING, STATES, Totals

_DECISIONS: Final = {"cutover": "stops the cutover"}
_COLOURS: Final = {"blocking": "bold red", "loss": "yellow", "notice": "cyan"}


def print_plan(plan: Plan, out: Console) -> None:
    """Print a plan, with keys: it is the operator's own terminal."""
    document = plan_document(plan, plain)
    out.print(Text(f"Plan of {plan.name}", style="bold"))
    for line in _facts(document):
        out.print(line)
    out.print()
    print_totals(plan.totals, out)
    out.print()
    _print_findings(document, out)
    out.print(Text("What will happen", style="bold"))
    for count, step in enumerate(document["steps"], start=1):
        _paragraph(f"{count}. {step}", 2, out)
    out.print()
    if plan.sizes:
        out.print(_sizes(document))
    _paragraph(_verdict(plan), 0, out)


def print_totals(totals: Totals, out: Console) -> None:
    """Print reconciled totals."""
    table = Table("State", _right("Objects"), _right("Bytes"), "Meaning", box=box.SIMPLE_HEAD, pad_edge=False)
    for state in STATES:
        total = totals.by_state[state]
        table.add_row(state, number(total.objects), number(total.bytes), MEANING[state])
    table.add_section()
    inventory = totals.inventory
    sums = "the sum of the states" if totals.reconciled else "NOT the sum of the states: the journal is damaged"
    table.add_row("inventory", number(inventory.objects), number(inventory.bytes), sums)
    out.print(table)


def _facts(document: dict[str, Any]) -> list[str]:
    lines = [
        f"  from     {document['source']}",
        f"  to       {document['target']}, encrypted as volume {document['volume']}",
        f"  made     {document['made']}",
    ]
    if document["deadline"]:
        left = document["days_left"]
        lines.append(f"  deadline {document['deadline']} ({f'{left} days left' if left >= 0 else f'{-left} days ago'})")
    return lines


def _print_findings(document: dict[str, Any], out: Console) -> None:
    if not document["findings"]:
        out.print("No findings.\n")
        return
    out.print(Text("Findings", style="bold"))
    for finding in document["findings"]:
        head = Text.assemble(
            "  ", (finding["severity"], _COLOURS[finding["severity"]]), f"  {finding['title']}", f" [{finding['id']}]"
        )
        if finding["decision"] != "none needed":
            head.append(f" {_DECISIONS.get(finding['decision'], finding['decision'])}")
        out.print(head)
        lines = []
        if finding["objects"]:
            lines.append(
                f"{counted(finding['objects'], 'object')}, {counted(finding['bytes'], 'byte')} ({size(finding['bytes'])})"
            )
        if finding["unknown"]:
            lines.append(f"unknown for {counted(finding['unknown'], 'object')}: the host did not say")
        lines += [line for line in (finding["note"], finding["meaning"], finding["consequence"]) if line]
        if finding["decision"] == "undecided" and finding["if_accepted"]:
            lines.append(f"If accepted: {finding['if_accepted']}")
        for line in lines:
            _paragraph(line, 6, out)
        for example in finding["examples"]:
            out.print(f"      - {example}", soft_wrap=True)
    out.print()


def _sizes(document: dict[str, Any]) -> Table:
    table = Table("Size", _right("Objects"), _right("Bytes"), box=box.SIMPLE_HEAD, pad_edge=False)
    for row in document["sizes"]:
        table.add_row(row["class"], number(row["objects"]), number(row["bytes"]))
    return table


def _verdict(plan: Plan) -> str:
    if not plan.blocking:
        return "Nothing keeps `portable migrate copy` from starting."
    accept = ", ".join(f'"{name}"' for name in plan.blocking)
    return (
        f"`portable migrate copy` refuses to start: mend what blocks, or accept it with [plan] accept = [{accept}] in the "
        "migration file, and plan again."
    )


def _paragraph(text: str, indent: int, out: Console) -> None:
    """Print text below an indentation: wrapped for a terminal, in one line where it is piped."""
    margin = " " * indent
    if out.is_terminal:
        text = textwrap.fill(text, max(40, out.width - indent), break_long_words=False, break_on_hyphens=False)
    out.print(textwrap.indent(text, margin), soft_wrap=True)


def _right(title: str) -> Column:
    return Column(title, justify="right")
