"""Elements that follow one another in an XML document, all of one form, read as the rows of a table. Pure.

A page of a listing is a thousand such elements, and a parser that makes an object of every tag takes ten times as long. Here
the form is taken from the first element, and the others are matched against it. Whatever is unusual (attributes, comments,
entities other than quotation marks, an element of another form) makes the document none for this module: `table` then returns
None, and the caller reads it with a parser. It never returns fewer rows than there are elements.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError, fromstring

Row = tuple[str, ...]

_TAG: Final = re.compile(r"<[^<>]*+>")
_PLAIN_TAG: Final = re.compile(r"<(/?)([A-Za-z_][A-Za-z0-9_.-]*+)( ?/)?>")
_TEXT: Final = "[^<]*+"
"""Never gives back what it took, so that no document takes longer than its length."""
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|]]>")
"""What the text of an XML document never has, and the carriage returns that a parser changes (Extensible Markup Language 1.0,
productions 2 and 14, and section 2.11)."""
_QUOTATION_MARKS: Final = ("&quot;", "&#34;")
_UTF_8: Final = re.compile(r"<\?xml(?!\s[^<>]*encoding)|<\?xml\s[^<>]*encoding=[\"'][Uu][Tt][Ff]-8[\"']|<[A-Za-z]")


class Table(NamedTuple):
    """The repeated elements of a document, and the rest."""

    rest: Element
    """The document without them."""
    rows: list[Row]
    """The texts of the fields, "" for an empty or missing one."""


def table(body: bytes, above: str, name: str, fields: Sequence[str], required: int) -> Table | None:
    """Read the elements `name` of a document, or return None where a parser is needed.

    `above` is the path from the root element to the one that they stand in, "" for the root itself. `fields` are paths below
    each, two at least, and the first `required` of them are told of every element. Namespaces are not looked at.
    """
    opening, closing = f"<{name}>", f"</{name}>"
    try:
        text = body.decode()
        start, end = text.find(opening), text.rfind(closing) + len(closing)
        # One empty element in the place of them all shows where they stand.
        around = f"{text[:start]}<{name}/>{text[end:]}"
        if start < 0 or end <= start or "<!" in around or not _UTF_8.match(around):
            return None
        rest = fromstring(around.encode())  # noqa: S314  # expat refuses amplification
    except (UnicodeDecodeError, ParseError, LookupError):  # the last for an encoding that nobody knows
        return None
    place = "/".join(f"{{*}}{step}" for step in (*above.split("/"), name) if step)
    if len(found := rest.findall(place)) != 1 or len(rest.findall(f".//{{*}}{name}")) != 1:
        return None
    rows = _rows(text[start:end], closing, tuple(fields), required)
    if rows is None:
        return None
    parent = rest if not above else next(rest.iterfind("/".join(f"{{*}}{step}" for step in above.split("/"))))
    parent.remove(found[0])
    return Table(rest, rows)


def _rows(region: str, closing: str, fields: Row, required: int) -> list[Row] | None:
    for spelled in _QUOTATION_MARKS:
        region = region.replace(spelled, '"')
    form = _form(tuple(_TAG.findall(region, 0, region.index(closing) + len(closing))), fields, required)
    if form is None:
        return None
    matches = form.pattern.findall(region)
    # Each match begins where the one before ended, and the last one ends with the region: nothing was passed over.
    if sum(map(len, map(itemgetter(0), matches))) != len(region):
        return None
    rows = list(map(form.row, matches))
    texts = "".join(chain.from_iterable(rows))
    # Most texts have printable characters alone, and to see that takes a tenth of the time of a search.
    is_plain = "&" not in texts and "]]>" not in texts and (texts.isprintable() or _NO_TEXT.search(texts) is None)
    return rows if is_plain else None


class _Form(NamedTuple):
    pattern: re.Pattern[str]
    """Matches one element and the text behind it; its first group is all of it."""
    row: Callable[[Row], Row]
    """Picks the fields from the groups."""


@lru_cache(64)
def _form(tags: Row, fields: Row, required: int) -> _Form | None:
    """Make the form of an element of its tags, in order; None where they are not plain, or a field is missing or repeated."""
    parts, path = list[str](), list[str]()
    places: dict[str, int] = {}
    pending = list(reversed(tags))
    while pending:
        tag = pending.pop()
        if not (found := _PLAIN_TAG.fullmatch(tag)):
            return None
        closes, name, is_empty = found.groups()
        if closes:
            if not path or path.pop() != name:
                return None
            parts.append(tag)
        elif is_empty or (pending and pending[-1] == f"</{name}>"):
            if not is_empty:
                pending.pop()
            leaf = "/".join((*path[1:], name))
            if leaf in places:
                return None
            kept = f"({_TEXT})" if leaf in fields else _TEXT
            if leaf in fields:
                places[leaf] = len(places) + 1  # the first group is the whole element
            parts.append(f"(?:<{name}>{kept}</{name}>|<{name} ?/>){'' if leaf in fields[:required] else '?+'}")
        else:
            path.append(name)
            parts.append(tag)
        parts.append(_TEXT)
    if path or not all(field in places for field in fields[:required]):
        return None
    # A group that is always empty stands for the fields that no element has.
    pattern = re.compile(f"({''.join(parts)})()")
    first, second, *others = (places.get(field, pattern.groups - 1) for field in fields)
    return _Form(pattern, itemgetter(first, second, *others))
