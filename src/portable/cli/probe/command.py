"""`portable probe`: the command, and the files that it writes."""

import signal
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from portable.backends.location import Location
from portable.backends.traits import Contract, providers
from portable.cli.output import err, print_json
from portable.cli.probe.facts import facts
from portable.cli.probe.page import probe_page
from portable.cli.probe.printing import print_probe
from portable.cli.store_options import HostOptions, takes
from portable.config import settings
from portable.errors import ConfigurationError
from portable.hosts import saved
from portable.hosts.acting import acting
from portable.hosts.checked_toml import meant
from portable.hosts.contracting import contract_file
from portable.hosts.library import load_profiles, user_folder
from portable.hosts.profile import Profile
from portable.hosts.reaching import placed
from portable.probe import Interrupted, Outcome
from portable.probe import probe as probed
from portable.probe.beside import disagreements


@takes(HostOptions, "host")
def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="s3://bucket or az://container; a prefix may follow.")],
    host: HostOptions,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Make this check alone; repeatable.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out throughput.")] = False,
    allow_lock: Annotated[
        bool, typer.Option("--allow-lock", help="Try object lock: one object cannot be deleted for some seconds.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the result as one HTML page.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the result for `portable hosts compare --probe`.")
    ] = None,
    contract: Annotated[
        Path | None, typer.Option("--contract", metavar="FILE", help="Write what the S3 backend may rely on, for --provider.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the result: stores of this bucket rely on it, where no contract is known.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try out what a live host does, in a scratch prefix that is removed again.

    Exit status 1 if a check could not be made or something could not be removed; 3 if the credentials may not write, read,
    list and delete there, or there is no room.

    Example: portable probe s3://lake-eu --region fr-par --provider scaleway --save scaleway.json
    """
    profiles = load_profiles(user_folder())
    profile = _profile(host.provider, profiles)
    if (contract is not None or keep) and not url.startswith("s3:"):
        raise ConfigurationError("--contract and --keep are for S3 hosts: other backends have one contract")
    if keep and only:
        raise ConfigurationError("--keep keeps what all checks found: leave --only out")
    location = placed(Location(url=url, **asdict(host)))
    manners = acting(Contract(), profile, location.region) if profile else None
    location = replace(location, provider=None, contract=manners)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        outcome = probed(
            location,
            provider=profile.name if profile else None,
            only=only or (),
            quick=quick,
            allow_lock=allow_lock,
            progress=_tell,
        )
    except Interrupted as interrupted:
        _name_left(interrupted.left)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
        _tell("")
    differing = disagreements(outcome.result, profile, datetime.now(UTC).date()) if profile else {}
    if html is not None:
        _write(html, probe_page(outcome, differing))
    if save is not None:
        _write(save, msgspec.json.format(msgspec.json.encode(outcome.result), indent=2).decode() + "\n")
    if contract is not None:
        _write(contract, contract_file(outcome.result))
    if keep:
        err().print(f"kept in {saved.keep(settings().state, outcome.result)}", soft_wrap=True)
    if as_json:
        print_json(facts(outcome, differing))
    else:
        print_probe(outcome, differing)
    _conclude(outcome)


def _profile(provider: str | None, profiles: Mapping[str, Profile]) -> Profile | None:
    """Return the host's profile; None for a kind of server that has none. Raises: ConfigurationError (no such name)."""
    known = {*profiles, *providers()}
    if provider is not None and "/" not in provider and provider not in known:
        raise ConfigurationError(f"no host is named {provider!r}; {meant(provider, sorted(known))}")
    return profiles.get(provider or "")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    """End as Ctrl-C does: so what was written is removed."""
    raise KeyboardInterrupt


def _conclude(outcome: Outcome) -> None:
    for name, reason in outcome.failed.items():
        err().print(f"portable: {name} could not be tried: {reason}")
    _name_left(outcome.left)
    if outcome.failed or outcome.left:
        raise typer.Exit(1)


def _name_left(left: tuple[str, ...]) -> None:
    for what in left:
        err().print(f"portable: could not be removed: {what}")


def _tell(name: str) -> None:
    """Show which check is being made, on a terminal, in a line that the next one overwrites."""
    console = err()
    if console.is_terminal:
        console.file.write(f"\r\x1b[K{name}")
        console.file.flush()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
