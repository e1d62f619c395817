"""From the provider that a store names to what backends need: its endpoint, and the contract that its host follows.

A provider is the name of a host that has a profile, the name of a kind of server, or, with a slash in it, the path of a file:
a contract (TOML), or the result of a probe (JSON), which says where the host is, too.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from portable.backends.location import Location
from portable.backends.traits import Contract, contract, providers
from portable.errors import ConfigurationError
from portable.hosts.acting import acting
from portable.hosts.checked_toml import meant
from portable.hosts.contracting import UNPROBED, contract_of
from portable.hosts.library import load_profile, user_folder
from portable.hosts.probe_result import read_probe_result
from portable.hosts.profile import Profile
from portable.hosts.saved import kept

_REGION: Final = "{region}"
_AZURE: Final = "azure"
"""Follows the one contract of its own backend."""
_TENANTS: Final = ("{account}", "{namespace}")


def reached(location: Location, environ: Mapping[str, str] = os.environ, *, state: Path | None = None) -> Location:
    """Return the location with the endpoint and the contract of its provider; as it is, where it has a contract already.

    The contract is the one that the provider's profile names. Where it names none, it is what a probe of this very bucket
    bears out, whose result was kept in the `state` folder; without one nothing is relied on, and a RuntimeWarning says so. What
    the profile says of limits, rates and manners is laid over it (`hosts.acting`).

    Raises: ConfigurationError (a region is missing or not the provider's; where the host is, is not known; a file that cannot
    be read).
    """
    if location.scheme != "s3" or location.provider is None or location.contract is not None:
        return location
    if "/" in location.provider:
        return _probed(location, Path(location.provider).expanduser()) if location.provider.endswith(".json") else location
    profile = load_profile(location.provider, user_folder(environ))
    if profile is None:
        return location
    there = _placed(location, profile)
    return replace(there, contract=acting(_contract(there, profile, state), profile, location.region))


def placed(location: Location, environ: Mapping[str, str] = os.environ) -> Location:
    """Return the location with the endpoint of its provider, if it names no endpoint itself. Raises: ConfigurationError."""
    if location.scheme != "s3" or location.provider is None or "/" in location.provider:
        return location
    profile = load_profile(location.provider, user_folder(environ))
    return location if profile is None else _placed(location, profile)


def _placed(location: Location, profile: Profile) -> Location:
    if location.endpoint is not None:
        return location
    found = {said.value for said in profile.said("endpoint.url")}
    if len(found) != 1:
        return location  # unknown, or its sources differ
    template = str(found.pop())
    if _REGION in template:
        _check_region(location, profile)
        template = template.replace(_REGION, location.region or "")
    for tenant in _TENANTS:
        if tenant in template:
            if location.account is None:
                raise ConfigurationError(f"{location.url}: {profile.title} is reached at {template}: name yours (`account`)")
            template = template.replace(tenant, location.account)
    return replace(location, endpoint=template)


def _check_region(location: Location, profile: Profile) -> None:
    if location.region is None:
        raise ConfigurationError(f"{location.url}: name the region of {profile.title}: {', '.join(profile.regions)}")
    if profile.regions and location.region not in profile.regions:
        hint = meant(location.region, profile.regions)
        raise ConfigurationError(
            f"{location.url}: the profile of {profile.title} has no region {location.region!r}; {hint}. Where it is new, give "
            "the endpoint too"
        )


def contract_name(profile: Profile) -> str | None:
    """Name the contract that a host follows by its profile; None where that is not known."""
    named = profile.contract or profile.name
    return named if named in (_AZURE, *providers()) else None


def _contract(location: Location, profile: Profile, state: Path | None) -> Contract:
    if (named := contract_name(profile)) is not None:
        return contract(named)
    if location.endpoint is None:
        raise ConfigurationError(
            f"{location.url}: its profile tells neither where {profile.title} is nor what it honours: name the endpoint "
            "(`endpoint`) of a bucket that was probed (`portable probe URL --keep`)"
        )
    found = kept(state, location.endpoint, location.container) if state is not None else None
    if found is None:
        warnings.warn(
            f"which conditions and checksums {profile.title} honours is not known, so none is relied on, and what needs one is "
            f"refused: run `portable probe {location.url} --provider {profile.name} --keep` with this endpoint and region, and "
            "this machine knows; or `--contract FILE`, and give that file's path (with a slash in it) as the provider",
            RuntimeWarning,
            stacklevel=2,
        )
        return UNPROBED
    return contract_of(found)


def _probed(location: Location, file: Path) -> Location:
    """Return the location of a host as its probe found it; what it says itself of endpoint and region wins."""
    result = read_probe_result(file)
    return replace(
        location,
        endpoint=location.endpoint or result.endpoint,
        region=location.region or result.region,
        contract=contract_of(result),
    )
