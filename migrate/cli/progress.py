"""Progress: on standard error, and only where a person looks at it."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from migrate.states import Sum


@contextlib.contextmanager
def progress(title: str, expected: Sum) -> Iterator[Callable[[Sum], None]]:
    """Show how far a command has come; yield what is told of each step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done: None
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("objects"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(title, total=expected.objects)
        yield lambda done: shown.advance(task, done.objects)
