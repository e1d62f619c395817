"""`portable catalog show`: what the entries say, and whether their signatures hold."""

from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from portable.catalog.entry import Entry, Home
from portable.catalog.local import LocalCatalog
from portable.cli.catalog.options import CatalogPath
from portable.cli.output import err, out, print_json
from portable.errors import ConfigurationError, UntrustedSignature

Found = Entry | UntrustedSignature


def show(
    catalog: CatalogPath,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One volume.  [default: all]")] = None,
    pin: Annotated[
        str | None, typer.Option("--pin", metavar="FINGERPRINT", help="Refuse entries that another authority signed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the entries, their signatures checked. Exit status 1 if one of them is not to be trusted.

    Example: portable catalog show catalog.json lake --json
    """
    opened = LocalCatalog(catalog)
    found = {each: _read(opened, each, pin) for each in ([name] if name else opened.names())}
    if as_json:
        print_json([_facts(each, entry) for each, entry in found.items()])
    else:
        out().print(_table(found))
    refused = [str(entry) for entry in found.values() if isinstance(entry, UntrustedSignature)]
    for problem in refused:
        err().print(f"portable: {problem}")
    if refused:
        raise typer.Exit(UntrustedSignature.exit_status)


def home_facts(home: Home) -> dict[str, Any]:
    """Return what a home says. An address that carries credentials, which none should, is left out."""
    facts: dict[str, Any] = msgspec.to_builtins(home)
    try:
        _ = home.location
    except ConfigurationError as error:
        return {name: value for name, value in facts.items() if name not in ("url", "endpoint", "credentials")} | {
            "url": None,
            "problem": str(error),
        }
    return facts


def _read(opened: LocalCatalog, name: str, pin: str | None) -> Found:
    try:
        return opened.read(name, pin)
    except UntrustedSignature as error:
        return error


def _facts(name: str, entry: Found) -> dict[str, Any]:
    if isinstance(entry, UntrustedSignature):
        return {"name": name, "signed": False, "problem": str(entry)}
    facts: dict[str, Any] = msgspec.to_builtins(entry)
    facts.pop("way_back", None)
    return {**facts, "signed": True, **{each: home_facts(home) for each, home in _homes(entry).items()}}


def _homes(entry: Entry) -> dict[str, Home]:
    return {"home": entry.home} | ({"other": entry.other} if entry.other else {})


def _table(found: dict[str, Found]) -> Table:
    table = Table("volume", "signature", "phase", "generation", "home", "mode", "lease s", "authority", box=None)
    for name, entry in found.items():
        if isinstance(entry, UntrustedSignature):
            table.add_row(name, "NOT TRUSTED")
            continue
        table.add_row(
            name,
            "holds",
            entry.phase,
            str(entry.generation),
            home_facts(entry.home)["url"] or "not shown: it holds credentials, or is no store's address",
            entry.home.mode,
            f"{entry.lease:g}",
            entry.authority,
        )
    return table
