"""One cell's evidence in lines, for the terminal and the page alike. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from portable.cli.hosts.values import shown
from portable.cli.hosts.words import Language, word
from portable.hosts.candidates import Candidate
from portable.hosts.deciding import Cell, Evidence


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of evidence as people read it."""

    text: str
    """The value, and what has to be said beside it."""
    source: str
    date: str
    url: str | None
    """Where the source can be read; https or http, or None."""


def lines(cell: Cell, language: Language) -> Iterator[Line]:
    """Yield a cell's evidence, what decided first."""
    for one in sorted(cell.evidence, key=lambda one: one.answer != cell.answer):
        yield _line(one, language)


def remarks(cell: Cell, language: Language) -> str:
    """Return what has to be said beside a cell's answer; "" for nothing."""
    return "; ".join(word(remark, language) for remark in cell.remarks)


def built_from(candidate: Candidate, language: Language) -> str:
    """Say what a host's column is built from."""
    if not candidate.probes:
        return word("row of profile", language)
    taken = max(probe.taken for probe in candidate.probes).date().isoformat()
    return word("row of probe" if candidate.profile is not None else "row of probe alone", language).format(date=taken)


def _line(one: Evidence, language: Language) -> Line:
    said = [shown(one.value, one.unit, language)]
    if one.scope:
        said.append(one.scope)
    if one.regions:
        said.append(", ".join(one.regions))
    if one.note:
        said.append(one.note)
    if one.remark and one.remark != one.value:
        said.append(word(one.remark, language))
    source = f"{word(one.basis, language)}: {_plain(one.source)}"
    if one.confidence not in (None, "primary"):
        source += f" ({word(str(one.confidence), language)})"
    linked = one.url if one.url and one.url.startswith(("https://", "http://")) else None
    return Line(_plain("; ".join(said)), source, one.date.isoformat(), linked)


def _plain(text: str) -> str:
    """Return text in one line, without what a terminal would obey: probe results and profiles come from elsewhere."""
    return " ".join("".join(one if one.isprintable() or one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in text).split())
