"""Every single change to one value of a protector, as someone who holds the file could make it."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from portable.keys.recipient import Protector

Way = tuple[str | int, ...]


def leaves(value: Any, way: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Give the way to every single value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*way, name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*way, place))
    else:
        yield way, value


def altered(value: Any) -> Any:
    """Return another value of the same type and length; for none at all, some value."""
    if value is None:
        return base64.b64encode(b"other").decode()
    if isinstance(value, int):
        return value + 1
    try:
        data = bytearray(base64.b64decode(value, validate=True))
    except ValueError:
        return value[:-1] + ("A" if value[-1] != "A" else "B")
    data[-1] ^= 1
    return base64.b64encode(bytes(data)).decode()


def tampered(protector: Protector, hints: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Give a name and the JSON of the protector for each of its values but `hints` and its type, that one altered."""
    for way, value in leaves(msgspec.json.decode(msgspec.json.encode(protector))):
        if way[0] == "type" or way[0] in hints:
            continue
        document: Any = msgspec.json.decode(msgspec.json.encode(protector))
        holder = document
        for step in way[:-1]:
            holder = holder[step]
        holder[way[-1]] = altered(value)
        yield ".".join(map(str, way)), msgspec.json.encode(document)
