"""`portable config`: what this process would use to open a volume, from where, and whether it works."""

import typer

from portable.cli.config.checking import check

app = typer.Typer(
    name="config",
    help="Configuration: what is resolved, from where, and whether it works.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


@app.callback()
def options() -> None:
    """Keep `check` a word of its own."""


app.command()(check)
