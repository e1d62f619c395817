"""`portable migrate init` and `portable migrate plan`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from migrate.engine import Migration
from migrate.plan import make_plan, require_unmoved
from migrate.report.document import plan_document
from migrate.report.keys import plain, pseudonyms
from migrate.report.page import plan_page
from migrate.report.terminal import print_plan
from portable.cli.output import err, out, print_json
from portable.errors import AlreadyExists, ConfigurationError

MigrationFile = Annotated[Path, typer.Argument(metavar="MIGRATION.toml", help="The migration file.", show_default=False)]

_TEMPLATE: Final = """\
# What is moved from where to where. Stores are literal URLs: az://container/prefix, s3://bucket/prefix, file:///folder.
# Credentials are named, never written here: "env:PREFIX_", "profile:NAME" (S3), or "default" (the vendor's own chain).
# Relative paths start at this file's folder.

name = "{name}"
# deadline = 2030-12-31

[source]
url = "az://container"
account = "account"
credentials = "env:SOURCE_"        # SOURCE_AZURE_STORAGE_KEY, SOURCE_AZURE_STORAGE_SAS_TOKEN, ...

[target]
url = "s3://bucket"
endpoint = "https://s3.example.eu"
region = "region"
credentials = "env:TARGET_"        # TARGET_AWS_ACCESS_KEY_ID and TARGET_AWS_SECRET_ACCESS_KEY
# provider = "scaleway"            # what is known of the host
# storage_class = "cool"           # one of the host's classes, or hot, cool, cold by its profile

# Make both first: portable keys init keyring.json; portable keys add-volume keyring.json {name}
[target.encryption]
keyring = "keyring.json"
volume = "{name}"

[catalog]                          # where clients find the volume's home; on a local disk, not on the host that is left
url = "catalog.json"
name = "{name}"
# authority_key = "authority.json" # signs the new home; by default beside the keyring

[rollback]                         # no default: "never", "sealed" (encrypted at the old host) or "clear" (plaintext goes back)
# mode = "never"

# [plan]
# accept = []                      # ids of blocking findings that are accepted with their consequences

# [copy]
# workers = 8

# [cutover]                        # seconds
# lease = 30.0
# frozen_lease = 1.5
# max_frozen = 120.0
"""


def init(
    file: MigrationFile,
    name: Annotated[str | None, typer.Option(help="The migration's and the volume's name.  [default: the file's name]")] = None,
) -> None:
    """Write a migration file to fill in. Overwrites nothing.

    Example: portable migrate init lake-exit.toml --name lake
    """
    try:
        with file.open("x") as stream:
            stream.write(_TEMPLATE.format(name=name or file.stem))
    except FileExistsError:
        raise AlreadyExists(f"{file} exists; it is not overwritten") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    err().print(f"Fill in {file}, then: portable migrate plan {file}")


def plan(
    file: MigrationFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as one HTML page.")] = None,
    show_keys: Annotated[
        bool, typer.Option("--show-keys", help="Show keys in JSON and HTML, where pseudonyms stand otherwise.")
    ] = False,
) -> None:
    """Say what would be moved, how, and everything that will or may go wrong. Writes nothing to either host.

    The keyring is opened too where PORTABLE_PASSPHRASE or PORTABLE_PASSPHRASE_FILE is set.

    Example: portable migrate plan lake-exit.toml --html plan.html
    """
    with Migration.open(file) as migration:
        require_unmoved(migration)
        with _listing_progress() as progress:
            made = make_plan(migration, progress=progress)
        naming = plain if show_keys else pseudonyms(migration.journal)
        if html is not None:
            try:
                html.write_text(plan_page(made, naming), encoding="utf-8")
            except OSError as error:
                raise ConfigurationError(f"{html} cannot be written: {error.strerror}") from None
        if as_json:
            print_json(plan_document(made, naming))
        else:
            print_plan(made, out())


@contextmanager
def _listing_progress() -> Iterator[Callable[[int], None] | None]:
    """Show on standard error how many entries have been read; nothing where it is no terminal."""
    console = err()
    if not console.is_terminal:
        yield None
        return
    columns = SpinnerColumn(), TextColumn("listing the source: {task.completed:,} entries"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda entries: shown.update(task, completed=entries)
