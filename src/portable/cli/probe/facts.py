"""A probe's outcome as plain data, for JSON. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from portable.probe import Outcome


def facts(outcome: Outcome, differing: Mapping[str, str]) -> dict[str, Any]:
    """Return the result, what its host's profile says otherwise, and what went wrong."""
    found: dict[str, Any] = msgspec.to_builtins(outcome.result)
    return found | {
        "profile_disagrees": dict(differing),
        "failed": dict(outcome.failed),
        "not_removed": list(outcome.left),
    }
