"""Every command of the installed program, those of other packages included, has its place in the reference and an example."""

from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from tests.docs.pages import DOCS

REFERENCE = DOCS / "reference" / "cli.md"


def commands(command: object, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """Yield each command that does something, groups opened, by the words that call it."""
    if isinstance(command, TyperGroup):
        context = typer.Context(command)
        for word in command.list_commands(context):
            yield from commands(command.get_command(context, word), f"{name} {word}")
    else:
        assert isinstance(command, TyperCommand), f"{name} is listed, and is no command"
        yield name, command


@pytest.fixture(scope="module")
def documented() -> dict[str, TyperCommand]:
    from portable.cli.app import app  # here, so that a command line that cannot be imported fails these tests and no others

    return dict(commands(typer.main.get_command(app), "portable"))


def section(name: str) -> str:
    """The part of the reference below the heading that names the command in code."""
    return f"{REFERENCE.read_text()}\n#".partition(f" `{name}`\n")[2].partition("\n#")[0]


def test_every_command_has_a_section_in_the_reference(documented: dict[str, TyperCommand]) -> None:
    assert [name for name in documented if not section(name).strip()] == []


def test_every_option_is_named_in_the_section_of_its_command(documented: dict[str, TyperCommand]) -> None:
    missing = [
        f"{name} {option}"
        for name, command in documented.items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help" and f"`{option}" not in section(name)
    ]
    assert missing == []


def test_the_help_of_every_command_has_an_example(documented: dict[str, TyperCommand]) -> None:
    helps = {name: (command.help or "") + (command.epilog or "") for name, command in documented.items()}
    assert [name for name, text in helps.items() if f"{name} " not in text] == []
