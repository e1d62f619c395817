"""The states of an object in a migration, and the totals that must always add up."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

State = Literal["pending", "copied", "verified", "failed", "skipped", "vanished"]

STATES: Final[tuple[State, ...]] = get_args(State)

MEANING: Final[dict[State, str]] = {
    "pending": "not copied yet, or changed at the source since",
    "copied": "written to the target, receipt durable, not verified yet",
    "verified": "read back from the target, decrypted, equal to the digest taken from the source",
    "failed": "copying or verifying failed; the reason says why",
    "skipped": "not moved; the reason says why",
    "vanished": "gone at the source since it was listed",
}


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of objects and their bytes of plaintext."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.objects + other.objects, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Totals:
    """Every object of the inventory, each counted in one state."""

    inventory: Sum
    """Counted apart from the states, so that `reconciled` can fail."""
    by_state: dict[State, Sum]

    @property
    def reconciled(self) -> bool:
        """Whether inventory = pending + copied + verified + failed + skipped + vanished, in objects and in bytes."""
        return sum((self.by_state[state] for state in STATES), Sum()) == self.inventory

    @property
    def all_copied(self) -> bool:
        """Whether nothing is left to copy and nothing failed."""
        return self.reconciled and not (self.by_state["pending"].objects or self.by_state["failed"].objects)

    @property
    def all_verified(self) -> bool:
        """Whether everything that was to be moved is verified."""
        return self.all_copied and not self.by_state["copied"].objects
