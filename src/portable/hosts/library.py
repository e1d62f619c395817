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
_SHIPPED: Final = files("portable.hosts") / "profiles"


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


def profile_names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the hosts that have a profile, shipped or in `folder`, in alphabetical order."""
    own = folder.iterdir() if folder is not None else ()
    names = {file.name for file in (*_SHIPPED.iterdir(), *own)}
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_profile(name: str, folder: Path | None = None) -> Profile | None:
    """Return one profile, None where there is none; a file of `folder` overrides field by field, or adds a host.

    Raises: ConfigurationError that names file, line and what was meant.
    """
    profile, file = None, f"{name}.toml"
    if (shipped := _SHIPPED / file).is_file():
        profile = parse_profile(CheckedToml(shipped.read_text(encoding="utf-8"), f"portable/hosts/profiles/{file}"), name)
    if folder is not None and (folder / file).is_file():
        own = parse_profile(CheckedToml.read(folder / file), name)
        profile = own.over(profile) if profile is not None else own
    return profile


def load_profiles(folder: Path | None = None) -> dict[str, Profile]:
    """Return every profile by its name, in alphabetical order. Raises: as `load_profile`."""
    found = ((name, load_profile(name, folder)) for name in profile_names(folder))
    return {name: profile for name, profile in found if profile is not None}


def find(profiles: Mapping[str, Profile], name: str) -> Profile:
    """Return the profile of a host. Raises: ConfigurationError (there is none; it says which was meant)."""
    if name not in profiles:
        raise ConfigurationError(f"there is no profile of a host {name!r}; {meant(name, profiles)}")
    return profiles[name]
