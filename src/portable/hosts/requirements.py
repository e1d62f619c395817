"""A requirements document: criteria in two languages, each with its provenance and how it is decided. Pure but for `load`."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from portable.hosts.checked_toml import CheckedToml, meant
from portable.hosts.checks import CHECKS
from portable.hosts.comparisons import OPERATORS, Comparison, Operand, comparison_of_check
from portable.hosts.fields import FIELDS

Level = Literal["must", "should"]
LEVELS: Final[tuple[Level, ...]] = ("must", "should")

EvidenceKind = Literal["contract", "certificate", "audit", "measurement", "legal opinion", "statement", "document"]
"""What a person's answer rests on."""

Words = Annotated[str, Meta(min_length=1)]
Id = Annotated[str, Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]

_NEEDED: Final[Mapping[str, str]] = {
    "fr": "its text in French",
    "en": "its text in English",
    "level": '"must" or "should"',
    "weight": "1 to 100",
    "provenance": "the law, the document or the person that it comes from",
    "date": "when it was added or last changed",
    "decided": "how it is decided: a field, a check, or the evidence that a person brings",
    "evidence": "what the answer rests on",
    "by": "who answers",
}


class Bilingual(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text in both languages."""

    fr: Words
    en: Words


class Decided(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How a criterion is decided: by one of `field`, `check` and `human`."""

    field: str | None = None
    equals: bool | int | float | str | None = None
    at_least: int | float | None = None
    at_most: int | float | None = None
    one_of: tuple[Words, ...] | None = None
    includes: tuple[Words, ...] | None = None
    within: tuple[Words, ...] | None = None
    unit: Words | None = None
    """Of a price: the unit that the operand has."""
    check: str | None = None
    human: EvidenceKind | None = None


class Criterion(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that is required of a host."""

    id: Id
    section: str
    level: Level
    weight: Annotated[int, Meta(ge=1, le=100)]
    fr: Words
    en: Words
    provenance: Words
    date: date
    decided: Decided

    @property
    def comparison(self) -> Comparison | None:
        """What a profile's field is compared with; None where no field speaks of it."""
        decided = self.decided
        if decided.check is not None:
            return comparison_of_check(CHECKS[decided.check])
        if decided.field is None:
            return None
        operator, operand = next(_operands(decided), _default(decided.field))
        return Comparison(decided.field, operator, operand, decided.unit)


class Answer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person answers to one criterion for one host, and what the answer rests on."""

    criterion: str
    host: str
    """`NAME` or `NAME@REGION`, as on the command line."""
    answer: Literal["yes", "no"]
    evidence: Words
    by: Words
    date: date


class Requirements(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The document."""

    title: Bilingual
    date: date
    author: Words
    sections: dict[str, Bilingual]
    criteria: tuple[Criterion, ...]
    answers: tuple[Answer, ...] = ()

    @classmethod
    def load(cls, path: Path) -> "Requirements":
        """Read a requirements file. Raises: ConfigurationError that names the file, the line and the criterion."""
        return parse_requirements(CheckedToml.read(path))


def parse_requirements(toml: CheckedToml) -> Requirements:
    """Return the requirements that a file holds. Raises: ConfigurationError that names file, line and criterion."""
    requirements = toml.convert(Requirements, _NEEDED)
    first: dict[str, int] = {}
    for index, criterion in enumerate(requirements.criteria):
        place = ("criteria", index)
        if criterion.id in first:
            earlier = toml.line(("criteria", first[criterion.id]))
            raise toml.wrong(place, f"two criteria have the id {criterion.id!r}; the first stands on line {earlier}")
        first[criterion.id] = index
        if criterion.section not in requirements.sections:
            known = meant(criterion.section, requirements.sections)
            raise toml.wrong(
                (*place, "section"), f"criterion {criterion.id!r}: there is no section {criterion.section!r}; {known}"
            )
        if wrong := _undecidable(criterion.decided):
            raise toml.wrong((*place, "decided"), f"criterion {criterion.id!r}: {wrong}")
    for index, answer in enumerate(requirements.answers):
        if answer.criterion not in first:
            known = meant(answer.criterion, first)
            raise toml.wrong(("answers", index, "criterion"), f"there is no criterion {answer.criterion!r}; {known}")
        if requirements.criteria[first[answer.criterion]].decided.human is None:
            raise toml.wrong(
                ("answers", index),
                f"criterion {answer.criterion!r} is not decided by a person: correct the profile in a file of yours, or probe",
            )
    return requirements


def _undecidable(decided: Decided) -> str | None:
    """Return why nothing can decide a criterion; None where something can."""
    ways = [name for name in ("field", "check", "human") if getattr(decided, name) is not None]
    if len(ways) != 1:
        found = f"`decided` has {' and '.join(ways)}" if ways else "nothing can decide it: `decided` has none of the three ways"
        return f"{found}; give exactly one of field, check and human"
    operands = [name for name, _ in _operands(decided)]
    if decided.field is None:
        extra = [*operands, *(["unit"] if decided.unit else [])]
        if extra:
            return f"`{extra[0]}` goes with a field, not with {ways[0]}"
        if decided.check is not None and decided.check not in CHECKS:
            return f"there is no check {decided.check!r}; {meant(decided.check, CHECKS)}"
        return None
    return _incomparable(decided, decided.field, operands)


def _incomparable(decided: Decided, path: str, operands: list[str]) -> str | None:
    if path not in FIELDS:
        return f"profiles have no field {path!r}; {meant(path, FIELDS)}"
    field = FIELDS[path]
    if len(operands) > 1:
        return f"`decided` has {' and '.join(operands)}; give one comparison"
    if not operands and field.kind not in ("yes or no", "certificate"):
        return f"{path} ({field.kind}) needs a comparison: {', '.join(_allowed(field.kind))}"
    name, operand = next(_operands(decided), _default(path))
    if name not in _allowed(field.kind):
        return f"`{name}` does not compare {path} ({field.kind}); {', '.join(_allowed(field.kind))} would"
    if not OPERATORS[name].takes(field.kind, operand):
        return f"`{name}` = {operand!r} does not compare with {path} ({field.kind})"
    if (decided.unit is not None) != (field.kind == "price"):
        return f"{path} is {'a price: say in which unit' if field.kind == 'price' else 'no price: leave `unit` out'}"
    return None


def _operands(decided: Decided) -> Iterator[tuple[str, Operand]]:
    return ((name, value) for name in OPERATORS if (value := getattr(decided, name, None)) is not None)


def _default(path: str) -> tuple[str, Operand]:
    return ("held", True) if FIELDS[path].kind == "certificate" else ("equals", True)


def _allowed(kind: str) -> list[str]:
    return [name for name, operator in OPERATORS.items() if kind in operator.kinds]
