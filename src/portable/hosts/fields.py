"""The fields that a profile may have, by their paths such as `limits.max_parts`. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from msgspec import inspect

from portable.hosts.schema import ProfileFile

Kind = Literal["number", "yes or no", "text", "texts", "price", "certificate"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a profile."""

    path: str
    kind: Kind
    unit: str
    """"" where it has none, or where each price says its own."""
    words: str


def _fields() -> Iterator[Field]:
    profile = cast(inspect.StructType, inspect.type_info(ProfileFile))
    for section in profile.fields:
        if not isinstance(section.type, inspect.StructType):
            continue
        for field in section.type.fields:
            about = cast(inspect.Metadata, field.type)
            extra, words = about.extra or {}, (about.extra_json_schema or {})["description"]
            yield Field(f"{section.name}.{field.name}", extra["kind"], extra["unit"], words)


FIELDS: Final[Mapping[str, Field]] = {field.path: field for field in _fields()}
"""In the order of the schema."""
