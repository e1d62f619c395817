"""Where the command line takes a passphrase from: a file, a file descriptor, the environment, or a person at a terminal."""

import os
import sys
from pathlib import Path

import typer

from portable.errors import ConfigurationError
from portable.keys.passphrase import VARIABLE, passphrase_from


def passphrase(
    prompt: str,
    *,
    file: Path | None = None,
    fd: int | None = None,
    variable: str = VARIABLE,
    twice: bool = False,
) -> str:
    """Return the passphrase that was given, or ask for it (hidden, `twice` to catch a slip) where nothing gives one.

    Raises: ConfigurationError (nothing gives one and there is no terminal, or what gives it is unusable).
    """
    given = passphrase_from(os.environ, file, fd, variable=variable)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{prompt}: none was given, and there is no terminal to ask at; set {variable}, or use --passphrase-file or "
            "--passphrase-fd"
        )
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    return answer
