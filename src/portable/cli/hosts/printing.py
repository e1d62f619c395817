"""The matrix as text: tables on a terminal, one line a cell where output is piped."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from portable.cli.hosts.evidence import built_from, lines, remarks
from portable.cli.hosts.options import table_box
from portable.cli.hosts.values import decided
from portable.cli.hosts.words import Language, word
from portable.hosts.comparing import VERDICTS, Compared, Matrix
from portable.hosts.deciding import Cell, Verdict
from portable.hosts.difference import Change
from portable.hosts.requirements import LEVELS, Criterion

SIGNS: Final[dict[Verdict, str]] = {"met": "\N{CHECK MARK}", "not met": "\N{BALLOT X}", "unknown": "?"}
_COLOURS: Final[dict[Verdict, str]] = {"met": "green", "not met": "bold red", "unknown": "yellow"}
_WITH_EVIDENCE: Final = 3
"""Hosts at most, for the evidence to stand in the matrix on a terminal."""


def print_matrix(matrix: Matrix, language: Language, out: Console) -> None:
    """Print the totals, and every cell with its evidence; on a terminal, evidence only where few hosts are compared."""
    document = matrix.requirements
    title = document.title.en if language == "en" else document.title.fr
    out.print(Text(title, style="bold"))
    out.print(f"{word('version', language)} {document.date}, {word('author', language)} {document.author}")
    out.print(f"{word('made', language)} {matrix.made}\n")
    if out.is_terminal:
        out.print(_grid(matrix, language, evidence=len(matrix.hosts) <= _WITH_EVIDENCE), soft_wrap=False)
    else:
        out.print(_cells(matrix, language))
    out.print("   ".join(f"{SIGNS[verdict]} {word(verdict, language)}" for verdict in VERDICTS))
    out.print(_totals(matrix, language, out), soft_wrap=not out.is_terminal)
    out.print(word("never met", language), soft_wrap=not out.is_terminal)


def print_changes(changes: Sequence[Change], language: Language, out: Console) -> None:
    """Print what changed since an earlier version of the requirements."""
    out.print(Text(word("changes", language), style="bold"))
    if not changes:
        out.print(f"{word('no changes', language)}\n")
        return
    table = Table(
        *(word(key, language) for key in ("change", "criterion", "level", "before", "after", "fields")), box=table_box(out)
    )
    for change in changes:
        what = [*change.fields, *([word("undated", language)] if change.undated else [])]
        table.add_row(
            word(change.kind, language),
            change.id,
            word(change.level, language),
            str(change.before or ""),
            str(change.after or ""),
            ", ".join(what),
        )
    out.print(table, soft_wrap=not out.is_terminal)


def _cells(matrix: Matrix, language: Language) -> Table:
    """One line a cell, so that a program can search them."""
    table = Table(*(word(key, language) for key in ("criterion", "level", "host", "answer", "date", "evidence")), box=None)
    for criterion in matrix.requirements.criteria:
        for host in matrix.hosts:
            cell = host.cells[criterion.id]
            table.add_row(
                criterion.id,
                word(criterion.level, language),
                host.candidate.label,
                word(cell.answer, language),
                str(cell.date or ""),
                " | ".join(_said(cell, language)),
            )
    return table


def _grid(matrix: Matrix, language: Language, *, evidence: bool) -> Table:
    """One row a criterion, one column a host: by name with the evidence, or else by the number that the totals give it."""
    table = Table(box=box.SIMPLE_HEAD, show_lines=evidence)
    table.add_column(word("criterion", language), no_wrap=not evidence)
    table.add_column(word("level", language), no_wrap=True)
    for number, host in enumerate(matrix.hosts, start=1):
        table.add_column(host.candidate.label if evidence else str(number), justify="left" if evidence else "center")
    for criterion in matrix.requirements.criteria:
        cells = [_cell(host, criterion, language, evidence=evidence) for host in matrix.hosts]
        table.add_row(_called(criterion, language, evidence=evidence), word(criterion.level, language), *cells)
    return table


def _called(criterion: Criterion, language: Language, *, evidence: bool) -> Text:
    if not evidence:
        return Text(criterion.id)
    text = criterion.en if language == "en" else criterion.fr
    return Text.assemble((criterion.id, "bold"), f"\n{text}\n", (decided(criterion, language), "dim"))


def _cell(host: Compared, criterion: Criterion, language: Language, *, evidence: bool) -> Text:
    cell = host.cells[criterion.id]
    if not evidence:
        return Text(SIGNS[cell.answer], style=_COLOURS[cell.answer])
    head = f"{SIGNS[cell.answer]} {word(cell.answer, language)}"
    return Text.assemble((head, _COLOURS[cell.answer]), *(f"\n{line}" for line in _said(cell, language)))


def _said(cell: Cell, language: Language) -> list[str]:
    said = [f"{line.text} ({line.source}, {line.date})" for line in lines(cell, language)]
    return [*([remarks(cell, language)] if cell.remarks else []), *said]


def _totals(matrix: Matrix, language: Language, out: Console) -> Table:
    table = Table(box=table_box(out))
    table.add_column("", justify="right")
    table.add_column(word("host", language), no_wrap=True)
    for level in LEVELS:
        for verdict in VERDICTS:
            table.add_column(f"{word(level, language)} {SIGNS[verdict]}", justify="right")
    table.add_column(word("weight met", language))
    table.add_column(word("row", language))
    for number, host in enumerate(matrix.hosts, start=1):
        levels = matrix.totals(host)
        weight = sum(levels[level]["met"].weight for level in LEVELS)
        table.add_row(
            str(number),
            host.candidate.label,
            *(str(levels[level][verdict].criteria) for level in LEVELS for verdict in VERDICTS),
            f"{weight} {word('of', language)} {matrix.total().weight}",
            built_from(host.candidate, language),
        )
    return table
