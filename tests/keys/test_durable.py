"""Durable files: whole or not there, private, and never over another by accident."""

import multiprocessing
import os
from pathlib import Path

import pytest

from portable.errors import AlreadyExists, ConfigurationError, PortableError
from portable.keys import durable
from portable.keys.durable import create_durably, exclusive, read_within, replace_durably


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


@pytest.mark.parametrize("write", [create_durably, replace_durably])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_has_the_mode_asked_for_whatever_the_umask(tmp_path: Path, write: object, mode: int) -> None:
    assert callable(write)
    previous = os.umask(0o077)
    try:
        write(tmp_path / "file", b"data", mode)
    finally:
        os.umask(previous)
    assert (tmp_path / "file").read_bytes() == b"data"
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    assert names(tmp_path) == ["file"]


def test_data_and_folder_are_synced_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "data")  # noqa: PTH112  # a descriptor
        sync(descriptor)

    def renamed(source: Path, target: Path) -> None:
        steps.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    replace_durably(tmp_path / "file", b"data")
    assert steps == ["data", "rename", "folder"]


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    create_durably(tmp_path / "file", b"first")
    with pytest.raises(AlreadyExists, match="not overwritten"):
        create_durably(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    replace_durably(tmp_path / "file", b"old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(PortableError, match="No space left"):
        replace_durably(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    for act in (
        lambda path: replace_durably(path, b""),
        lambda path: create_durably(path, b""),
        lambda path: exclusive(path).__enter__(),
        lambda path: read_within(path, 1),
    ):
        with pytest.raises(ConfigurationError, match="missing"):
            act(tmp_path / "missing" / "file")


def test_no_more_than_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"four")
    assert read_within(tmp_path / "file", 4) == b"four"
    with pytest.raises(ConfigurationError, match="larger than 3"):
        read_within(tmp_path / "file", 3)


def count_up(path: Path, times: int) -> None:
    for _ in range(times):
        with exclusive(path):
            value = int(path.read_bytes())
            durable.replace_durably(path, str(value + 1).encode())


def test_the_lock_keeps_processes_from_losing_each_others_changes(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"0")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=count_up, args=(path, 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert path.read_bytes() == b"40"
