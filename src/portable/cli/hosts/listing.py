"""`portable hosts list` and `show`: what the profiles say, from which source and of which date; and what they do not say."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.table import Table

from portable.cli.hosts.facts import contract_facts, profile_facts
from portable.cli.hosts.options import AsJson, table_box
from portable.cli.hosts.values import shown
from portable.cli.hosts.words import word
from portable.cli.output import out, print_json
from portable.config import settings
from portable.hosts.deciding import PRICE_AGE
from portable.hosts.fields import FIELDS
from portable.hosts.library import find, load_profiles, user_folder
from portable.hosts.probe_result import ProbeResult
from portable.hosts.profile import Profile, Statement
from portable.hosts.reaching import contract_name
from portable.hosts.saved import all_kept


def list_(as_json: AsJson = False) -> None:
    """List the hosts that have a profile, and how much of each is known.

    Example: portable hosts list --json
    """
    profiles = load_profiles(user_folder())
    if as_json:
        print_json([profile_facts(profile) for profile in profiles.values()])
        return
    console = out()
    table = Table("host", "title", "regions", "fields known", "conflicts", "sources dated", "files", box=table_box(console))
    for profile in profiles.values():
        dates = sorted(said.source.date for path in profile.statements for said in profile.said(path))
        table.add_row(
            profile.name,
            profile.title,
            ", ".join(profile.regions) or "unknown",
            f"{len(profile.statements)} of {len(FIELDS)}",
            str(sum(_conflict(path, profile) for path in FIELDS)),
            f"{dates[0]} to {dates[-1]}" if dates else "",
            ", ".join(profile.files),
        )
    console.print(table, soft_wrap=not console.is_terminal)


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The host's name, as `portable hosts list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show a host's profile: every value with its source and date, conflicts as conflicts, and what is unknown.

    Example: portable hosts show scaleway
    """
    profile = find(load_profiles(user_folder()), name)
    kept = [result for result in all_kept(settings().state) if result.provider == name]
    if as_json:
        print_json({**profile_facts(profile), **contract_facts(profile, kept)})
        return
    console, today = out(), datetime.now(UTC).date()
    console.print(f"{profile.title} ({profile.name}), from {', '.join(profile.files)}\n", soft_wrap=True)
    table = Table("field", "value", "remark", "source", "date", box=table_box(console))
    for path in FIELDS:
        for index, said in enumerate(profile.said(path)):
            table.add_row(
                "" if index and console.is_terminal else path,
                shown(said.value, said.unit, "en"),
                "; ".join(_remarks(path, said, profile, today)),
                said.source.text + (f" <{said.source.url}>" if said.source.url else ""),
                said.source.date.isoformat(),
            )
    console.print(table, soft_wrap=not console.is_terminal)
    unknown = [path for path in FIELDS if not profile.said(path)]
    console.print(f"Unknown: {', '.join(unknown) or 'nothing'}.", soft_wrap=not console.is_terminal)
    for line in _contract(profile, kept):
        console.print(line, soft_wrap=not console.is_terminal)


def _contract(profile: Profile, kept: Sequence[ProbeResult]) -> Iterator[str]:
    """Say what stores at the host are opened by."""
    name = contract_name(profile)
    if name is not None:
        yield f"Contract: {name}, and what acts of the above."
    elif not kept:
        yield "Contract: not known, so nothing is relied on; `portable probe URL --keep` finds it out for a bucket."
    for result in kept:
        use = "its contract there" if name is None else "shown for comparison"
        yield f"Probe kept: {result.url} at {result.endpoint}, {result.taken:%Y-%m-%d}; {use}."


def _remarks(path: str, said: Statement, profile: Profile, today: date) -> Iterator[str]:
    if _conflict(path, profile):
        yield "sources conflict"
    if said.source.confidence != "primary":
        yield word(said.source.confidence, "en")
    if FIELDS[path].kind == "price" and today - said.source.date > PRICE_AGE:
        yield f"stale: {(today - said.source.date).days} days old"
    if said.until is not None:
        yield f"{'expired' if said.until < today else 'valid until'} {said.until}"
    if said.regions:
        yield f"in {', '.join(said.regions)}"
    if said.scope:
        yield f"scope: {said.scope}"
    if said.note:
        yield said.note


def _conflict(path: str, profile: Profile) -> bool:
    """Tell whether sources differ about one and the same region, or about the host as a whole."""
    regions: set[str | None] = {None, *(region for one in profile.said(path) for region in one.regions)}
    return any(
        len({str(one.value) for one in profile.said_of(path, region) if region in (one.regions or (region,))}) > 1
        for region in regions
    )
