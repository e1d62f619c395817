"""The plan and the status as plain data with stable field names, for `--json` and for the page."""

from typing import Any, Final

from migrate.findings import Finding
from migrate.plan import Plan
from migrate.report.keys import Naming
from migrate.report.words import UNSEEN, size_class, steps
from migrate.states import MEANING, STATES, Sum, Totals

SCHEMA: Final = 1
"""Version of the field names: it grows when one changes its meaning or goes away."""


def plan_document(plan: Plan, naming: Naming) -> dict[str, Any]:
    """Return a plan as JSON-ready data. Sizes are bytes, times UTC in ISO 8601; `naming` says how keys are shown."""
    traffic = plan.traffic
    return {
        "schema": SCHEMA,
        "kind": "plan",
        "name": plan.name,
        "made": plan.made.isoformat(timespec="seconds"),
        "declaration": plan.declaration,
        "deadline": plan.deadline.isoformat() if plan.deadline else None,
        "days_left": (plan.deadline - plan.made.date()).days if plan.deadline else None,
        "source": plan.source,
        "target": plan.target,
        "provider": plan.provider,
        "volume": plan.volume,
        "rollback": plan.rollback,
        "keyring_unlocked": plan.unlocked,
        "entries": plan.entries,
        "moved": _sum(plan.moved),
        "totals": totals_document(plan.totals),
        "blocking": list(plan.blocking),
        "accepted": list(plan.accepted),
        "findings": [_finding(plan, finding, naming) for finding in plan.findings],
        "steps": list(steps(plan)),
        "traffic": {
            "objects": traffic.objects,
            "read_bytes": traffic.read_bytes,
            "stored_bytes": traffic.stored_bytes,
            "gets": traffic.gets,
            "puts": traffic.puts,
            "uploads": traffic.uploads,
            "parts": traffic.parts,
            "metadata_puts": plan.metadata_puts,
            "source_pages": plan.source_pages,
            "target_pages": plan.target_pages,
        },
        "sizes": [
            {"class": size_class(size.smallest, size.largest), "smallest": size.smallest, "largest": size.largest}
            | _sum(size.sum)
            for size in plan.sizes
        ],
        "largest": [{"object": naming(key), "bytes": size} for key, size in plan.largest],
        "unseen": list(UNSEEN),
    }


def totals_document(totals: Totals) -> dict[str, Any]:
    """Return reconciled totals as JSON-ready data."""
    return {
        "reconciled": totals.reconciled,
        "all_copied": totals.all_copied,
        "all_verified": totals.all_verified,
        "inventory": _sum(totals.inventory),
        "states": {state: _sum(totals.by_state[state]) | {"meaning": MEANING[state]} for state in STATES},
    }


def _finding(plan: Plan, finding: Finding, naming: Naming) -> dict[str, Any]:
    kind = finding.kind
    decision = plan.decision(finding)
    return {
        "id": kind.id,
        "severity": kind.severity,
        "decision": decision,
        "title": kind.title,
        "meaning": kind.meaning,
        "consequence": kind.accepted if decision == "accepted" and kind.accepted else kind.consequence,
        "if_accepted": kind.accepted,
        "objects": finding.objects,
        "bytes": finding.bytes,
        "unknown": finding.unknown,
        "examples": [naming(key) for key in finding.examples],
        "note": finding.note,
    }


def _sum(total: Sum) -> dict[str, int]:
    return {"objects": total.objects, "bytes": total.bytes}
