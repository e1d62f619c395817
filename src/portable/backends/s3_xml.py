"""XML answers of S3 hosts, parsed strictly: what says nonsense is a ValueError. Pure."""

import re
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from typing_extensions import Buffer

_ENCODED: Final = b"<EncodingType>url</EncodingType>"
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""Characters that no XML document has (Extensible Markup Language 1.0, production 2), in UTF-8."""


def parsed(body: Buffer) -> Element:
    """Parse an answer, which may have white space in front. Raises: ValueError (it is no XML)."""
    told = bytes(body).lstrip()
    if _ENCODED in told:
        told = _NOT_XML.sub(b"", told)  # hosts repeat the prefix as it is; keys are encoded
    try:
        return fromstring(told)  # noqa: S314  # expat refuses amplification; external entities are not resolved
    except (ParseError, LookupError):  # the second for an encoding that nobody knows
        raise ValueError("XML") from None


def check_root(root: Element, name: str) -> None:
    """Raise ValueError unless the root element is named so, in whatever namespace. Hosts end names in Result or otherwise."""
    if root.tag.rpartition("}")[2] not in (name, f"{name}Result", f"{name}Response"):
        raise ValueError("its root element")


def text(element: Element, name: str) -> str:
    """Return the text of a field, "" where it is empty or missing."""
    return element.findtext(f"{{*}}{name}") or ""


def needed_text(element: Element, name: str) -> str:
    """Return the text of a field. Raises: ValueError (it is empty or missing)."""
    if not (told := text(element, name)):
        raise ValueError(name)
    return told


def count(told: str, name: str) -> int:
    """Read a number that is not negative; `name` is its field's. Raises: ValueError."""
    if not (told.isascii() and told.isdigit()):
        raise ValueError(name)
    return int(told)


def moment(told: str) -> datetime:
    """Read a date and a time, in UTC. Raises: ValueError."""
    read = datetime.fromisoformat(told)
    try:
        return read if read.tzinfo is UTC else read.astimezone(UTC)
    except OverflowError:  # before the year 1 in UTC, or after 9999
        raise ValueError("a date") from None
