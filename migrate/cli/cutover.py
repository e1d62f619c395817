"""`portable migrate cutover`."""

import typer

from migrate.carrying import Carrying
from migrate.cli.copy import AsJson, MigrationFile
from migrate.cutover import Cutover, CutoverResult
from migrate.engine import Migration
from migrate.plan import require_plan
from migrate.switch import Switch
from portable.catalog.entry import Home
from portable.catalog.homes import Homes
from portable.catalog.local import LocalCatalog
from portable.catalog.pins import Pins
from portable.cli.identity import AskedIdentity
from portable.cli.output import err, out, print_json
from portable.config import settings
from portable.keys.authority import Authority


def cutover(file: MigrationFile, as_json: AsJson = False) -> None:
    """Make the target the volume's home: announce, freeze writes, copy the last delta, compare both sides, flip, unfreeze.

    When anything fails before the flip, the old home stays the home and writers go on there.

    Exit status 0: the volume has its new home; 1: it was returned to its old one, and why; 3: refused, nothing was changed.

    Example: portable migrate cutover lake-exit.toml
    """
    with Migration.open(file, identity=AskedIdentity()) as migration:
        require_plan(migration)
        declaration = migration.declaration
        authority = Authority.load(declaration.authority_key, AskedIdentity.of_authority())
        catalog = LocalCatalog(declaration.catalog_path)
        homes = Homes(catalog, declaration.catalog.name, authority.fingerprint, Pins(settings().state))
        result = Cutover(
            Switch(homes, authority),
            Carrying(migration, workers=declaration.copy.workers),
            old=_old_home(migration),
            new=_new_home(migration, catalog),
            timing=declaration.cutover,
            tell=err().print,
        ).run()
    if as_json:
        print_json(_facts(result))
    else:
        _print(result)
    if not result.moved:
        raise typer.Exit(1)


def _old_home(migration: Migration) -> Home:
    source = migration.declaration.source
    return Home(url=source.url, mode="clear", endpoint=source.endpoint, region=source.region, account=source.account)


def _new_home(migration: Migration, catalog: LocalCatalog) -> Home:
    target = migration.declaration.target
    return Home(
        url=target.url,
        mode="sealed",
        endpoint=target.endpoint,
        region=target.region,
        account=target.account,
        provider=target.provider,
        storage_class=target.storage_class,
        credentials=target.credentials,
        keyring=catalog.reference(migration.declaration.keyring),
        volume=target.encryption.volume,
        volume_id=migration.keys.volume_id.hex(),
    )


def _facts(result: CutoverResult) -> dict[str, object]:
    gate = result.gate
    return {
        "moved": result.moved,
        "home": result.entry.home.url,
        "phase": result.entry.phase,
        "generation": result.entry.generation,
        "compared": gate.compared if gate else None,
        "differences": gate.differences if gate else None,
        "problems": list(result.problems),
    }


def _print(result: CutoverResult) -> None:
    console = out()
    for problem in result.problems:
        console.print(f"problem: {problem}")
    console.print(f"the home of volume {result.entry.name!r} is {result.entry.home.url} ({result.entry.phase})")
