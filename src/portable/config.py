"""The only place where TOML and environment variables become objects.

Precedence, the first that says something wins: the call or its `storage_options`, the environment, the configuration file.
The file is the one that `PORTABLE_CONFIG` names, else `portable.toml` in the working folder, else
`~/.config/portable/portable.toml`; its relative paths start at its own folder::

    catalog = "catalog.json"       # PORTABLE_CATALOG
    authority = "sha256:..."       # PORTABLE_AUTHORITY    fingerprint of the authority to trust
    keyring = "keyring.json"       # PORTABLE_KEYRING      where this machine keeps the keyring, if not where the catalog says
    state = "/var/lib/portable"    # PORTABLE_STATE        folder of the pins
    patience = 60.0                # PORTABLE_PATIENCE     seconds that a writer waits while its volume is frozen
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from portable.errors import ConfigurationError

T = TypeVar("T")

_VARIABLES = {
    "catalog": "PORTABLE_CATALOG",
    "authority": "PORTABLE_AUTHORITY",
    "keyring": "PORTABLE_KEYRING",
    "state": "PORTABLE_STATE",
    "patience": "PORTABLE_PATIENCE",
}
_PATHS = ("catalog", "keyring", "state")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this process finds and trusts volumes."""

    catalog: Path | None = None
    authority: str | None = None
    keyring: Path | None = None
    state: Path = Path("~/.local/state/portable")
    patience: float = 60.0

    def __post_init__(self) -> None:
        if self.patience < 0:
            raise ValueError("patience is a number of seconds, 0 or more")


def settings(options: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Resolve the settings of this process. Raises: ConfigurationError (says which file or variable, and what is wrong)."""
    found = _from_file(environ)
    found |= {name: environ[variable] for name, variable in _VARIABLES.items() if environ.get(variable)}
    found |= {name: value for name, value in (options or {}).items() if value is not None}
    for name in _PATHS:
        if name in found:
            found[name] = Path(str(found[name])).expanduser().absolute()
    return convert(found, Settings, "the settings (configuration file, PORTABLE_ variables, options)", strict=False)


def load_toml(path: Path, kind: type[T]) -> T:
    """Return the TOML file as an object of `kind`. Raises: ConfigurationError with file and field."""
    return convert(_read_toml(path), kind, str(path))


def convert(data: object, kind: type[T], where: str, *, strict: bool = True) -> T:
    """Return plain data as an object of `kind`. Raises: ConfigurationError that names the field."""
    try:
        return msgspec.convert(data, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {_in_words(str(error))}") from None


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get("PORTABLE_CONFIG")
    if named:
        return _relative_to(Path(named), _read_toml(Path(named)))
    for path in (Path("portable.toml"), Path("~/.config/portable/portable.toml").expanduser()):
        if path.is_file():
            return _relative_to(path, _read_toml(path))
    return {}


def _relative_to(file: Path, found: dict[str, Any]) -> dict[str, Any]:
    folder = file.absolute().parent
    return found | {name: str(folder / Path(found[name]).expanduser()) for name in _PATHS if isinstance(found.get(name), str)}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from None


def _in_words(message: str) -> str:
    """Turn msgspec's `... - at `$.source.url`` into `[source] url: ...`-like words."""
    text, _, place = message.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    return f"{place}: {text}" if place else text
