"""What a probe of a host found: the JSON document that probing writes and comparing reads."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from portable.errors import ConfigurationError
from portable.hosts.checked_toml import meant
from portable.hosts.checks import CHECKS
from portable.hosts.measurements import MEASUREMENTS

ProbeAnswer = Literal["yes", "no", "unknown"]


class Probed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer to one check."""

    answer: ProbeAnswer
    evidence: str
    """What was sent and what came back, in a line; no credentials."""


class ProbeResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answers of one host at one time."""

    url: str
    endpoint: str | None
    provider: str | None
    """The host's profile; None where nobody said."""
    region: str | None = None
    taken: Annotated[datetime, Meta(tz=True)]
    checks: dict[str, Probed]
    """By the names of `portable.hosts.checks.CHECKS`."""
    measured: dict[str, float] = {}
    """By the names of `portable.hosts.measurements.MEASUREMENTS`, in the units that stand there."""


def parse_probe_result(content: bytes, where: str) -> ProbeResult:
    """Return a probe's result. Raises: ConfigurationError that names the file and the field."""
    try:
        result = msgspec.json.decode(content, type=ProbeResult)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{where} is no result of a probe: {error}") from None
    for name in result.checks:
        if name not in CHECKS:
            raise ConfigurationError(f"{where}: there is no check {name!r}; {meant(name, CHECKS)}")
    for name in result.measured:
        if name not in MEASUREMENTS:
            raise ConfigurationError(f"{where}: there is no measurement {name!r}; {meant(name, MEASUREMENTS)}")
    return result


def read_probe_result(path: Path) -> ProbeResult:
    """Read a probe's result. Raises: ConfigurationError (it is not there, or is none)."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    return parse_probe_result(content, str(path))
