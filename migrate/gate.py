"""The gate before the flip: fresh evidence of both sides, compared with the pairs in the journal.

A result belongs to one freeze and is void for any other. What could not be seen is not equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from migrate.journal import Item, Journal
from migrate.tokens import same

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether source and target are equal, seen under one freeze."""

    write_id: str
    """Of the frozen entry under which both sides were listed."""
    compared: int
    """Objects that were found as they must be."""
    differences: int
    examples: tuple[str, ...]
    """The first differences, in words, with their keys."""

    def opens_for(self, write_id: str) -> bool:
        """Tell whether the flip may follow, under the freeze with this write id."""
        return self.differences == 0 and self.write_id == write_id


def check_gate(journal: Journal, write_id: str) -> GateResult:
    """Compare the last scans of both sides, which the caller has just taken, with the journal's pairs."""
    compared, differences = 0, 0
    examples: list[str] = []
    for difference in _seen(journal):
        compared += difference is None
        if difference is not None:
            differences += 1
            if len(examples) < _SHOWN:
                examples.append(difference)
    return GateResult(write_id, compared, differences, tuple(examples))


def _seen(journal: Journal) -> Iterator[str | None]:
    """Return what is different, in words, and None for each object that is as it must be."""
    if not journal.totals().reconciled:
        yield "the journal's totals do not add up"
    for item, source, target in journal.pairs():
        difference = _difference(item, source, target)
        yield None if difference is None else f"{item.key!r}: {difference}"
    for entry in journal.unlisted():
        yield f"{entry.key!r}: new at the source since the last delta"
    for extra in journal.extras():
        yield f"{extra.key!r}: at the target, and not written by this migration"


def _difference(item: Item, source: str | None, target: str | None) -> str | None:
    """Return what keeps one object from being a verified pair. `source` and `target` are the tokens in the fresh scans."""
    if item.state == "skipped":
        return None
    if item.state == "vanished":
        if source is not None:
            return "was gone at the source, and is there again"
        return None if target is None else f"still at the target, and {item.reason}"
    if item.state != "verified" or item.target is None:
        return f"is {item.state}, not verified" + (f" ({item.reason})" if item.reason else "")
    for side, fresh, known in (("source", source, item.source), ("target", target, item.target)):
        if fresh is None:
            return f"is missing at the {side} since it was verified"
        if not same(fresh, known):
            return f"changed at the {side} since it was verified"
    return None
