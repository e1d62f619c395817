"""Profiles, requirements and probe results, written as their authors write them."""

from datetime import UTC, date, datetime

from portable.hosts.candidates import Candidate
from portable.hosts.checked_toml import CheckedToml
from portable.hosts.deciding import Cell, decide
from portable.hosts.probe_result import ProbeAnswer, Probed, ProbeResult
from portable.hosts.profile import Profile, parse_profile
from portable.hosts.requirements import Requirements, parse_requirements

TODAY = date(2026, 11, 22)

SOURCES = """
[sources]
docs = { text = "documentation", date = 2026-11-01, confidence = "primary" }
other = { text = "somebody else", date = 2026-10-01, confidence = "secondary", url = "https://example.org/other" }
rumour = { text = "a rumour", date = 2026-11-20, confidence = "unverified" }
old = { text = "price list", date = 2025-04-30, confidence = "primary" }
"""

HEAD = """
title = { fr = "Exigences", en = "Requirements" }
date = 2026-11-22
author = "the tests"
[sections]
all = { fr = "Tout", en = "All" }
"""


def criterion(id_: str, decided: str, *, level: str = "must", weight: int = 1, day: str = "2026-11-22") -> str:
    return (
        f'[[criteria]]\nid = "{id_}"\nsection = "all"\nlevel = "{level}"\nweight = {weight}\nfr = "fr {id_}"\nen = "en {id_}"\n'
        f'provenance = "the tests"\ndate = {day}\ndecided = {decided}\n'
    )


def requirements(*parts: str) -> Requirements:
    return parse_requirements(CheckedToml(HEAD + "".join(parts), "requirements.toml"))


def profile(text: str, name: str = "acme") -> Profile:
    return parse_profile(CheckedToml(f'title = "Acme"\n{SOURCES}\n{text}', f"{name}.toml"), name)


def probe(
    answers: dict[str, ProbeAnswer], *, day: int = 20, provider: str | None = "acme", region: str | None = None
) -> ProbeResult:
    return ProbeResult(
        url="s3://lake",
        endpoint="https://acme.example",
        provider=provider,
        region=region,
        taken=datetime(2026, 11, day, 10, tzinfo=UTC),
        checks={name: Probed(answer=answer, evidence=f"saw {answer}") for name, answer in answers.items()},
    )


def decided(how: str, facts: str = "", *probes: ProbeResult, region: str | None = None, answers: str = "") -> Cell:
    """Return what is decided of one criterion and one host, the profile's facts given as TOML."""
    document = requirements(criterion("it", how), answers)
    candidate = Candidate("acme", profile(facts), region, probes)
    return decide(document.criteria[0], candidate, document.answers, TODAY)
