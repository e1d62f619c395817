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
    """Objects whose pair was compared on both sides."""
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
    totals = journal.totals()
    if not totals.reconciled:
        differences += 1
        examples.append("the journal's totals do not add up")
    for item, source, target in journal.pairs():
        compared += 1
        for difference in _differences(item, source, target):
            differences += 1
            if len(examples) < _SHOWN:
                examples.append(f"{item.key!r}: {difference}")
    for extra in journal.extras():
        differences += 1
        if len(examples) < _SHOWN:
            examples.append(f"{extra.key!r}: at the target, and not written by this migration")
    return GateResult(write_id, compared, differences, tuple(examples))


def _differences(item: Item, source: str | None, target: str | None) -> Iterator[str]:
    """Return what keeps one object from being a verified pair. `source` and `target` are the tokens in the fresh scans."""
    if item.state == "skipped":
        return
    if item.state == "vanished":
        if source is not None:
            yield "was gone at the source, and is there again"
        if target is not None:
            yield "is gone at the source, and its copy is still at the target"
        return
    if item.state != "verified" or item.target is None:
        yield f"is {item.state}, not verified" + (f" ({item.reason})" if item.reason else "")
        return
    if source is None:
        yield "is missing at the source since it was verified"
    elif not same(source, item.source):
        yield "changed at the source since it was verified"
    if target is None:
        yield "is missing at the target since it was verified"
    elif not same(target, item.target):
        yield "changed at the target since it was verified"
