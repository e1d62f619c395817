"""How a field's value is compared with what is required. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from portable.hosts.checks import Check
from portable.hosts.fields import FIELDS

Operand: TypeAlias = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison by name: what it says of a value and an operand."""

    holds: Callable[[Any, Any], bool]
    kinds: frozenset[str]
    """Kinds of fields that it compares."""

    def takes(self, kind: str, operand: Operand) -> bool:
        """Tell whether an operand is of a type that can be compared with a field of this kind."""
        if isinstance(operand, tuple):
            return True
        if kind in ("number", "price"):
            return isinstance(operand, int | float) and not isinstance(operand, bool)
        return isinstance(operand, bool if kind in ("yes or no", "certificate") else str)


def _kinds(*names: str) -> frozenset[str]:
    return frozenset(names)


OPERATORS: Final[Mapping[str, Operator]] = {
    "equals": Operator(lambda value, operand: value == operand, _kinds("yes or no", "number", "text")),
    "at_least": Operator(lambda value, operand: value >= operand, _kinds("number", "price")),
    "at_most": Operator(lambda value, operand: value <= operand, _kinds("number", "price")),
    "one_of": Operator(lambda value, operand: value in operand, _kinds("text")),
    "includes": Operator(lambda value, operand: set(operand) <= set(value), _kinds("texts")),
    "within": Operator(lambda value, operand: set(value) <= set(operand), _kinds("texts")),
    "held": Operator(lambda value, operand: (value == "held") == operand, _kinds("certificate")),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, and what its value must be."""

    field: str
    operator: str
    operand: Operand
    unit: str | None = None

    @property
    def kind(self) -> str:
        """The kind of the field."""
        return FIELDS[self.field].kind

    def holds(self, value: Any) -> bool:
        """Tell whether a value of the field is as required."""
        return OPERATORS[self.operator].holds(value, self.operand)


def comparison_of_check(check: Check) -> Comparison | None:
    """Return the comparison of a profile's field that asks what a check asks; None where profiles have no such field."""
    if check.field is None:
        return None
    if check.member is None:
        return Comparison(check.field, "equals", True)
    return Comparison(check.field, "includes", (check.member,))


def answer_of_check(check: Check, comparison: Comparison, *, yes: bool) -> bool | None:
    """Return whether a comparison holds, given the answer to a check; None where the check does not settle it."""
    if check.field != comparison.field:
        return None
    if check.member is None:
        return comparison.holds(yes)
    if comparison.operator == "includes" and comparison.operand == (check.member,):
        return yes
    return None
