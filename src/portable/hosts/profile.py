"""A host as its profile describes it: statements, each with its source. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec import Struct

from portable.hosts.checked_toml import CheckedToml, meant
from portable.hosts.fields import FIELDS
from portable.hosts.schema import Certificate, Claim, Price, ProfileFile, Source


class Statement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One claim about one field, with its source written out."""

    value: Any
    """bool, int, float, str or a tuple of str, as the field's kind asks."""
    source: Source
    regions: tuple[str, ...] = ()
    note: str | None = None
    unit: str | None = None
    scope: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one host. A path that `statements` lacks is unknown."""

    name: str
    title: str
    files: tuple[str, ...]
    """Where it was read, the file that has the last word last."""
    statements: Mapping[str, tuple[Statement, ...]]

    def said(self, path: str) -> tuple[Statement, ...]:
        """Return what is said of a field; nothing, where it is unknown."""
        return self.statements.get(path, ())

    def said_of(self, path: str, region: str | None) -> tuple[Statement, ...]:
        """Return what bears on one region: what is said of that very region, or else whatever is said."""
        said = self.said(path)
        return tuple(one for one in said if region in one.regions) or said

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that any source names."""
        return tuple(dict.fromkeys(region for said in self.said("endpoint.regions") for region in said.value))

    @property
    def contract(self) -> str | None:
        """The contract that backends follow with this host; None where it is unknown, or where sources differ."""
        found = {said.value for said in self.said("service.contract") if said.source.confidence != "unverified"}
        return found.pop() if len(found) == 1 else None

    def over(self, below: "Profile") -> "Profile":
        """Return this profile laid over another: each field that it speaks of replaces the other's."""
        return Profile(
            name=self.name,
            title=self.title if self.title != self.name else below.title,
            files=(*below.files, *self.files),
            statements={**below.statements, **self.statements},
        )


def parse_profile(toml: CheckedToml, name: str) -> Profile:
    """Return the profile that a file holds. Raises: ConfigurationError that names file, line and what was meant."""
    file = toml.convert(ProfileFile, {"source": "a name under [sources]", "scope": "what the certification covers"})
    statements = {}
    for path in FIELDS:
        section, field = path.split(".")
        claims: tuple[Claim[Any], ...] = getattr(getattr(file, section), field)
        if claims:
            statements[path] = tuple(_statement(claim, file, toml, path) for claim in claims)
    return Profile(name=name, title=file.title or name, files=(toml.file,), statements=statements)


def _statement(claim: Claim[Any], file: ProfileFile, toml: CheckedToml, path: str) -> Statement:
    if claim.source not in file.sources:
        raise toml.wrong(
            tuple(path.split(".")),
            f"{path}: there is no source {claim.source!r} under [sources]; {meant(claim.source, file.sources)}",
        )
    certificate = claim if isinstance(claim, Certificate) else None
    return Statement(
        value=claim.value,
        source=file.sources[claim.source],
        regions=claim.regions,
        note=claim.note,
        unit=claim.unit if isinstance(claim, Price) else FIELDS[path].unit or None,
        scope=certificate.scope if certificate else None,
        until=certificate.until if certificate else None,
    )
