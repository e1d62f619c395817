"""The matrix as one self-contained HTML page: no script, no external resource, and links only to the sources of evidence."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from portable.cli.hosts import evidence, values
from portable.cli.hosts.printing import SIGNS
from portable.cli.hosts.words import Language, word
from portable.cli.pages import environment
from portable.hosts.comparing import VERDICTS, Compared, Matrix
from portable.hosts.deciding import PRICE_AGE
from portable.hosts.difference import Change
from portable.hosts.requirements import LEVELS, Bilingual, Criterion

_ACROSS: Final = 3
"""Hosts beside each other in a table of evidence: more do not fit on a printed page."""


def matrix_page(matrix: Matrix, changes: Sequence[Change] | None, language: Language) -> str:
    """Return the page in one language. `changes` are shown where they were asked for."""
    filling = environment("portable.cli.hosts")
    filling.globals |= {
        "word": partial(word, language=language),
        "decided": partial(values.decided, language=language),
        "lines": partial(evidence.lines, language=language),
        "remarks": partial(evidence.remarks, language=language),
        "built_from": partial(evidence.built_from, language=language),
        "text": partial(_text, language=language),
        "sign": SIGNS.__getitem__,
    }
    return filling.get_template("matrix.html.j2").render(
        language=language,
        matrix=matrix,
        document=matrix.requirements,
        sections=_sections(matrix),
        groups=[matrix.hosts[start : start + _ACROSS] for start in range(0, len(matrix.hosts), _ACROSS)],
        totals=[(host, matrix.totals(host), _weight(matrix, host)) for host in matrix.hosts],
        sizes={"all": matrix.total(), **{level: matrix.total(level) for level in LEVELS}},
        levels=LEVELS,
        verdicts=VERDICTS,
        changes=changes,
        price_days=PRICE_AGE.days,
    )


def _sections(matrix: Matrix) -> list[tuple[Bilingual, list[Criterion]]]:
    """Return the sections that have criteria, in the document's order."""
    document = matrix.requirements
    found = [(title, [one for one in document.criteria if one.section == name]) for name, title in document.sections.items()]
    return [(title, criteria) for title, criteria in found if criteria]


def _weight(matrix: Matrix, host: Compared) -> int:
    return host.total(matrix.requirements.criteria, "met").weight


def _text(value: Bilingual | Criterion, language: Language) -> str:
    return value.en if language == "en" else value.fr
