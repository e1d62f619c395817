"""The file of a keyring while it changes: crashes between any two steps, and processes that change it at once."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from portable.errors import RefusedError
from portable.keys import generations
from portable.keys.authority import Authority
from portable.keys.generations import previous, put_successor, remove_earlier
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.recipient import Identity
from tests.keys.present import Machine

Change = Callable[[UnlockedKeyring], object]

CHANGES: dict[str, Change] = {
    "add-recipient": lambda unlocked: unlocked.add_recipient(Machine().recipient, "another"),
    "remove-recipient": lambda unlocked: unlocked.remove_recipient(unlocked.recipients[-1].id),
    "rotate": lambda unlocked: unlocked.rotate("lake"),
    "compromise": lambda unlocked: unlocked.rotate("lake", [unlocked.volume("lake").active_epoch.id]),
}
STEPS = ("open", "fchmod", "fsync", "replace")


class Crash(BaseException):
    """The process ends here."""


class CrashAt:
    """Lets a number of calls of the operating system through, and crashes instead of the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: str, calls: int) -> None:
        self.left, self.happened = calls, False
        real = getattr(os, step)

        def instead(*args: object, **options: object) -> object:
            if self.left == 0:
                self.happened = True
                raise Crash
            self.left -= 1
            return real(*args, **options)

        monkeypatch.setattr(os, step, instead)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def keyring(tmp_path: Path, authority: Authority, machine: Machine) -> Path:
    path = tmp_path / "keyring.json"
    unlocked = Keyring.create(authority, recipients=[machine.recipient, Machine().recipient], volumes=["lake", "archive"])
    unlocked.save(path, authority)
    return path


def opened(path: Path, identity: Identity) -> UnlockedKeyring:
    return Keyring.read(path).unlock(identity)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_crash_at_any_step_leaves_the_generation_before_or_the_next_one_whole(
    keyring: Path, authority: Authority, machine: Machine, monkeypatch: pytest.MonkeyPatch, change: str, step: str
) -> None:
    before = keyring.read_bytes()
    for calls in range(20):
        unlocked = opened(keyring, machine.identity)
        generation = unlocked.generation
        CHANGES[change](unlocked)
        with monkeypatch.context() as patched:
            crash = CrashAt(patched, step, calls)
            with contextlib.suppress(Crash):
                unlocked.save(keyring, authority)
        found = opened(keyring, machine.identity)
        assert found.generation in (generation, generation + 1)
        assert found.volume("archive")
        if not crash.happened:
            assert found.generation == generation + 1
            return
        if found.generation > generation:
            assert Keyring.read(previous(keyring)).generation == generation
        keyring.write_bytes(before)
    pytest.fail("the save never came to its end")


@pytest.mark.parametrize("step", [*STEPS, "unlink"])
def test_a_crash_while_a_volume_is_removed_is_made_good_by_removing_what_is_left(
    keyring: Path, authority: Authority, machine: Machine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    document = keyring.read_bytes()
    for calls in range(20):
        keyring.write_bytes(document)
        opened(keyring, machine.identity).save(keyring, authority)
        unlocked = opened(keyring, machine.identity)
        unlocked.remove_volume("lake")
        with monkeypatch.context() as patched:
            crash = CrashAt(patched, step, calls)
            with contextlib.suppress(Crash):
                unlocked.save(keyring, authority, keep_previous=False)
        again = opened(keyring, machine.identity)
        if any(keys.name == "lake" for keys in again.volumes):
            again.remove_volume("lake")
            again.save(keyring, authority, keep_previous=False)
        else:
            remove_earlier(keyring)
        assert {file.name for file in keyring.parent.iterdir()} == {"keyring.json", ".keyring.json.lock"}
        assert [keys.name for keys in opened(keyring, machine.identity).volumes] == ["archive"]
        if not crash.happened:
            return
    pytest.fail("the save never came to its end")


def test_a_generation_that_must_not_be_kept_is_not(keyring: Path, authority: Authority, machine: Machine) -> None:
    opened(keyring, machine.identity).save(keyring, authority)
    assert previous(keyring).exists()
    opened(keyring, machine.identity).save(keyring, authority, keep_previous=False)
    assert not previous(keyring).exists()


def test_only_drafts_of_this_keyring_are_removed(tmp_path: Path) -> None:
    draft = "0123456789abcdef.tmp"
    mine = [f".keyring.json.{draft}", f".keyring.json.prev.{draft}", "keyring.json.prev"]
    others = [f".keyring.json.shreddings.{draft}", f".keyringxjson.{draft}", "keyring.json", "notes.tmp"]
    for name in mine + others:
        (tmp_path / name).touch()
    remove_earlier(tmp_path / "keyring.json")
    assert {file.name for file in tmp_path.iterdir()} == {*others, ".keyring.json.lock"}


def test_a_change_over_another_one_is_refused_and_nothing_is_lost(
    keyring: Path, authority: Authority, machine: Machine
) -> None:
    first, second = opened(keyring, machine.identity), opened(keyring, machine.identity)
    first.rotate("lake")
    first.save(keyring, authority)
    for change in CHANGES.values():
        change(second)
    with pytest.raises(RefusedError, match="read it again"):
        second.save(keyring, authority)
    assert opened(keyring, machine.identity).volume("lake").record == first.volume("lake").record


def _add_labels(path: Path, seed: bytes, authority_seed: bytes, name: str, ready: object) -> None:
    identity, authority = IdentityFile(seed), Authority(authority_seed)
    ready.wait()  # type: ignore[attr-defined]  # a barrier, which multiprocessing makes of no class that can be named
    for number in range(5):
        while True:
            unlocked = Keyring.read(path).unlock(identity)
            unlocked.add_recipient(Machine().recipient, f"{name}-{number}")
            unlocked.rotate("lake")
            try:
                unlocked.save(path, authority)
            except RefusedError:
                continue
            break


def test_two_processes_that_change_it_at_once_lose_nothing(keyring: Path, authority: Authority, machine: Machine) -> None:
    fresh = multiprocessing.get_context("spawn")
    ready = fresh.Barrier(2)
    seeds = machine.identity._seed, authority._seed
    writers = [fresh.Process(target=_add_labels, args=(keyring, *seeds, name, ready)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    found = opened(keyring, machine.identity)
    assert found.generation == 11
    assert {each.label for each in found.recipients if each.label} == {f"{who}-{n}" for who in ("one", "two") for n in range(5)}
    assert len(found.volume("lake").epochs) == 11


def test_nothing_is_written_before_what_stands_there_was_compared(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "replace_durably", lambda *_: pytest.fail("written"))
    with pytest.raises(RefusedError):
        put_successor(keyring, b"another", b"next")
