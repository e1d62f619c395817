"""Header fields of requests for objects, and of the answers to them, that all HTTP hosts have in common (RFC 9110)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

from portable.backends.protocol import ABSENT, Expectation, Matches

_MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: f"{number:02}" for number, name in enumerate(_MONTH_NAMES, start=1)}
_PLAIN: Final = re.compile(r"[A-Za-z0-9/_.~-]*+")
_RANGE: Final = re.compile(r"bytes (\d+)-(-?\d+)/(\d+)")


def path(name: str) -> str:
    """Spell a name as the path of a URL does (RFC 3986, section 3.3), with its slashes."""
    return name if _PLAIN.fullmatch(name) else quote(name, safe="/~")


def condition(expect: Expectation) -> dict[str, str]:
    """Return the headers that make a request conditional (sections 13.1.1 and 13.1.2)."""
    if isinstance(expect, Matches):
        return {"If-Match": expect.etag}
    return {"If-None-Match": "*"} if expect == ABSENT else {}


def place(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Return where the bytes of an answer begin, and the whole object's size; None for an answer that is not a part.

    Raises: ValueError (section 14.4).
    """
    told = headers.get("content-range")
    if told is None:
        return None
    if not (found := _RANGE.fullmatch(told)):
        raise ValueError("Content-Range")
    return int(found[1]), int(found[3])


def moment(text: str) -> datetime:
    """Read a date (section 5.6.7: IMF-fixdate). Raises: KeyError, ValueError."""
    return datetime.fromisoformat(f"{text[12:16]}-{_MONTHS[text[8:11]]}-{text[5:7]}T{text[17:25]}+00:00")


def quoted(etag: str) -> str:
    """Write an ETag as headers do (section 8.8.3): hosts leave its quotation marks out of listings.

    Raises: ValueError (not of printable ASCII: If-Match could not give it back).
    """
    if not (etag.isascii() and etag.isprintable()):
        raise ValueError("ETag")
    return etag if etag.endswith('"') or not etag else f'"{etag}"'
