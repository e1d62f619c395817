"""`portable keys`, as it is typed."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from portable.cli.keys import app
from portable.cli.passphrase import passphrase
from portable.errors import AlreadyExists, ConfigurationError, PortableError, RefusedError, UnlockFailed, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import PassphraseIdentity
from portable.keys.recipient import Identity
from tests.keys.conftest import CHEAP, PASSPHRASE, Costly

COST = ("--argon2-memory", "64", "--argon2-passes", "3")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTABLE_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("PORTABLE_AUTHORITY_PASSPHRASE", raising=False)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def facts(*words: object) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exception is None, result.output
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


@pytest.fixture(scope="module")
def authority_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("authority") / "authority.json"
    authority.save(file, PASSPHRASE, CHEAP)
    return file.read_bytes()


@pytest.fixture
def signed_path(path: Path, authority_file: bytes) -> Path:
    """A keyring file with its authority file beside it."""
    path.with_name("authority.json").write_bytes(authority_file)
    return path


def test_init_makes_a_keyring_and_its_authority(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    made = facts("init", path, *COST)
    locked = Keyring.read(path, authority=made["authority"])
    assert (made["keyring"], made["generation"]) == (locked.id.hex(), 1)
    assert made["authority_file"] == str(tmp_path / "authority.json")
    assert locked.unlock(PassphraseIdentity(PASSPHRASE)).volumes == ()


def test_init_for_people_says_to_pin_the_fingerprint(tmp_path: Path) -> None:
    result = run("init", tmp_path / "keyring.json", *COST)
    assert f"authority: {Keyring.read(tmp_path / 'keyring.json').authority.fingerprint}\n" in result.stdout
    assert "Pin this" in result.stderr


def test_init_overwrites_no_keyring(path: Path, saved: bytes) -> None:
    assert isinstance(run("init", path, *COST).exception, AlreadyExists)
    assert path.read_bytes() == saved
    assert not path.with_name("authority.json").exists()


def test_init_uses_an_authority_that_exists(signed_path: Path, authority: Authority) -> None:
    made = facts("init", signed_path.with_name("second.json"), *COST)
    assert made["authority"] == authority.fingerprint


def test_init_with_the_wrong_passphrase_for_an_existing_authority_makes_nothing(
    signed_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTABLE_AUTHORITY_PASSPHRASE", "wrong")
    assert isinstance(run("init", signed_path.with_name("second.json"), *COST).exception, UnlockFailed)
    assert not signed_path.with_name("second.json").exists()


@pytest.mark.parametrize("option", [("--argon2-memory", "32"), ("--argon2-memory", "4096"), ("--argon2-passes", "2")])
def test_init_takes_no_cost_outside_the_bounds(tmp_path: Path, option: tuple[str, str]) -> None:
    assert run("init", tmp_path / "keyring.json", *option).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_authority_may_have_its_own_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text("the authority's own\n")
    facts("init", tmp_path / "keyring.json", *COST, "--authority-passphrase-file", tmp_path / "word")
    assert isinstance(run("add-volume", tmp_path / "keyring.json", "lake").exception, UnlockFailed)
    monkeypatch.setenv("PORTABLE_AUTHORITY_PASSPHRASE", "the authority's own")
    assert facts("add-volume", tmp_path / "keyring.json", "lake")["generation"] == 2


def test_add_volume_saves_the_next_generation(signed_path: Path, identity: Identity) -> None:
    added = facts("add-volume", signed_path, "archive", "--frame-length", "65536")
    keys = Keyring.read(signed_path).unlock(identity).volume("archive")
    assert (added["generation"], added["volume_id"], added["frame_length"]) == (3, keys.volume_id.hex(), 65536)
    assert keys.frame_length == 65536


def test_add_volume_refuses_a_name_that_is_taken(signed_path: Path, saved: bytes) -> None:
    assert isinstance(run("add-volume", signed_path, "lake").exception, RefusedError)
    assert signed_path.read_bytes() == saved


def test_add_volume_refuses_a_keyring_of_another_authority_before_any_passphrase(path: Path, costly: Costly) -> None:
    Authority.generate().save(path.with_name("authority.json"), PASSPHRASE, CHEAP)
    costly.steps.clear()
    assert isinstance(run("add-volume", path, "archive").exception, UntrustedSignature)
    assert costly.steps == []


def test_show_needs_no_passphrase(path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, costly: Costly) -> None:
    monkeypatch.delenv("PORTABLE_PASSPHRASE")
    shown = facts("show", path)
    assert (shown["generation"], shown["authority"], shown["pinned"]) == (2, authority.fingerprint, False)
    assert [recipient["protector"] for recipient in shown["recipients"]] == ["passphrase"]
    assert "volumes" not in shown
    assert costly.steps == []


def test_show_lists_volumes_when_it_may_unlock(path: Path) -> None:
    assert [volume["volume"] for volume in facts("show", path, "--volumes")["volumes"]] == ["lake"]


def test_show_refuses_a_keyring_that_is_not_the_pinned_authoritys(path: Path, authority: Authority) -> None:
    assert facts("show", path, "--pin", authority.fingerprint)["pinned"] is True
    assert isinstance(run("show", path, "--pin", Authority.generate().fingerprint).exception, UntrustedSignature)


def test_output_is_plain_when_piped(path: Path) -> None:
    result = run("show", path, "--volumes")
    assert "\x1b" not in result.stdout
    assert "  volume: lake\n" in result.stdout


def test_export_writes_a_private_file_and_shows_no_key(path: Path, tmp_path: Path, identity: Identity) -> None:
    out = tmp_path / "export.json"
    result = run("export-volume-key", path, "lake", "--out", out)
    exported = json.loads(out.read_bytes())
    keys = Keyring.read(path).unlock(identity).volume("lake")
    assert base64.b64decode(exported["epochs"][0]["key"]) == keys.active_epoch.key
    assert out.stat().st_mode & 0o777 == 0o600
    assert exported["epochs"][0]["key"] not in result.output


def test_export_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("mine")
    result = run("export-volume-key", path, "lake", "--out", tmp_path / "export.json")
    assert isinstance(result.exception, AlreadyExists)
    assert (tmp_path / "export.json").read_text() == "mine"


@pytest.mark.parametrize(
    "words", [(), ("show",), ("export-volume-key", "keyring.json", "lake"), ("init", "a", "--passphrase", "word")]
)
def test_wrong_usage_has_exit_status_2(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("command", ["init", "add-volume", "show", "export-volume-key"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"portable keys {command} " in result.stdout


def test_a_passphrase_comes_from_a_descriptor(path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"wrong")
    os.close(writing)
    try:
        result = run("show", path, "--volumes", "--passphrase-fd", reading)
    finally:
        os.close(reading)
    assert isinstance(result.exception, UnlockFailed)


def test_without_a_terminal_nothing_is_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTABLE_PASSPHRASE")
    result = run("show", path, "--volumes")
    assert isinstance(result.exception, ConfigurationError)
    assert "PORTABLE_PASSPHRASE" in str(result.exception)
    assert isinstance(result.exception, PortableError)


@pytest.mark.parametrize("twice", [True, False])
def test_at_a_terminal_the_passphrase_is_asked_for_hidden(monkeypatch: pytest.MonkeyPatch, *, twice: bool) -> None:
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append({"text": text, **options})
        return "typed"

    monkeypatch.delenv("PORTABLE_PASSPHRASE")
    monkeypatch.setattr(typer, "prompt", prompt)
    controller, terminal = os.openpty()
    with os.fdopen(controller), os.fdopen(terminal) as stdin, monkeypatch.context() as patched:
        patched.setattr("sys.stdin", stdin)
        assert passphrase("Passphrase", twice=twice) == "typed"
    assert asked == [{"text": "Passphrase", "hide_input": True, "confirmation_prompt": twice, "err": True}]
