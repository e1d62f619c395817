"""What a listing shows, tallied entry by entry in bounded memory. No I/O."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from migrate.entries import OBJECT_RULES, Route
from migrate.findings import KINDS, Finding
from migrate.plan.names import Names
from migrate.states import Sum
from portable.backends.protocol import Stat

LARGEST: Final = 10
"""How many of the largest objects a plan names."""


@dataclass(slots=True)
class Survey:
    """The tallies of one listing. `add` has the shape of `migrate.inventory.Observe`."""

    route: Route
    names: Names
    entries: int = 0
    moved: Sum = field(default_factory=Sum)
    """What is to be moved."""
    findings: dict[str, Finding] = field(default_factory=dict)
    sizes: Counter[int] = field(default_factory=Counter)
    """Decimal digits of the size in bytes (0 for empty objects) to the number of objects to be moved."""
    size_bytes: Counter[int] = field(default_factory=Counter)
    """The same, to their bytes."""
    largest: list[tuple[int, str]] = field(default_factory=list)
    """Size and key of the largest objects to be moved; a heap."""

    def add(self, entry: Stat, not_moved: str | None) -> None:
        """Count an entry; `not_moved` is the id of the finding under which it stays behind, or None."""
        self.entries += 1
        if not_moved is not None:
            self._finding(not_moved).add(entry.key, entry.size)
            return
        for name, rule in OBJECT_RULES.items():
            answer = rule(entry, self.route)
            if answer:
                self._finding(name).add(entry.key, entry.size)
            elif answer is None:
                self._finding(name).unknown += 1
        self.moved += Sum(1, entry.size)
        digits = len(str(entry.size)) if entry.size else 0
        self.sizes[digits] += 1
        self.size_bytes[digits] += entry.size
        self._rank(entry.size, entry.key)
        self.names.add(entry.key, entry.size)

    def _finding(self, name: str) -> Finding:
        return self.findings.setdefault(name, Finding(KINDS[name]))

    def _rank(self, size: int, key: str) -> None:
        if len(self.largest) < LARGEST:
            heapq.heappush(self.largest, (size, key))
        elif size > self.largest[0][0]:
            heapq.heapreplace(self.largest, (size, key))
