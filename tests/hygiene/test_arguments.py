"""Command lines are seen by every user of a machine and kept in its history: no option takes a secret."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from portable.backends.location import Location
from portable.cli.app import app
from portable.errors import ConfigurationError
from tests.hygiene.conftest import PASSPHRASE, Custody

SECRET_WORDS = {"passphrase", "password", "secret", "token", "sas", "pin", "key", "seed", "connection"}
BY_REFERENCE = re.compile(r"-(file|fd|id|name|label)$")
"""Options with such an ending name a file, a descriptor or a thing."""
PUBLIC = {"--pin"}
"""An authority's fingerprint."""


def commands(command: Any, path: str = "portable") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, f"{path} {name}")
    else:
        yield path, command


def test_no_option_of_any_command_takes_a_secret_by_value() -> None:
    found = list(commands(typer.main.get_command(app)))
    assert len(found) > 20
    taking = []
    for path, command in found:
        for parameter in command.params:
            for option in (option for option in parameter.opts if option.startswith("--")):
                words = set(option[2:].split("-"))
                flag = getattr(parameter, "is_flag", False)
                if words & SECRET_WORDS and not flag and option not in PUBLIC and not BY_REFERENCE.search(option):
                    taking.append(f"{path} {option}")
    assert taking == []


@pytest.mark.parametrize(
    "given",
    [
        {"url": "az://container?sv=2026&sig=planted-secret"},
        {"url": "s3://AKID:planted-secret@bucket"},
        {"url": "az://container", "endpoint": "https://account.example/?sig=planted-secret"},
        {"url": "s3://bucket", "endpoint": "https://AKID:planted-secret@host"},
        {"url": "s3://bucket", "credentials": "planted-secret"},
        {"url": "s3://bucket", "credentials": "value:planted-secret"},
    ],
)
def test_a_secret_in_the_place_of_an_address_or_a_reference_is_refused_and_not_repeated(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Location(**given)
    assert "planted-secret" not in f"{caught.value} {caught.value.args} {caught.value.__context__}"


def test_the_process_list_shows_no_secret_while_a_command_works(custody: Custody, tmp_path: Path) -> None:
    """The passphrase comes through the environment and a descriptor; the command line stays as it was given."""
    (tmp_path / "store").mkdir()
    url = f"file://{tmp_path}/store"
    reached = ["--root", url, "--keyring", str(custody.path), "--volume", "lake"]
    command = [sys.executable, "-c", "from portable.cli import main; main()", "cat", f"{url}/missing", *reached]
    environment = {"PORTABLE_PASSPHRASE": PASSPHRASE, "PORTABLE_STATE": str(tmp_path / "state")}
    seen = set()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            for pid in (process.pid, *_children(process.pid)):
                seen.add(_command_line(pid))
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert not any(custody.planted.found_in(line) for line in seen)
    assert not custody.planted.found_in(out + err)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
