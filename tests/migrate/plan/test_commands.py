"""`portable migrate init`, `plan` and `status` as they are called."""

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from migrate.cli import app
from migrate.journal import Journal, Outcome
from portable.errors import AlreadyExists, ConfigurationError, RefusedError
from tests.migrate.plan.places import PASSPHRASE, Site


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def output(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


@pytest.fixture
def filled(site: Site) -> Site:
    """A migration with three objects at the source."""
    site.declare()
    for key, data in {"a": b"", "b/c": b"12345", "patients/Marie.csv": b"secret"}.items():
        site.put("source", key, data)
    return site


def test_init_writes_a_file_that_lacks_only_decisions(tmp_path: Path) -> None:
    file = tmp_path / "lake-exit.toml"
    result = run("init", file, "--name", "lake")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"portable migrate plan {file}" in result.stderr.replace("\n", " ")
    assert tomllib.loads(file.read_text())["target"]["encryption"]["volume"] == "lake"
    refused = run("plan", file)
    assert isinstance(refused.exception, ConfigurationError)
    assert "rollback" in str(refused.exception)


def test_the_file_that_init_writes_is_complete_once_a_rollback_is_chosen(tmp_path: Path) -> None:
    from migrate.declaration import Declaration

    file = tmp_path / "lake-exit.toml"
    run("init", file)
    text = file.read_text()
    assert Declaration.load(_written(file, text.replace('# mode = "never"', 'mode = "never"'))).name == "lake-exit"
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.split("\n")
    )
    assert Declaration.load(_written(file, uncommented)).cutover.max_frozen == 120.0


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    assert isinstance(run("init", file).exception, AlreadyExists)
    assert file.read_text() == "mine"


def test_plan_prints_a_report(filled: Site) -> None:
    text = output("plan", filled.file)
    assert "3 objects (11 B)" in text
    assert "patients/Marie.csv" not in text, "nothing was found about this object"


def test_plan_prints_json_with_pseudonyms_unless_asked(filled: Site) -> None:
    document = json.loads(output("plan", filled.file, "--json"))
    assert document["moved"] == {"objects": 3, "bytes": 11}
    assert "Marie" not in json.dumps(document)
    assert "Marie" in output("plan", filled.file, "--json", "--show-keys")


def test_plan_writes_a_page(filled: Site) -> None:
    page = filled.folder / "plan.html"
    output("plan", filled.file, "--html", page)
    assert page.read_text().startswith("<!doctype html>")
    assert "Marie" not in page.read_text()
    output("plan", filled.file, "--html", page, "--show-keys")
    assert "Marie" in page.read_text()
    assert isinstance(run("plan", filled.file, "--html", filled.folder / "no" / "plan.html").exception, ConfigurationError)


def test_plan_opens_the_keyring_where_the_environment_has_a_passphrase(filled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(output("plan", filled.file, "--json"))["keyring_unlocked"] is False
    monkeypatch.setenv("PORTABLE_PASSPHRASE", PASSPHRASE)
    assert json.loads(output("plan", filled.file, "--json"))["keyring_unlocked"] is True


def test_a_plan_with_blocking_findings_is_still_a_plan(filled: Site) -> None:
    filled.put("target", "foreign")
    assert json.loads(output("plan", filled.file, "--json"))["blocking"] == ["target-not-empty"]


def test_status_needs_a_plan(filled: Site) -> None:
    assert isinstance(run("status", filled.file).exception, RefusedError)


def test_status_shows_totals_also_while_another_process_works(filled: Site) -> None:
    output("plan", filled.file)
    with Journal.open(filled.folder / "lake-exit.journal") as journal:
        item = journal.item("b/c")
        assert item is not None
        journal.record([Outcome(item.id, "copied", target="t|1|")])
        status = json.loads(output("status", filled.file, "--json"))
    assert status["reconciled"] is True
    assert status["states"]["copied"]["bytes"] == 5
    assert status["inventory"] == {"objects": 3, "bytes": 11}
    assert status["catalog"]["phase"] is None
    assert "not-found" in status["catalog"]["problem"]
    assert "inventory" in output("status", filled.file)


def test_status_fails_when_the_totals_do_not_add_up(filled: Site) -> None:
    import sqlite3

    output("plan", filled.file)
    connection = sqlite3.connect(filled.folder / "lake-exit.journal")
    with connection:
        connection.execute("UPDATE objects SET state = 'lost' WHERE key = 'a'")
    connection.close()
    result = run("status", filled.file)
    assert result.exit_code == 1
    assert "NOT the sum" in result.stdout


@pytest.mark.parametrize("command", ["init", "plan", "status"])
def test_help_has_an_example(command: str) -> None:
    assert f"portable migrate {command} " in output(command, "--help")
