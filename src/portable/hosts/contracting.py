"""The contract that a probe justifies: what the S3 backend may rely on at this host. Pure.

Only what was answered yes is relied on, and what no check asks is taken as not given. The result is the text of a file that
`Location.provider` can name.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from portable.backends.key_rules import S3_KEY_BYTES
from portable.backends.traits import Conditions, Contract, Held, Keys, PartChecksum, Parts, PutChecksum, Storage, Traits
from portable.hosts.probe_result import ProbeResult

_SHORT: Final = 255
"""Bytes of a key, or between two slashes, where a host does not take more: what file systems have room for."""
_NOT_HELD: Final[Mapping[str, str]] = {
    "slash-keys": r"^/|//|/$",
    "dot-keys": r"(^|/)\.\.?(/|$)",
    "backslash-keys": r"\\",
    "control-keys": r"[\x00-\x1f\x7f]",
}
"""The keys of a class, for the class that a host does not hold."""


def contract_of(result: ProbeResult) -> Contract:
    """Return the contract with an S3 host that was probed."""
    answered: dict[str, set[str]] = {"yes": set(), "no": set(), "unknown": set()}
    for name, found in result.checks.items():
        answered[found.answer].add(name)
    return _justified(answered["yes"], answered["no"])


def _justified(yes: set[str], no: set[str]) -> Contract:
    """Return the contract that checks with these answers justify."""
    put, signed = _put(yes)
    return Contract(
        addressing="virtual" if "path-addressing" in no and "virtual-addressing" in yes else "path",
        listing=1 if "list-v2" in no and "list-v1" in yes else 2,
        encoded="list-url-encode" not in no,
        payload="signed" if signed else "unsigned",
        put=put,
        conditions=Conditions(
            create={"conditional-create", "conditional-create-race"} <= yes,
            replace={"conditional-replace", "conditional-replace-race"} <= yes,
            delete="conditional-delete" in yes,
            commit={"conditional-complete", "conditional-complete-race"} <= yes,
            versioned="versioning" in yes,  # else the bucket that was probed keeps none, and tells nothing of those that do
            quoted="quoted-etags" not in no,
        ),
        parts=Parts(checksum=_parts(yes, signed=signed), etag_told="complete-etag" in yes, again="part-again" in yes),
        keys=Keys(
            longest=S3_KEY_BYTES if "long-keys" in yes else _SHORT,
            longest_segment=0 if "long-segments" in yes else _SHORT,
            not_held="|".join(pattern for name, pattern in _NOT_HELD.items() if name not in yes),
            folders="none" if "folder-keys" in yes else "replaced",
            normal="normal-form-keys" not in yes,
            exact="slash-keys" in yes,
        ),
        held=Held(
            attributes={"metadata", "headers"} <= yes,
            underscores="metadata-underscores" in yes,
            tags="tagging" in yes,
            versions="versioning" in yes,
            restore=False,
            locks="object-lock" in yes,
        ),
        storage=Storage(classes=("STANDARD",)),  # no check asks for another one
    )


def contract_file(result: ProbeResult) -> str:
    """Return the text of a file for `Location.provider`."""
    host = result.provider or re.sub(r"^https?://", "", result.endpoint or result.url)
    traits = Traits(
        summary=f"{host}, as it was probed",
        source=f"portable probe {result.url}, taken {result.taken:%Y-%m-%d %H:%M} UTC",
        contract=contract_of(result),
    )
    return "\n".join(_tables("", msgspec.to_builtins(traits))).strip() + "\n"


def _put(yes: set[str]) -> tuple[PutChecksum, bool]:
    """Return the checksum of a write that the host verifies, and whether the body has to be part of the signature."""
    signs = "unsigned-payload" not in yes
    if "checksum-crc64nvme" in yes:
        return "crc64nvme", signs
    if "signed-payload" in yes:
        return "sha256", True
    if "checksum-sha256" in yes and not signs:
        return "sha256", False
    return ("md5" if "etag-is-md5" in yes else "none"), signs


def _parts(yes: set[str], *, signed: bool) -> PartChecksum:
    if "part-checksum-crc64nvme" in yes:
        return "crc64nvme"
    if ("part-signed-payload" if signed else "part-checksum-sha256") in yes:
        return "sha256"
    return "md5" if {"part-content-md5", "etag-is-md5"} <= yes else "none"


UNPROBED: Final = _justified(set(), set())
"""With a host of which nobody knows what it honours: nothing is relied on."""


def _tables(path: str, table: Mapping[str, Any]) -> list[str]:
    """Write nested tables as TOML: strings, whole numbers, yes and no."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if not isinstance(value, dict)]
    head = [f"[{path}]", *lines, ""] if path else [*lines, ""]
    inner = [(f"{path}.{name}".lstrip("."), value) for name, value in table.items() if isinstance(value, dict)]
    return [*head, *(line for name, value in inner for line in _tables(name, value))]
