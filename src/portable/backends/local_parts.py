"""The journal of a staged upload to a folder: for which key it is, and which parts are on the disk. No I/O.

The first line is JSON. Each line after it is a record of fixed form, written when its part is durable, or, with no length,
before a part that stood is written over. A record that a crash cut short has not that form, and counts for nothing.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_RECORD: Final = re.compile(rb"(\d{6}) (\d{8}|--------)\.")


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal says."""

    key: str
    started: datetime
    """In UTC."""
    sizes: dict[int, int]
    """Bytes of each durable part, by number."""


def heading(key: str) -> bytes:
    """Return a new journal."""
    return json.dumps({"key": key, "started": datetime.now(UTC).isoformat()}).encode() + b"\n"


def record(number: int, size: int | None) -> bytes:
    """Return the record of a part that is durable, or with None of one that is no more."""
    # The line break before it ends what a crash may have left of another record.
    return b"\n%06d %s.\n" % (number, b"--------" if size is None else b"%08d" % size)


def read(data: bytes) -> Journal | None:
    """Read a journal; None where its first line is none of ours, or was never finished: `begin` never returned it."""
    first, line_break, rest = data.partition(b"\n")
    if not line_break:
        return None
    try:
        about = json.loads(first)
        journal = Journal(str(about["key"]), datetime.fromisoformat(about["started"]), {})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if journal.started.tzinfo != UTC:
        return None
    for line in rest.split(b"\n"):
        if found := _RECORD.fullmatch(line):
            number = int(found[1])
            journal.sizes.pop(number, None)
            if found[2].isdigit():
                journal.sizes[number] = int(found[2])
    return journal
