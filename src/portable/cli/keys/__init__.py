"""`portable keys`: the life of keyrings, of their recipients and of the keys of their volumes."""

import typer

from portable.cli.keys.checking import check, drill
from portable.cli.keys.making import add_volume, init, new_identity
from portable.cli.keys.recipients import add_recipient, remove_recipient
from portable.cli.keys.rotating import rotate
from portable.cli.keys.showing import export_volume_key, show
from portable.cli.keys.shredding import shred

app = typer.Typer(
    name="keys",
    help="Keyrings: the controller's secrets, which no host ever holds.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for _command in (
    init,
    new_identity,
    add_volume,
    add_recipient,
    remove_recipient,
    show,
    check,
    drill,
    rotate,
    export_volume_key,
    shred,
):
    app.command()(_command)
