"""A TOML file that somebody wrote, read strictly: an error names file and line and, for a misspelt name, what was meant."""

import difflib
import functools
import re
import tomllib
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import inspect

from portable.errors import ConfigurationError
from portable.hosts.toml_lines import Lines, Place

T = TypeVar("T")

_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")


class CheckedToml:
    """What one TOML file says, and on which line it says it.

    Raises: ConfigurationError (no TOML).
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{file} is not valid TOML: {error}") from None
        self._lines = Lines(text)

    @classmethod
    def read(cls, path: Path) -> "CheckedToml":
        """Read a file. Raises: ConfigurationError (it is not there, cannot be read, or is no TOML)."""
        try:
            return cls(path.read_text(encoding="utf-8"), str(path))
        except FileNotFoundError:
            raise ConfigurationError(f"there is no file {path}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not valid TOML: it is not UTF-8") from None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None

    def wrong(self, place: Place, message: str) -> ConfigurationError:
        """Return the error for what stands at `place`."""
        return ConfigurationError(f"{self.file}:{self._lines.of(place)}: {message}")

    def line(self, place: Place) -> int:
        """Return the line (from 1) of what stands at `place`."""
        return self._lines.of(place)

    def convert(self, kind: type[T], needed: Mapping[str, str] | None = None) -> T:
        """Return what the file says as an object of `kind`.

        Where an array is expected, one value stands for an array of one. `needed` says in words what a missing field is.

        Raises: ConfigurationError with file and line: an unknown, misspelt or missing field, or a value of the wrong type.
        """
        data = self._normal(self.data, _shape(cast("Hashable", kind)), (), needed or {})
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            place = _place(path)
            raise self.wrong(place, f"{self._called(place)}: {text}") from None

    def _normal(self, value: Any, kind: inspect.Type, place: Place, needed: Mapping[str, str]) -> Any:
        """Return a value with single values made arrays, once every name in it is known and none is missing."""
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        if isinstance(kind, inspect.UnionType):
            kind = next((one for one in kind.types if not isinstance(one, inspect.NoneType)), kind)
        if isinstance(kind, inspect.VarTupleType):
            if not isinstance(value, list):
                return [self._normal(value, kind.item_type, place, needed)]
            if not value:
                raise self.wrong(place, f"{self._called(place)} is empty: what is unknown is left out")
            return [self._normal(item, kind.item_type, (*place, index), needed) for index, item in enumerate(value)]
        if isinstance(kind, inspect.DictType) and isinstance(value, dict):
            return {name: self._normal(item, kind.value_type, (*place, name), needed) for name, item in value.items()}
        if isinstance(kind, inspect.StructType) and isinstance(value, dict):
            fields = {field.encode_name: field for field in kind.fields}
            self._check_names(value, fields, place, needed)
            return {name: self._normal(item, fields[name].type, (*place, name), needed) for name, item in value.items()}
        return value

    def _check_names(
        self, table: dict[str, Any], fields: Mapping[str, inspect.Field], place: Place, needed: Mapping[str, str]
    ) -> None:
        for name in table:
            if name not in fields:
                raise self.wrong((*place, name), f"{self._called(place)} has no field {name!r}; {meant(name, fields)}")
        for name, field in fields.items():
            if field.required and name not in table:
                words = f" ({needed[name]})" if name in needed else ""
                raise self.wrong(place, f"{self._called(place)} lacks the field {name!r}{words}, which is needed")

    def _called(self, place: Place) -> str:
        """Return what a place is called: an element of an array of tables by its id, where it has one."""
        words, value = "", cast(Any, self.data)
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
            if isinstance(step, str):
                words = f"{words}.{step}".lstrip(".")
            elif isinstance(value, dict) and isinstance(value.get("id"), str):
                words = f"{words} {value['id']!r}"
            else:
                words = f"{words}[{step}]"
        return words or "the file"


def meant(name: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` for a name that is not known, or the names that are."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names)}"


_shape = functools.cache(inspect.type_info)
"""What a file may hold; asked for once a kind, because it takes longer than to read a file."""


def _place(path: str) -> Place:
    """Return the place that msgspec writes as `.limits.max_parts[0].value`."""
    return tuple(step["name"] or int(step["index"]) for step in _STEP.finditer(path.rstrip("`")))
