"""`portable hosts`: what is known of hosts, and which of them meet a requirements document."""

import typer

from portable.cli.hosts.comparing import compare
from portable.cli.hosts.listing import list_, show

app = typer.Typer(
    name="hosts",
    help="Hosts: what is known of them, with sources and dates, and whether they meet requirements.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
app.command("list")(list_)
app.command()(show)
app.command()(compare)
