"""A plan: what a migration would do, and everything that will or may go wrong."""

from dataclasses import dataclass
from datetime import date, datetime

from migrate.findings import Finding
from migrate.plan.traffic import Traffic
from migrate.states import Sum, Totals


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Objects whose sizes have the same number of decimal digits."""

    smallest: int
    largest: int
    """Bytes, inclusive."""
    sum: Sum


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it was made. Its keys can be personal data."""

    name: str
    made: datetime
    """In UTC."""
    declaration: str
    """Digest of the migration file that it was made from."""
    deadline: date | None
    source: str
    """URL of the source store."""
    target: str
    provider: str | None
    volume: str
    """Name of the target volume in its keyring."""
    rollback: str
    unlocked: bool
    """Whether the keyring was opened, so that the frame length is the volume's own."""
    entries: int
    """Entries of the source's listing."""
    totals: Totals
    moved: Sum
    """Current objects at the source that are to be at the target."""
    findings: tuple[Finding, ...]
    """In the order of `migrate.findings.TABLE`."""
    accepted: tuple[str, ...]
    """Ids of findings that the migration file accepts."""
    traffic: Traffic
    """Of what is still to be copied."""
    metadata_puts: int
    """Objects whose metadata takes a write of its own."""
    source_pages: int
    target_pages: int
    """Requests of one listing."""
    sizes: tuple[SizeClass, ...]
    largest: tuple[tuple[str, int], ...]
    """Key and bytes, the largest first."""

    @property
    def blocking(self) -> tuple[str, ...]:
        """Ids of the undecided findings that keep `copy` from starting."""
        return tuple(finding.kind.id for finding in self.findings if self.decision(finding) == "undecided")

    def decision(self, finding: Finding) -> str:
        """Return `none needed`, `accepted`, `undecided`, or `cutover` for a finding that stops the cutover alone."""
        if finding.kind.severity != "blocking" or not (finding.objects or finding.note):
            return "none needed"
        if finding.kind.blocks == "cutover":
            return "cutover"
        return "accepted" if finding.kind.id in self.accepted else "undecided"
