"""The life of keys at the command line: recipients, epochs, checks, drills, shredding."""

import json
import re
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.errors import ConfigurationError, KeysError, RefusedError, UnknownEpoch, UnlockFailed, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.generations import previous
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.volume import Volume
from tests.keys.commands import facts, run
from tests.keys.conftest import CHEAP, PASSPHRASE
from tests.keys.present import Machine

COST = ("--argon2-memory", "64", "--argon2-passes", "3")


@pytest.fixture(scope="module")
def authority_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("authority") / "authority.json"
    authority.save(file, "the authority's", CHEAP)
    return file.read_bytes()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose identity file is `me`."""
    machine = Machine()
    machine.identity.save(tmp_path / "me")
    return machine


@pytest.fixture
def keyring(
    tmp_path: Path, authority: Authority, authority_file: bytes, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A keyring that the machine opens without any passphrase, beside its authority, which has one."""
    path = tmp_path / "keyring.json"
    Keyring.create(authority, recipients=[machine.recipient], volumes=["lake"]).save(path, authority)
    path.with_name("authority.json").write_bytes(authority_file)
    monkeypatch.setenv("PORTABLE_IDENTITY", str(tmp_path / "me"))
    monkeypatch.setenv("PORTABLE_AUTHORITY_PASSPHRASE", "the authority's")
    return path


def opened(path: Path, machine: Machine) -> UnlockedKeyring:
    return Keyring.read(path).unlock(machine.identity)


def test_a_new_identity_becomes_a_recipient_by_its_public_half(keyring: Path, tmp_path: Path) -> None:
    made = facts("new-identity", tmp_path / "etl")
    assert (tmp_path / "etl").stat().st_mode & 0o777 == 0o600
    added = facts("add-recipient", keyring, "identity-file", tmp_path / "etl.pub", "--label", "etl-1")
    assert [(each["label"], each["protector"]) for each in added["added"]] == [("etl-1", "identity-file")]
    assert IdentityFile.read(tmp_path / "etl").fingerprint == made["identity"]
    shown = facts("show", keyring, "--volumes", "--identity", tmp_path / "etl")
    assert [each["label"] for each in shown["recipients"]] == ["", "etl-1"]
    assert [each["volume"] for each in shown["volumes"]] == ["lake"]


def test_a_new_identity_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "etl.pub").write_text("mine")
    assert run("new-identity", tmp_path / "etl").exit_code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["etl.pub"]


def test_a_passphrase_is_added_and_opens(keyring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text(PASSPHRASE)
    facts("add-recipient", keyring, "passphrase", "--new-passphrase-file", tmp_path / "word", "--label", "DPO", *COST)
    monkeypatch.delenv("PORTABLE_IDENTITY")
    assert facts("show", keyring, "--volumes", "--passphrase-file", tmp_path / "word")["volumes"]


def test_officers_open_together(keyring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    officers = [tmp_path / f"officer-{number}" for number in range(3)]
    for each in officers:
        facts("new-identity", each)
    facts("add-recipient", keyring, "custody", 2, *(f"{each}.pub" for each in officers), "--label", "officers")
    monkeypatch.delenv("PORTABLE_IDENTITY")
    assert facts("show", keyring, "--volumes", "--identity", officers[0], "--identity", officers[2])["volumes"]
    assert isinstance(run("show", keyring, "--volumes", "--identity", officers[1]).exception, UnlockFailed)
    monkeypatch.setenv("PORTABLE_IDENTITY", f"{officers[1]}:{officers[2]}")
    assert facts("show", keyring, "--volumes")["volumes"]


@pytest.mark.parametrize(
    "words",
    [
        ("smoke-signal",),
        ("identity-file",),
        ("passphrase", "secret"),
        ("custody", "two", "a", "b"),
        ("transit",),
        ("pkcs11", "token", "label", "not hexadecimal"),
    ],
)
def test_a_kind_of_recipient_that_is_not_written_as_it_must_be_changes_nothing(keyring: Path, words: tuple[str, ...]) -> None:
    before = keyring.read_bytes()
    result = run("add-recipient", keyring, *words)
    assert isinstance(result.exception, ConfigurationError), result.output
    assert keyring.read_bytes() == before


def test_an_identity_file_is_no_public_half(keyring: Path, tmp_path: Path) -> None:
    assert isinstance(run("add-recipient", keyring, "identity-file", tmp_path / "me").exception, KeysError)


def test_a_recipient_is_removed_by_its_label_and_what_it_still_reads_is_said(
    keyring: Path, tmp_path: Path, machine: Machine
) -> None:
    leaves = Machine()
    leaves.identity.publish(tmp_path / "etl.pub")
    facts("add-recipient", keyring, "identity-file", tmp_path / "etl.pub", "--label", "etl-1")
    result = run("remove-recipient", keyring, "etl-1")
    assert result.exit_code == 0
    assert "still reads what was written before" in result.stderr
    keys = opened(keyring, machine).volume("lake")
    assert [epoch.state for epoch in keys.epochs] == ["readable", "active"]
    assert f"epoch: {keys.active_epoch.id.hex()}" in result.stdout
    with pytest.raises(UnlockFailed):
        opened(keyring, leaves)


def test_who_is_not_named_is_not_removed(keyring: Path, machine: Machine) -> None:
    for word in ("nobody", ""):
        assert isinstance(run("remove-recipient", keyring, word).exception, ConfigurationError)
    only = Keyring.read(keyring).recipients[0].id.hex()
    assert isinstance(run("remove-recipient", keyring, only).exception, RefusedError)
    assert opened(keyring, machine).generation == 1


def test_no_change_is_made_to_an_older_generation_that_was_put_back(keyring: Path, tmp_path: Path) -> None:
    Machine().identity.publish(tmp_path / "etl.pub")
    facts("add-recipient", keyring, "identity-file", tmp_path / "etl.pub", "--label", "etl-1")
    with_etl = keyring.read_bytes()
    facts("remove-recipient", keyring, "etl-1")
    keyring.write_bytes(with_etl)
    result = run("rotate", keyring, "lake")
    assert isinstance(result.exception, UntrustedSignature)
    assert keyring.read_bytes() == with_etl


def test_rotate_begins_an_epoch_and_marks_the_ones_that_are_compromised(keyring: Path) -> None:
    (first,) = facts("show", keyring, "--volumes")["volumes"][0]["epochs"]
    assert [each["state"] for each in facts("rotate", keyring, "lake")["epochs"]] == ["readable", "active"]
    after = facts("rotate", keyring, "lake", "--compromised", "active", "--compromised", first["id"])
    assert [each["state"] for each in after["epochs"]] == ["compromised", "compromised", "active"]
    assert isinstance(run("rotate", keyring, "lake", "--compromised", "last").exception, ConfigurationError)
    assert isinstance(run("rotate", keyring, "lake", "--compromised", "00" * 8).exception, UnknownEpoch)
    assert isinstance(run("rotate", keyring, "other").exception, UnknownEpoch)
    assert facts("show", keyring)["generation"] == 3


def test_check_says_who_opened_and_who_was_not_tested(keyring: Path, tmp_path: Path) -> None:
    Machine().identity.publish(tmp_path / "absent.pub")
    facts("add-recipient", keyring, "identity-file", tmp_path / "absent.pub", "--label", "absent")
    checked = facts("check", keyring)["recipients"]
    assert [(each["outcome"], each["volumes"]) for each in checked] == [("opened", ["lake"]), ("not tested", [])]
    checked = facts("check", keyring, "--recipient", "absent", status=1)["recipients"]
    assert [each["outcome"] for each in checked] == ["opened", "failed"]


def test_check_fails_where_nobody_at_hand_opens(keyring: Path, tmp_path: Path) -> None:
    Machine().identity.save(tmp_path / "stranger")
    checked = facts("check", keyring, "--identity", tmp_path / "stranger", status=1)["recipients"]
    assert [each["outcome"] for each in checked] == ["not tested"]


@pytest.fixture
def store(keyring: Path, machine: Machine, tmp_path: Path) -> str:
    """The URL of a store with five objects of the volume."""
    (tmp_path / "store").mkdir()
    url = f"file://{tmp_path}/store"
    volume = Volume(open_backend(Location(url=url)), opened(keyring, machine).volume("lake"))
    for number in range(5):
        volume.write(f"folder/{number}", b"x" * number)
    return url


def test_a_drill_reads_a_sample_and_leaves_nothing_behind(
    keyring: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("PORTABLE_CATALOG", "/nowhere")
    before = {file.name for file in tmp_path.iterdir()}
    drilled = facts("drill", keyring, "lake", store, "--sample", 3)
    assert (drilled["read"], drilled["failed"]) == (3, 0)
    assert len({each["key"] for each in drilled["objects"]}) == 3
    assert all(each["bytes"] == int(each["key"][-1]) for each in drilled["objects"])
    assert {file.name for file in tmp_path.iterdir()} == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert facts("drill", keyring, "lake", store)["read"] == 5


def test_a_drill_fails_on_an_object_that_does_not_open_and_in_an_empty_store(keyring: Path, store: str, tmp_path: Path) -> None:
    damaged = tmp_path / "store" / "folder" / "4"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    drilled = facts("drill", keyring, "lake", store, status=1)
    assert (drilled["read"], drilled["failed"]) == (4, 1)
    (problem,) = [each["problem"] for each in drilled["objects"] if each["key"] == "folder/4"]
    assert problem.startswith("integrity: ")
    (tmp_path / "empty").mkdir()
    assert facts("drill", keyring, "lake", f"file://{tmp_path}/empty", status=1)["objects"] == []


def shred(keyring: Path, *words: object, typed: str = "lake\n") -> dict[str, object]:
    return facts("shred", keyring, "lake", *words, stdin=typed)


def test_shredding_is_requested_until_every_copy_is_confirmed_destroyed(
    keyring: Path, machine: Machine, tmp_path: Path
) -> None:
    facts("rotate", keyring, "lake")
    copy = tmp_path / "backup.json"
    copy.write_bytes(keyring.read_bytes())
    requested = shred(keyring, "--copy", copy, "--copy", "paper, vault 12")
    assert (requested["state"], requested["outstanding"]) == ("requested", [str(copy), "paper, vault 12"])
    assert opened(keyring, machine).volumes == ()
    assert not previous(keyring).exists()
    refused = run("shred", keyring, "lake", "--confirm-destroyed", copy)
    assert isinstance(refused.exception, RefusedError)
    assert "still exists" in str(refused.exception)
    copy.unlink()
    assert shred(keyring, "--confirm-destroyed", copy)["state"] == "requested"
    assert shred(keyring, "--confirm-destroyed", "paper, vault 12")["state"] == "destroyed"
    assert shred(keyring, "--copy", "tape 4", typed="")["state"] == "requested"


def test_a_copy_that_was_brought_up_to_date_counts_as_destroyed_and_an_older_one_does_not(
    keyring: Path, tmp_path: Path
) -> None:
    copy, notes = tmp_path / "copy.json", tmp_path / "notes"
    copy.write_bytes(keyring.read_bytes())
    notes.write_text("not a keyring")
    shred(keyring, "--copy", copy, "--copy", notes)
    for path in (copy, notes):
        assert isinstance(run("shred", keyring, "lake", "--confirm-destroyed", path).exception, RefusedError)
    copy.write_bytes(keyring.read_bytes())
    previous(copy).touch()
    assert isinstance(run("shred", keyring, "lake", "--confirm-destroyed", copy).exception, RefusedError)
    previous(copy).unlink()
    assert shred(keyring, "--confirm-destroyed", copy)["outstanding"] == [str(notes)]


def test_shredding_says_what_it_cannot_reach(keyring: Path) -> None:
    said = run("shred", keyring, "lake", "--no-copies", stdin="lake\n").stdout
    assert "state: destroyed" in said
    for unreachable in ("backups", "export-volume-key", "processes that run now"):
        assert unreachable in said


@pytest.mark.parametrize("typed", ["", "\n", "Lake\n", "lake \n", "yes\n"])
def test_shredding_that_is_not_confirmed_changes_nothing(keyring: Path, typed: str) -> None:
    before = {file: file.read_bytes() for file in keyring.parent.glob("*") if file.is_file()}
    result = run("shred", keyring, "lake", "--no-copies", stdin=typed)
    assert isinstance(result.exception, RefusedError)
    assert {file: file.read_bytes() for file in keyring.parent.glob("*") if file.is_file()} == before


def test_shredding_needs_every_copy_or_the_statement_that_there_is_none(keyring: Path) -> None:
    for words in ((), ("--copy", keyring), ("--copy", previous(keyring)), ("--copy", "a", "--confirm-destroyed", "a")):
        assert isinstance(run("shred", keyring, "lake", *words, stdin="lake\n").exception, ConfigurationError), words
    assert isinstance(run("shred", keyring, "lake", "--confirm-destroyed", "a").exception, RefusedError)
    assert isinstance(run("shred", keyring, "other", "--no-copies", stdin="other\n").exception, UnknownEpoch)


@pytest.mark.parametrize("where", ["save", "record"])
def test_shredding_that_was_cut_short_is_brought_to_its_end_by_the_same_command(
    keyring: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    facts("rotate", keyring, "lake")
    saving, recorded = UnlockedKeyring.save, []

    def save(unlocked: UnlockedKeyring, *words: object, **options: object) -> None:
        if where == "record":
            saving(unlocked, *words, **options)  # type: ignore[arg-type]  # handed on as they came
            previous(keyring).write_bytes(b"left by a crash")
        recorded.append(json.loads(keyring.read_bytes()))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(UnlockedKeyring, "save", save)
        assert run("shred", keyring, "lake", "--copy", "tape", stdin="lake\n").exit_code != 0
    assert len(recorded) == 1
    assert isinstance(run("shred", keyring, "lake", "--confirm-destroyed", "tape").exception, RefusedError)
    assert shred(keyring)["state"] == "requested"
    assert opened(keyring, machine).volumes == ()
    assert not previous(keyring).exists()
    assert shred(keyring, "--confirm-destroyed", "tape")["state"] == "destroyed"


@pytest.mark.parametrize("command", ["new-identity", "add-recipient", "remove-recipient", "rotate", "check", "drill", "shred"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"portable keys {command} " in re.sub(r"\s+", " ", result.stdout)
