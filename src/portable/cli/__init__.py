"""The command line. `main` is what the console script `portable` runs."""

import sys


def main() -> None:
    """Run `portable` with the arguments of this process, and exit with its status."""
    try:
        from portable.cli.running import run
    except ModuleNotFoundError as error:
        print(f"portable: the command line needs {error.name}: pip install 'portable-storage[cli]'", file=sys.stderr)  # noqa: T201 - rich is missing
        sys.exit(2)
    sys.exit(run())
