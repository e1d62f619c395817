"""`portable migrate status`."""

from typing import Annotated, Any

import typer

from migrate.cli.plan import MigrationFile
from migrate.declaration import Declaration
from migrate.journal import read_totals
from migrate.report.document import SCHEMA, totals_document
from migrate.report.terminal import print_totals
from migrate.states import Totals
from portable.catalog.local import LocalCatalog
from portable.cli.output import out, print_json
from portable.errors import ConfigurationError, KeysError, NotFound
from portable.keys.authority import AuthorityPublic


def status(file: MigrationFile, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show how far a migration is, also while another process works on it. Asks neither host.

    Example: portable migrate status lake-exit.toml --json
    """
    declaration = Declaration.load(file)
    totals = read_totals(declaration.journal)
    catalog = _catalog(declaration)
    if as_json:
        facts = {"schema": SCHEMA, "kind": "status", "name": declaration.name, **totals_document(totals), "catalog": catalog}
        print_json(facts)
    else:
        _print(declaration, totals, catalog)
    if not totals.reconciled:
        raise typer.Exit(1)


def _catalog(declaration: Declaration) -> dict[str, Any]:
    """Return the phase and home that the catalog shows, or why it shows none."""
    try:
        authority = AuthorityPublic.read(declaration.authority_key).fingerprint
        entry = LocalCatalog(declaration.catalog_path).read(declaration.catalog.name, authority)
    except (ConfigurationError, KeysError, NotFound) as error:
        return {"phase": None, "home": None, "generation": None, "problem": f"{error.kind}: {error}"}
    return {"phase": entry.phase, "home": entry.home.url, "generation": entry.generation, "problem": None}


def _print(declaration: Declaration, totals: Totals, catalog: dict[str, Any]) -> None:
    console = out()
    console.print(f"{declaration.name}: {declaration.source.url} to {declaration.target.url}")
    print_totals(totals, console)
    if catalog["problem"]:
        console.print(f"Catalog: {catalog['problem']}")
    else:
        console.print(f"Catalog: {catalog['phase']} at {catalog['home']}, generation {catalog['generation']}")
