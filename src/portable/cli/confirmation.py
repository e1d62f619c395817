"""Confirmations of what cannot be undone: typed on standard input, so that a script has to mean it."""

import sys

from portable.cli.output import err
from portable.errors import RefusedError


def confirm(expected: str, warning: str) -> None:
    """Warn, and read a line that must be `expected`. Raises: RefusedError (it is not)."""
    err().print(warning)
    err().print(f"Type {expected} to go on: ", end="")
    answer = sys.stdin.readline().rstrip("\r\n")
    if answer != expected:
        raise RefusedError(f"not confirmed: {expected!r} was not typed; nothing was done")
