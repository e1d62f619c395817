"""Whether a host meets a criterion, and on what evidence. Pure.

Three answers: met, not met, unknown. A probe outranks a profile, and where the two differ, that is said. Unknown stays unknown:
nothing is inferred, a conflict between sources is not settled here, a claim that nobody verified decides nothing, and neither
does a price that has grown old or a certificate that has expired.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal

from msgspec import Struct

from portable.hosts.candidates import Candidate
from portable.hosts.checks import CHECKS
from portable.hosts.comparisons import Comparison, answer_of_check
from portable.hosts.probe_result import ProbeAnswer, ProbeResult
from portable.hosts.profile import Statement
from portable.hosts.requirements import Answer, Criterion
from portable.hosts.schema import Confidence

Verdict = Literal["met", "not met", "unknown"]
Basis = Literal["probe", "profile", "person", "none"]
Remark = Literal[
    "absent",
    "no answer",
    "not probed",
    "conflict",
    "values differ",
    "probe and profile disagree",
    "probed unknown",
    "unverified",
    "stale price",
    "other unit",
    "expired",
    "in progress",
    "other service",
    "other regions",
    "dated in the future",
]
"""What has to be said beside an answer."""

PRICE_AGE: Final = timedelta(days=180)
"""A price older than this decides nothing."""


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that an answer rests on, or that was left aside."""

    basis: Basis
    answer: Verdict
    """What it says by itself."""
    value: Any
    date: date
    source: str
    unit: str | None = None
    url: str | None = None
    confidence: Confidence | None = None
    regions: tuple[str, ...] = ()
    scope: str | None = None
    note: str | None = None
    remark: Remark | None = None
    """Why it decides nothing, or not what its value seems to say."""


class Cell(Struct, frozen=True, kw_only=True):
    """Whether one host meets one criterion."""

    answer: Verdict
    basis: Basis
    """What decided; "none" where nothing did."""
    evidence: tuple[Evidence, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def date(self) -> "date | None":
        """The date of the youngest evidence for the answer; None where nothing decided."""
        return max((one.date for one in self.evidence if self.answer == one.answer != "unknown"), default=None)


def decide(criterion: Criterion, candidate: Candidate, answers: Sequence[Answer], today: date) -> Cell:
    """Return whether a host meets a criterion."""
    if criterion.decided.human is not None:
        return _by_person(criterion, candidate, answers, today)
    comparison = criterion.comparison
    probed = tuple(_from_probes(criterion, comparison, candidate.probes, today))
    said = tuple(_from_profile(comparison, candidate, today)) if comparison is not None else ()
    return _outranked(criterion, probed, _agreed("profile", said))


def _by_person(criterion: Criterion, candidate: Candidate, answers: Iterable[Answer], today: date) -> Cell:
    """Return what persons answered: for the region before the host as a whole, and on the last day that somebody did."""
    past = [answer for answer in answers if answer.criterion == criterion.id and answer.date <= today]
    for host in dict.fromkeys((candidate.label, candidate.name)):
        found = [answer for answer in past if answer.host == host]
        if found:
            last = max(answer.date for answer in found)
            return _agreed("person", tuple(_from_person(answer) for answer in found if answer.date == last))
    return Cell(answer="unknown", basis="none", remarks=("no answer",))


def _from_person(answer: Answer) -> Evidence:
    verdict: Verdict = "met" if answer.answer == "yes" else "not met"
    return Evidence(basis="person", answer=verdict, value=answer.evidence, date=answer.date, source=answer.by)


def _from_probes(
    criterion: Criterion, comparison: Comparison | None, probes: Iterable[ProbeResult], today: date
) -> Iterable[Evidence]:
    """Yield what probes answered, the youngest first."""
    for probe in sorted(probes, key=lambda probe: probe.taken, reverse=True):
        for name, found in probe.checks.items():
            verdict = _verdict_of_check(name, found.answer, criterion, comparison)
            future = probe.taken.date() > today
            if verdict is not None:
                yield Evidence(
                    basis="probe",
                    answer="unknown" if future else verdict,
                    value=f"{name}: {found.answer}",
                    date=probe.taken.date(),
                    source=probe.endpoint or probe.url,
                    note=found.evidence or None,
                    remark="dated in the future" if future else "probed unknown" if verdict == "unknown" else None,
                )


def _verdict_of_check(name: str, answer: ProbeAnswer, criterion: Criterion, comparison: Comparison | None) -> Verdict | None:
    """Return what the answer to a check says of a criterion; None where the check asks something else."""
    yes = answer == "yes"
    if criterion.decided.check is not None:
        holds = yes if name == criterion.decided.check else None
    else:
        holds = answer_of_check(CHECKS[name], comparison, yes=yes) if comparison is not None else None
    if holds is None:
        return None
    if answer == "unknown":
        return "unknown"
    return "met" if holds else "not met"


def _from_profile(comparison: Comparison, candidate: Candidate, today: date) -> Iterable[Evidence]:
    """Yield what the profile says of the region that is meant, or of the host."""
    said = candidate.profile.said_of(comparison.field, candidate.region) if candidate.profile is not None else ()
    for statement in said:
        verdict, remark = _judged(statement, comparison, candidate.region, today)
        yield Evidence(
            basis="profile",
            answer=verdict,
            value=statement.value,
            date=statement.source.date,
            source=statement.source.text,
            unit=statement.unit,
            url=statement.source.url,
            confidence=statement.source.confidence,
            regions=statement.regions,
            scope=statement.scope,
            note=statement.note,
            remark=remark,
        )


def _judged(statement: Statement, comparison: Comparison, region: str | None, today: date) -> tuple[Verdict, Remark | None]:
    """Return what one statement says of a comparison, and why it says less than its value."""
    if statement.regions and region not in statement.regions:
        return "unknown", "other regions"
    if statement.source.date > today:
        return "unknown", "dated in the future"
    if statement.source.confidence == "unverified":
        return "unknown", "unverified"
    if comparison.kind == "price":
        if statement.unit != comparison.unit:
            return "unknown", "other unit"
        if today - statement.source.date > PRICE_AGE:
            return "unknown", "stale price"
    if comparison.kind == "certificate":
        if statement.value == "other service":
            return "unknown", "other service"
        if statement.value == "held" and statement.until is not None and statement.until < today:
            return "unknown", "expired"
    verdict: Verdict = "met" if comparison.holds(statement.value) else "not met"
    return verdict, "in progress" if statement.value == "in progress" and comparison.kind == "certificate" else None


def _agreed(basis: Basis, evidence: tuple[Evidence, ...]) -> Cell:
    """Return what statements say together: unknown, where they do not agree."""
    said = {one.answer for one in evidence} - {"unknown"}
    remarks = [one.remark for one in evidence if one.remark is not None]
    if not evidence:
        return Cell(answer="unknown", basis="none", remarks=("absent",))
    if len(said) == 2:
        return Cell(answer="unknown", basis="none", evidence=evidence, remarks=_once("conflict", *remarks))
    if not said:
        return Cell(answer="unknown", basis="none", evidence=evidence, remarks=_once(*remarks))
    if basis == "profile" and len({str(one.value) for one in evidence if one.answer != "unknown"}) > 1:
        remarks.append("values differ")
    return Cell(answer=said.pop(), basis=basis, evidence=evidence, remarks=_once(*remarks))


def _outranked(criterion: Criterion, probed: tuple[Evidence, ...], profile: Cell) -> Cell:
    """Lay what probes answered over what the profile says: the youngest definite answer of a probe decides."""
    evidence = (*probed, *profile.evidence)
    decisive = next((one for one in probed if one.answer != "unknown"), None)
    if decisive is not None:
        differs = profile.answer not in ("unknown", decisive.answer)
        remarks: tuple[Remark, ...] = ("probe and profile disagree",) if differs else ()
        return Cell(answer=decisive.answer, basis="probe", evidence=evidence, remarks=remarks)
    said: list[Remark] = list(profile.remarks)
    if probed:
        said.insert(0, "probed unknown")
    elif criterion.decided.check is not None:
        said.insert(0, "not probed")
    return Cell(answer=profile.answer, basis=profile.basis, evidence=evidence, remarks=_once(*said))


def _once(*remarks: Remark) -> tuple[Remark, ...]:
    return tuple(dict.fromkeys(remarks))
