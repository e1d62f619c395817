"""What a probe found beside what the host's profile says. Pure."""

from datetime import date

from portable.hosts.candidates import Candidate
from portable.hosts.deciding import decide
from portable.hosts.probe_result import ProbeResult
from portable.hosts.profile import Profile
from portable.hosts.requirements import Criterion, Decided


def disagreements(result: ProbeResult, profile: Profile, today: date) -> dict[str, str]:
    """Return, by check, what the profile says where the probe found the contrary."""
    region = result.region if result.region in profile.regions else None
    candidate = Candidate(profile.name, profile, region, (result,))
    found = {}
    for name in result.checks:
        cell = decide(_criterion(name, today), candidate, (), today)
        if "probe and profile disagree" in cell.remarks:
            said = next(one for one in cell.evidence if one.basis == "profile" and one.answer not in ("unknown", cell.answer))
            found[name] = f"the profile says {_shown(said.value)} ({said.source}, {said.date})"
    return found


def _criterion(name: str, today: date) -> Criterion:
    text = f"the check {name}"
    return Criterion(
        id=name,
        section="probe",
        level="must",
        weight=1,
        fr=text,
        en=text,
        provenance=text,
        date=today,
        decided=Decided(check=name),
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
