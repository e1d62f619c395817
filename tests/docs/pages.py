"""The project's written pages, and how GitHub reads their links."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"

_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<text>.+?)[ \t]*#*$", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[Path]:
    """Return every page that a reader of the project may open, the top ones first."""
    return sorted(CHECKOUT.glob("*.md")) + sorted(DOCS.rglob("*.md"))


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links that lead into the project, in order; examples in code are no links."""
    for found in _LINK.finditer(_CODE.sub("", _FENCE.sub("", text))):
        if not _SCHEME.match(found["target"]):
            yield found["target"]


def anchors(text: str) -> set[str]:
    """Return the fragments that a page's headings answer to."""
    found: set[str] = set()
    for heading in _HEADING.finditer(_FENCE.sub("", text)):
        slug = _slug(heading["text"])
        repeated = sum(1 for anchor in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", anchor))
        found.add(f"{slug}-{repeated}" if repeated else slug)
    return found


def _slug(heading: str) -> str:
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().replace(" ", "-")
    return "".join(character for character in words if character not in set(string.punctuation) - {"-", "_"})
