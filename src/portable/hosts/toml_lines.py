"""Where in a TOML text each field stands, because `tomllib` does not say. Pure.

Finds table headers and the keys that begin a line. What stands within an inline table or an array has the line of the key that
it belongs to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

Place = tuple[str | int, ...]
"""The way to a field: names of tables and keys, and positions (from 0) in arrays of tables."""

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\\]*"|'[^']*')"""
_PATH: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER: Final = re.compile(rf"^\s*(?P<array>\[)?\[\s*(?P<path>{_PATH})\s*\]")
_KEY: Final = re.compile(rf"^\s*(?P<path>{_PATH})\s*=")
_QUOTES: Final = ('"""', "'''")


class Lines:
    """The lines of a TOML text's fields."""

    def __init__(self, text: str) -> None:
        self._found: Mapping[Place, int] = dict(_fields(text))

    def of(self, place: Sequence[str | int]) -> int:
        """Return the line (from 1) of the field at `place`, or of the innermost thing around it that has one."""
        for length in range(len(place), 0, -1):
            line = self._found.get(tuple(place[:length]))
            if line is not None:
                return line
        return 1


def _fields(text: str) -> Iterator[tuple[Place, int]]:
    """Yield each field and table with its line, the later of two equal ones last."""
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in _outside_strings(text):
        if header := _HEADER.match(line):
            table = _through_arrays(_parts(header["path"]), counts, new=header["array"] is not None)
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key["path"])), number


def _through_arrays(names: tuple[str, ...], counts: dict[Place, int], *, new: bool) -> Place:
    """Return a header's place: within the last element of each array of tables that it goes through."""
    place: Place = ()
    for depth, name in enumerate(names, start=1):
        place = (*place, name)
        if new and depth == len(names):
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that do not begin within a string of several lines."""
    within = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if within:
            if line.count(within) % 2:
                within = ""
            continue
        yield number, line
        within = next((quotes for quotes in _QUOTES if line.count(quotes) % 2), "")


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))
