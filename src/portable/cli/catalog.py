"""`portable catalog`: make a catalog, add a volume's entry, show what it says."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from portable.catalog.entry import Entry, Home, new_write_id, sign_entry
from portable.catalog.local import LocalCatalog
from portable.cli.identity import AskedIdentity
from portable.cli.output import out, print_json
from portable.cli.store_options import StoreOptions, takes
from portable.errors import AlreadyExists, ConfigurationError
from portable.keys.authority import Authority
from portable.opening import volume_keys

DEFAULT_LEASE = 30.0
"""Seconds."""

app = typer.Typer(
    name="catalog",
    help="Catalogs: where each volume's home is now.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)

CatalogPath = Annotated[Path, typer.Argument(metavar="CATALOG", help="The catalog file, on a local disk.")]


@app.command()
def init(catalog: CatalogPath) -> None:
    """Make an empty catalog. Overwrites nothing.

    Example: portable catalog init catalog.json
    """
    LocalCatalog(catalog).create()


@app.command()
@takes(StoreOptions)
def add(
    catalog: CatalogPath,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The volume's name, as in portable://NAME/key.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="The store that is its home: az://, s3:// or file:///.")],
    store: StoreOptions,
    authority: Annotated[
        Path | None,
        typer.Option(
            "--authority",
            metavar="FILE",
            help="The authority that signs the entry.  [default: authority.json beside the keyring, else beside the catalog]",
        ),
    ] = None,
    lease: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.5, help="How long clients may use the entry.")
    ] = DEFAULT_LEASE,
) -> None:
    """Add the entry of a volume, signed. Without --keyring the store is in clear.

    Example: portable catalog add catalog.json lake az://lake --account hdhlake --credentials env:LAKE_
    """
    opened = LocalCatalog(catalog)
    if name in opened.names():
        raise AlreadyExists(f"the catalog {opened.path} has an entry {name!r} already; a migration changes it")
    beside = store.keyring or opened.path
    signer = Authority.load(authority or beside.with_name("authority.json"), AskedIdentity.of_authority())
    home = Home(
        url=url,
        mode="clear",
        endpoint=store.endpoint,
        region=store.region,
        account=store.account,
        credentials=store.credentials,
        provider=store.provider,
    )
    if store.keyring is not None:
        in_keyring = store.volume or name
        keys = volume_keys(store.keyring, in_keyring, authority=signer.fingerprint, identity=AskedIdentity())
        home = msgspec.structs.replace(
            home, mode="sealed", keyring=opened.reference(store.keyring), volume=in_keyring, volume_id=keys.volume_id.hex()
        )
    elif store.volume is not None:
        raise ConfigurationError("--volume names a volume of a keyring: say --keyring too")
    entry = Entry(
        name=name,
        generation=1,
        write_id=new_write_id(),
        phase="active",
        home=home,
        lease=lease,
        authority=signer.fingerprint,
    )
    opened.compare_and_swap(name, None, sign_entry(entry, signer), signer.fingerprint)


@app.command()
def show(
    catalog: CatalogPath,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One volume.  [default: all]")] = None,
    pin: Annotated[
        str | None, typer.Option("--pin", metavar="FINGERPRINT", help="Refuse entries that another authority signed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the entries, their signatures checked.

    Example: portable catalog show catalog.json lake --json
    """
    opened = LocalCatalog(catalog)
    entries = [opened.read(each, pin) for each in ([name] if name else opened.names())]
    if as_json:
        print_json([_facts(entry) for entry in entries])
        return
    table = Table("volume", "phase", "home", "mode", "generation", "lease s", "authority", box=None)
    for entry in entries:
        table.add_row(
            entry.name,
            entry.phase,
            entry.home.url,
            entry.home.mode,
            str(entry.generation),
            f"{entry.lease:g}",
            entry.authority,
        )
    out().print(table)


def _facts(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(entry)
    facts.pop("way_back", None)
    return facts
