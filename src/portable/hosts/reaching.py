"""From the provider that a store names to what backends need: its endpoint, and the contract that its host follows."""

import os
from collections.abc import Mapping
from dataclasses import replace

from portable.backends.location import Location
from portable.backends.traits import providers
from portable.errors import ConfigurationError
from portable.hosts.checked_toml import meant
from portable.hosts.library import load_profiles, user_folder
from portable.hosts.profile import Profile

_REGION = "{region}"


def reached(location: Location, environ: Mapping[str, str] = os.environ) -> Location:
    """Return the location with the endpoint and the contract of its provider, where it names a provider that has a profile.

    Raises: ConfigurationError (a region is missing or not the provider's; what the host honours is not known).
    """
    profile = _profile(location, environ)
    if profile is None:
        return location
    return replace(placed(location, environ), provider=_contract(profile))


def placed(location: Location, environ: Mapping[str, str] = os.environ) -> Location:
    """Return the location with the endpoint of its provider, if it names no endpoint itself. Raises: ConfigurationError."""
    profile = _profile(location, environ)
    if profile is None or location.endpoint is not None:
        return location
    found = {said.value for said in profile.said("endpoint.url")}
    if len(found) != 1:
        return location  # unknown, or its sources differ
    template = str(found.pop())
    if _REGION in template:
        _check_region(location, profile)
        template = template.replace(_REGION, location.region or "")
    return replace(location, endpoint=template)


def _profile(location: Location, environ: Mapping[str, str]) -> Profile | None:
    if location.scheme != "s3" or location.provider is None or "/" in location.provider:
        return None
    return load_profiles(user_folder(environ)).get(location.provider)


def _check_region(location: Location, profile: Profile) -> None:
    if location.region is None:
        raise ConfigurationError(f"{location.url}: name the region of {profile.title}: {', '.join(profile.regions)}")
    if profile.regions and location.region not in profile.regions:
        hint = meant(location.region, profile.regions)
        raise ConfigurationError(
            f"{location.url}: the profile of {profile.title} has no region {location.region!r}; {hint}. Where it is new, give "
            "the endpoint too"
        )


def _contract(profile: Profile) -> str:
    contract = profile.contract or profile.name
    if contract not in providers():
        raise ConfigurationError(
            f"which conditions and checksums {profile.title} honours is not known: run `portable probe URL --contract FILE`, "
            "and give that file's path (with a slash in it) as the provider"
        )
    return contract
