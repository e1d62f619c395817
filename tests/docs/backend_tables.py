"""The tables of the reference on backends, from the code. `python -m tests.docs.backend_tables` writes them into the page."""

import re

import msgspec
from fsspec.implementations.memory import MemoryFileSystem

from portable.backends.azure import AzureBackend
from portable.backends.fsspec_backend import FsspecBackend
from portable.backends.local import LocalBackend
from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Capabilities
from portable.backends.s3_rules import Rules
from portable.backends.traits import contract, providers
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "backends.md"
MIB, TIB = 1 << 20, 1 << 40
CONDITIONS = ("conditional_create", "conditional_replace", "conditional_delete", "conditional_commit")
VERIFIED = {"whole": "crc64nvme, and that of the whole object"}


def rewritten(text: str) -> str:
    """Return the page with the rows of its tables as the code has them."""
    for heading, rows in (("## Capabilities", capabilities()), ("### S3 servers", s3_servers())):
        before, found, after = text.partition(f"\n{heading}\n")
        assert found, heading
        head, rule, rest = re.split(r"(^\|[-|]+\|\n)", after, maxsplit=1, flags=re.MULTILINE)
        kept = re.sub(r"\A(\|.*\n)*", "", rest)
        text = "".join((before, found, head, rule, *(f"| {' | '.join(row)} |\n" for row in rows), kept))
    return text


def capabilities() -> list[list[str]]:
    s3 = [(f"`s3`, provider `{name}`", contract(name)) for name in providers()]
    return [
        _capabilities("`az`", AzureBackend.capabilities),
        *(
            _capabilities(name, Rules("s3://b", "", found).capabilities())
            for name, found in [("`s3`, no provider named", contract(None)), *s3]
        ),
        _capabilities("`file`", LocalBackend.capabilities),
        _capabilities("`memory`", MemoryBackend(Location("memory://docs")).capabilities),
        _capabilities("`fsspec`", FsspecBackend(MemoryFileSystem(), "/docs").capabilities),
    ]


def _capabilities(name: str, can: Capabilities) -> list[str]:
    return [
        name,
        *(_yes(getattr(can, condition)) for condition in CONDITIONS),
        _yes(can.attributes),
        ", ".join(sorted(can.checksums)) or "-",
        f"{can.checked_read / MIB:g}" if can.checked_read else "-",
        _yes(can.resumable),
        _yes(can.tags),
        _yes(can.versions),
        f"{can.part_size / MIB:g}",
        f"{can.max_parts:,}",
        f"{can.largest_upload / TIB:.3g}",
    ]


def s3_servers() -> list[list[str]]:
    return [_s3_server(name) for name in providers()]


def _s3_server(name: str) -> list[str]:
    found = contract(name)
    keys, kept = found.keys, msgspec.structs.asdict(found.held)
    refused = (
        f"segments of more than {keys.longest_segment} bytes" if keys.longest_segment else "",
        f"`{keys.not_held}`".replace("|", "\\|") if keys.not_held else "",
        "" if keys.folders == "none" else "`a` beside `a/b`",
        "keys that are not in NFC" if keys.normal else "",
    )
    return [
        f"`{name}`",
        "with its quotation marks" if found.conditions.quoted else "without them",
        VERIFIED.get(found.parts.checksum, found.parts.checksum),
        "; ".join(filter(None, refused)) or "-",
        ", ".join(f"`{field}`" for field, is_kept in kept.items() if not is_kept) or "-",
    ]


def _yes(can: object) -> str:
    return "yes" if can else "-"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
