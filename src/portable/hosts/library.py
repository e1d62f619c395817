"""The profiles that there are: those of the package, and the user's own files over them."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from portable.errors import ConfigurationError
from portable.hosts.checked_toml import CheckedToml, meant
from portable.hosts.profile import Profile, parse_profile

FOLDER: Final = Path("~/.config/portable/hosts")
VARIABLE: Final = "PORTABLE_HOSTS"


def user_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the user's own profiles: what PORTABLE_HOSTS names, else ~/.config/portable/hosts where it exists.

    Raises: ConfigurationError (PORTABLE_HOSTS names no folder).
    """
    named = environ.get(VARIABLE)
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise ConfigurationError(f"{VARIABLE} names {folder}, which is no folder")
        return folder
    folder = FOLDER.expanduser()
    return folder if folder.is_dir() else None


def load_profiles(folder: Path | None = None) -> dict[str, Profile]:
    """Return every profile by its name, in alphabetical order; a file of `folder` overrides field by field, or adds a host.

    Raises: ConfigurationError that names file, line and what was meant.
    """
    profiles = _shipped()
    for path in sorted(folder.glob("*.toml")) if folder is not None else ():
        own = parse_profile(CheckedToml.read(path), path.stem)
        profiles[own.name] = own.over(profiles[own.name]) if own.name in profiles else own
    return dict(sorted(profiles.items()))


def find(profiles: Mapping[str, Profile], name: str) -> Profile:
    """Return the profile of a host. Raises: ConfigurationError (there is none; it says which was meant)."""
    if name not in profiles:
        raise ConfigurationError(f"there is no profile of a host {name!r}; {meant(name, profiles)}")
    return profiles[name]


def _shipped() -> dict[str, Profile]:
    found = {}
    for file in (files("portable.hosts") / "profiles").iterdir():
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            found[name] = parse_profile(
                CheckedToml(file.read_text(encoding="utf-8"), f"portable/hosts/profiles/{file.name}"), name
            )
    return found
