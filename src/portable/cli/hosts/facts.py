"""A matrix and a profile as plain data, for `--json`. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from portable.hosts.candidates import Candidate
from portable.hosts.comparing import VERDICTS, Compared, Matrix
from portable.hosts.difference import Change
from portable.hosts.fields import FIELDS
from portable.hosts.probe_result import ProbeResult
from portable.hosts.profile import Profile
from portable.hosts.reaching import contract_name
from portable.hosts.requirements import LEVELS, Criterion


def profile_facts(profile: Profile) -> dict[str, Any]:
    """Return everything that is said of a host, and the fields of which nothing is."""
    return {
        "name": profile.name,
        "title": profile.title,
        "files": profile.files,
        "fields": {path: msgspec.to_builtins(said) for path, said in profile.statements.items()},
        "unknown": [path for path in FIELDS if not profile.said(path)],
    }


def contract_facts(profile: Profile, kept: Iterable[ProbeResult]) -> dict[str, Any]:
    """Return by which contract stores at a host are opened: the profile's, or what probes that were kept bear out."""
    return {
        "contract": contract_name(profile),
        "kept": [{"url": one.url, "endpoint": one.endpoint, "region": one.region, "taken": one.taken} for one in kept],
    }


def matrix_facts(matrix: Matrix, changes: Sequence[Change] | None) -> dict[str, Any]:
    """Return the matrix with every cell's evidence, both languages, the totals, and what changed if that was asked."""
    document = matrix.requirements
    facts: dict[str, Any] = {
        "requirements": msgspec.to_builtins({"title": document.title, "date": document.date, "author": document.author}),
        "made": matrix.made,
        "hosts": [_host_facts(matrix, host) for host in matrix.hosts],
        "criteria": [_criterion_facts(criterion, matrix.hosts) for criterion in document.criteria],
    }
    if changes is not None:
        facts["changes"] = msgspec.to_builtins(changes)
    return facts


def _host_facts(matrix: Matrix, host: Compared) -> dict[str, Any]:
    candidate, levels = host.candidate, matrix.totals(host)
    return {
        "host": candidate.label,
        "title": candidate.title,
        "provider": candidate.name,
        "region": candidate.region,
        "profile": candidate.profile is not None,
        "probes": [_probe_facts(candidate, index) for index in range(len(candidate.probes))],
        "totals": {
            level: {"all": msgspec.to_builtins(matrix.total(level))}
            | {verdict: msgspec.to_builtins(levels[level][verdict]) for verdict in VERDICTS}
            for level in LEVELS
        },
        "musts_lacking": matrix.lacking(host),
    }


def _probe_facts(candidate: Candidate, index: int) -> dict[str, Any]:
    probe = candidate.probes[index]
    return {"url": probe.url, "endpoint": probe.endpoint, "region": probe.region, "taken": probe.taken}


def _criterion_facts(criterion: Criterion, hosts: Iterable[Compared]) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(criterion)
    facts["cells"] = {
        host.candidate.label: {**msgspec.to_builtins(cell), "date": cell.date}
        for host in hosts
        for cell in (host.cells[criterion.id],)
    }
    return facts
