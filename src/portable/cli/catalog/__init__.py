"""`portable catalog`: make a catalog, add and change the entries of volumes, show what they say."""

import typer

from portable.cli.catalog.adding import add, init
from portable.cli.catalog.changing import set_
from portable.cli.catalog.showing import show

app = typer.Typer(
    name="catalog",
    help="Catalogs: where each volume's home is now.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for _name, _command in (("init", init), ("add", add), ("set", set_), ("show", show)):
    app.command(_name)(_command)
