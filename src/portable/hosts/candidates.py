"""Which hosts are compared: each with its profile, the region that is meant, and the probes that were taken of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portable.errors import ConfigurationError
from portable.hosts.checked_toml import meant
from portable.hosts.library import find
from portable.hosts.probe_result import ProbeResult
from portable.hosts.profile import Profile


@dataclass(frozen=True, slots=True)
class Candidate:
    """One host that is compared."""

    name: str
    profile: Profile | None
    """None for a host that was probed and has no profile."""
    region: str | None = None
    probes: tuple[ProbeResult, ...] = ()

    @property
    def label(self) -> str:
        """`NAME`, or `NAME@REGION`."""
        return f"{self.name}@{self.region}" if self.region else self.name

    @property
    def title(self) -> str:
        """What the host is called."""
        return self.profile.title if self.profile is not None else self.name


def choose(names: Sequence[str], profiles: Mapping[str, Profile], probes: Iterable[ProbeResult]) -> tuple[Candidate, ...]:
    """Return the hosts to compare: those named (`NAME` or `NAME@REGION`), or else every profile and every host that was probed.

    A probe belongs to the rows of its provider; a probe with a region only to rows that mean that region or none. One without a
    provider has a row of its own, named after its endpoint.

    Raises: ConfigurationError (an unknown host or region, or a probe of a host that is not compared).
    """
    taken = tuple(probes)
    named = [parse_host(name, profiles) for name in names] or [(name, None) for name in profiles]
    chosen = [_candidate(name, region, profiles[name], taken) for name, region in dict.fromkeys(named)]
    used = {id(probe) for candidate in chosen for probe in candidate.probes}
    strangers: dict[str, list[ProbeResult]] = {}
    for probe in taken:
        if id(probe) in used:
            continue
        if probe.provider is not None:
            find(profiles, probe.provider)
            region = f" in region {probe.region}" if probe.region else ""
            raise ConfigurationError(f"a probe is of {probe.provider}{region}, which is not compared: name that host too")
        strangers.setdefault(probe.endpoint or probe.url, []).append(probe)
    return (*chosen, *(Candidate(name, None, None, tuple(found)) for name, found in strangers.items()))


def parse_host(written: str, profiles: Mapping[str, Profile]) -> tuple[str, str | None]:
    """Return name and region of `NAME` or `NAME@REGION`. Raises: ConfigurationError (unknown; it says which was meant)."""
    name, at, region = written.partition("@")
    profile = find(profiles, name)
    if not at:
        return name, None
    if not region or (profile.regions and region not in profile.regions):
        raise ConfigurationError(f"{name} has no region {region!r} that its profile knows of; {meant(region, profile.regions)}")
    return name, region


def _candidate(name: str, region: str | None, profile: Profile, probes: Iterable[ProbeResult]) -> Candidate:
    own = tuple(
        probe
        for probe in probes
        if probe.provider == name and (region is None or probe.region is None or probe.region == region)
    )
    return Candidate(name, profile, region, own)
