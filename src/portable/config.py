"""The settings of a process: what configuration file, environment and options say, made objects.

Precedence, the first that says something wins: the call or its `storage_options`, the environment, the configuration file.
The file is the one that `PORTABLE_CONFIG` names, else `portable.toml` in the working folder, else
`~/.config/portable/portable.toml`; its relative paths start at its own folder::

    catalog = "catalog.json"       # PORTABLE_CATALOG
    authority = "sha256:..."       # PORTABLE_AUTHORITY    fingerprint of the authority to trust
    keyring = "keyring.json"       # PORTABLE_KEYRING      where this machine keeps the keyring, if not where the catalog says
    state = "/var/lib/portable"    # PORTABLE_STATE        folder of the pins
    patience = 60.0                # PORTABLE_PATIENCE     seconds that a writer waits while its volume is frozen
    reading = "requests=16"        # PORTABLE_READING      how reads are planned, where not by the defaults
"""

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from portable.errors import ConfigurationError

T = TypeVar("T")

FILE_VARIABLE: Final = "PORTABLE_CONFIG"
"""Names the configuration file."""
VARIABLES: Final = {
    "catalog": "PORTABLE_CATALOG",
    "authority": "PORTABLE_AUTHORITY",
    "keyring": "PORTABLE_KEYRING",
    "state": "PORTABLE_STATE",
    "patience": "PORTABLE_PATIENCE",
    "reading": "PORTABLE_READING",
}
"""Each setting's environment variable."""
OPTIONS: Final = tuple(VARIABLES)
"""What a call, or `storage_options`, may say; all of them references, never secrets."""
DEFAULT: Final = "default"
"""The origin of a setting that nothing names."""

_FILES: Final = (Path("portable.toml"), Path("~/.config/portable/portable.toml"))
_FINGERPRINT: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NUMBERS: Final = re.compile(r"[a-z]+=[0-9]{1,15}(,[a-z]+=[0-9]{1,15})*")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this process finds and trusts volumes."""

    catalog: Path | None = None
    authority: str | None = None
    keyring: Path | None = None
    state: Path = Path("~/.local/state/portable")
    patience: float = 60.0
    reading: str = ""
    """Numbers by name, `requests=16,windows=0`: see `portable.volume.Reading`, which has the others."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where each of them was found."""

    settings: Settings
    origins: Mapping[str, str]
    """For each setting: `option catalog`, a variable's name, `file:line`, or `default`."""
    looked_at: tuple[Path, ...]
    """The absolute paths at which a configuration file was looked for, in order."""
    file: Path | None
    """The one that was found, the last of them."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration file may hold."""

    catalog: str | None = None
    authority: str | None = None
    keyring: str | None = None
    state: str | None = None
    patience: float | None = None
    reading: str | None = None


def settings(options: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process.

    Raises: ConfigurationError (says which option, variable or line of a file, and what is wrong).
    """
    return resolve(options, environ).settings


def resolve(options: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ) -> Resolved:
    """Resolve the settings of this process, and tell where each of them was found.

    An option that is None, and a variable that is empty, say nothing. Raises: as `settings`.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    _check_options(given)
    looked_at, file = _find(environ)
    found: dict[str, tuple[Any, str, Path]] = {}
    here = Path()
    if file is not None:
        found |= {name: (value, origin, file.parent) for name, (value, origin) in _from_file(file).items()}
    found |= {name: (environ[variable], variable, here) for name, variable in VARIABLES.items() if environ.get(variable)}
    found |= {name: (value, f"option {name}", here) for name, value in given.items()}
    values = {name: _READ[name](value, origin, folder) for name, (value, origin, folder) in found.items()}
    if "state" not in values:
        values["state"] = Settings().state.expanduser()
    origins = {name: found[name][1] if name in found else DEFAULT for name in VARIABLES}
    return Resolved(Settings(**values), origins, looked_at, file)


def load_toml(path: Path, kind: type[T]) -> T:
    """Return the TOML file as an object of `kind`. Raises: ConfigurationError with file and field."""
    return convert(_read_toml(path), kind, str(path))


def convert(data: object, kind: type[T], where: str) -> T:
    """Return plain data as an object of `kind`. Raises: ConfigurationError that names the field."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {_in_words(str(error))}") from None


def _check_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that is none, without its value: it may be a secret that somebody meant for another filesystem."""
    for name in options:
        if name not in VARIABLES:
            from portable.hosts.checked_toml import meant

            raise ConfigurationError(
                f"portable:// has no option {name!r}; {meant(name, OPTIONS)} (options: {', '.join(OPTIONS)}; the catalog says "
                "where a volume's host is, and the environment who opens it)"
            )


def _find(environ: Mapping[str, str]) -> tuple[tuple[Path, ...], Path | None]:
    """Return the files that are looked for until one is there, and that one. The one that the variable names must be there."""
    named = environ.get(FILE_VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        return (path,), path
    looked_at: list[Path] = []
    for path in _FILES:
        looked_at.append(path.expanduser().absolute())
        if looked_at[-1].is_file():
            return tuple(looked_at), looked_at[-1]
    return tuple(looked_at), None


def _from_file(path: Path) -> dict[str, tuple[Any, str]]:
    """Return what a configuration file says, each with file and line."""
    # Imported here, because most processes have no such file.
    from portable.hosts.checked_toml import CheckedToml

    file = CheckedToml.read(path)
    said = msgspec.structs.asdict(file.convert(_File))
    return {name: (value, f"{path}:{file.line((name,))}") for name, value in said.items() if value is not None}


def _path(value: Any, origin: str, folder: Path) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise ConfigurationError(f"{origin}: a path is expected, and it is a {type(value).__name__}")
    text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text or "://" in text:
        raise ConfigurationError(f"{origin}: the path of a local file or folder is expected, and it is none")
    return (folder / Path(text).expanduser()).absolute()


def _authority(value: Any, origin: str, _: Path) -> str:
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        raise ConfigurationError(
            f"{origin}: not an authority's fingerprint: `sha256:` and 64 lower-case hexadecimal digits are expected, as "
            "`portable keys show` prints it"
        )
    return value


def _seconds(value: Any, origin: str, _: Path) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not math.isfinite(seconds) or seconds < 0:
        raise ConfigurationError(f"{origin}: a number of seconds is expected, 0 or more")
    return seconds


def _numbers(value: Any, origin: str, _: Path) -> str:
    if not isinstance(value, str) or not _NUMBERS.fullmatch(value):
        raise ConfigurationError(f"{origin}: names and whole numbers are expected, as in `requests=16,windows=0`")
    return value


_READ: Final[Mapping[str, Callable[[Any, str, Path], Any]]] = {
    "catalog": _path,
    "authority": _authority,
    "keyring": _path,
    "state": _path,
    "patience": _seconds,
    "reading": _numbers,
}
"""For each setting: from what was said, by whom, and the folder where a relative path starts, to its value."""


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
