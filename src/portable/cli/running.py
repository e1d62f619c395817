"""Runs the command line: one line for an error, and an exit status that scripts can rely on."""

import sys
from collections.abc import Sequence

from portable.cli.app import app
from portable.cli.output import err
from portable.errors import PortableError

INTERRUPTED = 130


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: all that was asked is done; 1: something failed or is unverified; 2: wrong usage or configuration; 3: refused because a
    condition does not hold; 130: interrupted.
    """
    try:
        app(arguments, prog_name="portable")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except PortableError as error:
        err().print(f"portable: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has seen enough.
            sys.stderr.close()
            return 0
        err().print(f"portable: {error.filename}: {error.strerror}" if error.filename else f"portable: {error}")
        return 1
    return 0
