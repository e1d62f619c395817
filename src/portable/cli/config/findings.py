"""What one look at the configuration found."""

from dataclasses import dataclass
from typing import Literal

from portable.errors import PortableError

Outcome = Literal["ok", "note", "not checked", "failed"]
"""A `note` is worth knowing, and fails nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check, in words that hold no secret."""

    subject: str
    """What was looked at: `catalog`, `entry`, `keyring` ..."""
    outcome: Outcome
    said: str
    remedy: str = ""
    """What to do; never empty where the check failed."""
    volume: str = ""
    """The volume that it is about, or "" for all of them."""


def failed(subject: str, error: PortableError, remedy: str, volume: str = "") -> Finding:
    """Return the finding of an error, whose message may itself say what to do."""
    return Finding(subject, "failed", str(error), remedy, volume)
