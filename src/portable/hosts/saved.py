"""Results of probes that are kept in the state folder, each for the bucket that was probed; the latest one counts."""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from portable.backends.location import Location
from portable.errors import ConfigurationError
from portable.hosts.probe_result import ProbeResult, read_probe_result
from portable.keys.durable import replace_durably

FOLDER: Final = "probes"
"""The name of the folder, within the state folder."""


def keep(state: Path, result: ProbeResult) -> Path:
    """Keep a result, in the place of an earlier one of the same bucket, and return its file. Raises: ConfigurationError."""
    file = _file(state, result.endpoint or "", Location(result.url).container)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{file.parent} cannot be made: {error.strerror}") from None
    replace_durably(file, msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return file


def kept(state: Path, endpoint: str, bucket: str) -> ProbeResult | None:
    """Return the result that was kept for a bucket; None where there is none. Raises: ConfigurationError (unreadable)."""
    file = _file(state, endpoint, bucket)
    return read_probe_result(file) if file.is_file() else None


def all_kept(state: Path) -> tuple[ProbeResult, ...]:
    """Return every result that was kept, the latest first. Raises: ConfigurationError (one is unreadable)."""
    found = (read_probe_result(file) for file in (state / FOLDER).glob("*.json"))
    return tuple(sorted(found, key=lambda result: result.taken, reverse=True))


def _file(state: Path, endpoint: str, bucket: str) -> Path:
    # An endpoint has characters that no file's name has, and a bucket of one host has namesakes at others.
    name = hashlib.sha256(f"{endpoint.rstrip('/')}\n{bucket}".encode()).hexdigest()[:32]
    return state / FOLDER / f"{name}.json"
