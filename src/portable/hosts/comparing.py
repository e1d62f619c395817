"""Hosts beside each other: every criterion for every host, and totals that count only what is known. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

from msgspec import Struct

from portable.errors import ConfigurationError
from portable.hosts.candidates import Candidate, parse_host
from portable.hosts.deciding import Cell, Verdict, decide
from portable.hosts.profile import Profile
from portable.hosts.requirements import LEVELS, Criterion, Level, Requirements

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Total(Struct, frozen=True):
    """How many criteria have one answer, and their weights together."""

    criteria: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """One host's column of the matrix."""

    candidate: Candidate
    cells: Mapping[str, Cell]
    """By the criterion's id; one for each criterion."""

    def total(self, criteria: Sequence[Criterion], verdict: Verdict, level: Level | None = None) -> Total:
        """Return how many criteria of a level, or in all, have this answer. Unknown is an answer of its own, and never met."""
        found = [one for one in criteria if self.cells[one.id].answer == verdict and level in (None, one.level)]
        return Total(len(found), sum(one.weight for one in found))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Requirements, and how each host meets them."""

    requirements: Requirements
    hosts: tuple[Compared, ...]
    made: date

    def total(self, level: Level | None = None) -> Total:
        """Return how many criteria there are of a level, or in all."""
        found = [one for one in self.requirements.criteria if level in (None, one.level)]
        return Total(len(found), sum(one.weight for one in found))

    def totals(self, host: Compared) -> dict[Level, dict[Verdict, Total]]:
        """Return a host's totals by level and answer; those of one level add up to the level's criteria."""
        criteria = self.requirements.criteria
        return {level: {verdict: host.total(criteria, verdict, level) for verdict in VERDICTS} for level in LEVELS}

    def lacking(self, host: Compared) -> dict[Verdict, list[str]]:
        """Return the musts that a host does not meet, by id: those not met, and those of which it is not known."""
        musts = [one.id for one in self.requirements.criteria if one.level == "must"]
        return {verdict: [id_ for id_ in musts if host.cells[id_].answer == verdict] for verdict in ("not met", "unknown")}


def compare(requirements: Requirements, candidates: Sequence[Candidate], today: date) -> Matrix:
    """Return the matrix of criteria and hosts, decided as of `today`."""
    hosts = tuple(
        Compared(candidate, {one.id: decide(one, candidate, requirements.answers, today) for one in requirements.criteria})
        for candidate in candidates
    )
    return Matrix(requirements, hosts, today)


def check_answers(requirements: Requirements, profiles: Mapping[str, Profile], where: str) -> None:
    """Raise ConfigurationError for an answer about a host or region that no profile knows."""
    for answer in requirements.answers:
        try:
            parse_host(answer.host, profiles)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: the answer to criterion {answer.criterion!r}: {error}") from None
