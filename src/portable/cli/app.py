"""The commands of `portable`: its own, and those of installed packages (entry points `portable.commands`)."""

from importlib.metadata import entry_points
from typing import Annotated

import typer

import portable
from portable.cli import catalog, config, gc, hosts, keys, objects
from portable.cli.output import out
from portable.cli.probe import probe

app = typer.Typer(
    name="portable",
    help="Client-side encryption over any object store.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        out().print(portable.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Client-side encryption over any object store; keys stay with the controller of the data."""


app.add_typer(keys.app, name="keys")
app.add_typer(catalog.app, name="catalog")
app.add_typer(config.app, name="config")
app.add_typer(hosts.app, name="hosts")
for _command in (objects.ls, objects.stat, objects.cat, objects.get, objects.put, objects.rm, objects.cp, gc.gc, probe):
    app.command()(_command)
for _point in sorted(entry_points(group="portable.commands"), key=lambda point: point.name):
    app.add_typer(_point.load(), name=_point.name)
