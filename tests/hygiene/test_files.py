"""What is written to disk and to the terminal by a whole migration: nothing in it opens anything."""

import hashlib
import json
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.cli.running import run
from portable.volume import Volume
from tests.attacks.ledger import Ledger, record
from tests.hygiene.conftest import PASSPHRASE, Custody
from tests.hygiene.planted import Planted

CONTENT = {f"records/{number}.csv": f"the plaintext of record number {number};".encode() * 50 for number in range(5)}
SOURCE_SECRET = "planted-secret-of-the-source"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Record every key and every wrapped key."""
    return record(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, custody: Custody, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move a volume by the commands, all that they leave behind in one folder."""
    for name in ("keyring.json", "authority.json"):
        (tmp_path / name).write_bytes(custody.path.with_name(name).read_bytes())
    (tmp_path / "tmp").mkdir()
    for name, value in {
        "PORTABLE_PASSPHRASE": PASSPHRASE,
        "SOURCE_AWS_SECRET_ACCESS_KEY": SOURCE_SECRET,
        "TMPDIR": str(tmp_path / "tmp"),
        "PORTABLE_STATE": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    source = Volume(open_backend(Location(f"memory://{tmp_path.name}-source")), None)
    for key, data in CONTENT.items():
        source.write(key, data)
    (tmp_path / "exit.toml").write_text(
        f"""
        name = "exit"
        [source]
        url = "memory://{tmp_path.name}-source"
        credentials = "env:SOURCE_"
        [target]
        url = "memory://{tmp_path.name}-target"
        [target.encryption]
        keyring = "keyring.json"
        volume = "lake"
        [catalog]
        url = "catalog.json"
        name = "lake"
        [rollback]
        mode = "never"
        """
    )
    return tmp_path


COMMANDS = [
    ["migrate", "plan", "exit.toml", "--html", "plan.html"],
    ["migrate", "plan", "exit.toml", "--json"],
    ["migrate", "copy", "exit.toml"],
    ["migrate", "verify", "exit.toml", "--json"],
    ["migrate", "status", "exit.toml", "--json"],
    ["keys", "show", "keyring.json", "--json"],
    ["migrate", "copy", "missing.toml"],
]


def test_a_migration_leaves_no_secret_in_any_file_and_prints_none(
    folder: Path, custody: Custody, ledger: Ledger, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    statuses = {" ".join(command[:2]): run(command) for command in COMMANDS}
    printed = capfdbinary.readouterr()
    assert statuses["migrate verify"] == 0, printed.err
    target = Volume(open_backend(Location(f"memory://{folder.name}-target")), custody.unlocked.volume("lake"))
    assert {info.key for info in target.list()} == set(CONTENT)

    planted = Planted(dict(custody.planted.secrets))
    planted.plant("credentials of the source", SOURCE_SECRET)
    for number, key in enumerate(
        {use.key for use in ledger.uses} | {u.plaintext for u in ledger.uses if len(u.plaintext) == 32}
    ):
        planted.plant(f"key {number}", key)
    for key, data in CONTENT.items():
        planted.plant(f"content of {key}", data[:40])
        planted.plant(f"plain SHA-256 of {key}", hashlib.sha256(data).digest())

    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.suffix for path in files} >= {".json", ".journal", ".html", ".toml"}
    assert {name: found for name, data in files.items() if (found := planted.found_in(data))} == {}
    assert planted.found_in(printed.out + printed.err) == set()


def test_what_a_host_stores_shows_no_secret_and_no_plaintext(folder: Path, custody: Custody, ledger: Ledger) -> None:
    for command in COMMANDS[:3]:
        run(command)
    planted = Planted(dict(custody.planted.secrets))
    for number, use in enumerate(ledger.uses):
        planted.plant(f"key {number}", use.key)
        if len(use.plaintext) >= 32:
            planted.plant(f"plaintext {number}", use.plaintext[:64])
    backend = open_backend(Location(f"memory://{folder.name}-target"))
    stored = [bytes(backend.get(stat.key).data) for stat in backend.list()]
    assert len(stored) >= len(CONTENT)
    assert planted.found_in(b"".join(stored)) == set()


def test_journals_pins_and_keyrings_are_the_owners_alone(folder: Path) -> None:
    for command in COMMANDS[:3]:
        run(command)
    private = [path for path in folder.rglob("*") if path.is_file() and (path.suffix == ".journal" or "pins" in path.name)]
    assert len(private) >= 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_an_export_is_the_one_file_that_holds_keys_and_it_says_so_by_its_mode(
    folder: Path, custody: Custody, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["keys", "export-volume-key", "keyring.json", "lake", "--out", "export.json"]) == 0
    assert custody.planted.found_in((folder / "export.json").read_bytes()) == {"epoch key of lake"}
    assert (folder / "export.json").stat().st_mode & 0o077 == 0
    assert custody.planted.found_in(b"".join(capfdbinary.readouterr())) == set()
    assert "secret" not in json.loads((folder / "export.json").read_bytes())
