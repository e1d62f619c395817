"""Write ids: what tells a writer its own object from another's, when no answer to its write came.

A random id goes into the object's user metadata, under a name that both S3 and Azure keep. It is no secret and says nothing
about the writer. What leaves this package's backends does not show it.
"""

import secrets
from typing import Final

from msgspec.structs import replace

from portable.backends.attribute_rules import S3_METADATA_BYTES
from portable.backends.protocol import Attributes, Stat
from portable.errors import Unsupported

WRITE_ID: Final = "portablewriteid"
"""Letters alone: proxies drop header names with underscores (nginx does by default), and Azure takes no hyphens."""
_ID_BYTES: Final = 16
_ROOM: Final = S3_METADATA_BYTES - len(WRITE_ID) - 2 * _ID_BYTES
"""Bytes of other metadata beside which an id fits on every host. An object that has more goes without: its attributes come
first."""


def new_write_id(attributes: Attributes | None) -> str:
    """Return an id for one write, or "" where `attributes` leave no room for it."""
    metadata = {} if attributes is None else attributes.metadata
    taken = sum(len(name) + len(value) for name, value in metadata.items())
    return secrets.token_hex(_ID_BYTES) if taken <= _ROOM else ""


def check_metadata(attributes: Attributes | None, *, url: str) -> None:
    """Raise Unsupported for attributes that have metadata of this name: it would not come back."""
    if attributes is not None and _names(attributes):
        raise Unsupported(f"{url}: metadata named {WRITE_ID!r} is this package's own: use another name")


def stamped(attributes: Attributes | None, write_id: str) -> Attributes | None:
    """Return the attributes with a write id among their metadata; "" leaves them as they are."""
    if not write_id:
        return attributes
    given = attributes or Attributes()
    return replace(given, metadata={**given.metadata, WRITE_ID: write_id})


def write_id_of(stat: Stat) -> str:
    """Return the id of the write that made the object, or ""."""
    return next((stat.attributes.metadata[name] for name in _names(stat.attributes)), "") if stat.attributes else ""


def without_write_id(stat: Stat) -> Stat:
    """Return the description without the write id."""
    if stat.attributes is None or not stat.attributes.metadata or not (own := _names(stat.attributes)):
        return stat
    metadata = {name: value for name, value in stat.attributes.metadata.items() if name not in own}
    return replace(stat, attributes=replace(stat.attributes, metadata=metadata))


def _names(attributes: Attributes) -> list[str]:
    """Hosts may change the case of metadata names, as of any header's."""
    return [name for name in attributes.metadata if name.lower() == WRITE_ID]
