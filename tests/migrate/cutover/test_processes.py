"""Cutovers of a lake that is in use: writers and readers in processes of their own, which do not know of it."""

import itertools
import json
import os
import signal
import time
from pathlib import Path

import pytest

from examples.open_with_public_sdk import open_message
from examples.sample_lake import samples
from portable.backends.location import Location
from portable.backends.registry import open_backend
from tests.migrate.cutover.clients import expected
from tests.migrate.cutover.conftest import BRIEF, until

EXAMPLES = Path(__file__).parents[3] / "examples"
WRITERS = ("w0", "w1")


def acknowledged(notes):
    """Return, for each key, the versions that may stand there: the last one acknowledged, and those only tried since."""
    may_stand = {}
    for note in notes:
        if "written" in note:
            may_stand[note["key"]] = {note["written"]}
        elif "deleted" in note:
            may_stand[note["key"]] = {None}
        elif "tried" in note:
            may_stand.setdefault(note["key"], {None}).add(note["tried"])
    return may_stand


def at_the_target(lake, monkeypatch):
    """Return every object at the new host, opened by the public SDK with the exported key, by what its context says."""
    lake.portable("keys", "export-volume-key", "keyring.json", "lake", "--out", "exported.json")
    exported = json.loads((lake.folder / "exported.json").read_text())
    for variable, value in lake.host.env("TARGET_").items():
        monkeypatch.setenv(variable, value)
    location = Location(url=f"s3://{lake.bucket}/eu", endpoint=lake.host.endpoint, credentials="env:TARGET_")
    backend = open_backend(location)
    return {stat.key: open_message(exported, bytes(backend.get(stat.key).data)) for stat in backend.list()}


def prepare(lake):
    lake.portable("migrate", "plan", "exit.toml")
    lake.portable("migrate", "copy", "exit.toml")
    lake.portable("migrate", "verify", "exit.toml")


def check_nothing_was_lost(lake, monkeypatch, read_back):
    for writer in WRITERS:
        notes = lake.notes(writer)
        assert sum("written" in note for note in notes) > 20
        assert {note["retryable"] for note in notes if "retryable" in note} <= {"frozen", "unavailable", "outcome-unknown"}
        for key, versions in acknowledged(notes).items():
            found = read_back.get(key)
            version = None if found is None else int(found.split(b":")[1])
            assert version in versions, f"{key}: {version} stands there, acknowledged: {versions}"
    for number in range(60):
        key = f"data/{number:03}.bin"
        assert read_back[key] == expected(key)


def test_a_cutover_under_way_loses_no_acknowledged_write_and_shows_no_reader_a_wrong_byte(lake, monkeypatch):
    for name in WRITERS:
        lake.client("writer", name)
    lake.client("reader", "r0")
    prepare(lake)
    done = lake.portable("migrate", "cutover", "exit.toml")
    assert "the home of volume 'lake' is s3://" in done.stdout
    written_before = {name: len(lake.notes(name)) for name in WRITERS}
    until(lambda: all(len(lake.notes(name)) > written_before[name] + 20 for name in WRITERS), 60)
    lake.stop_clients()

    assert lake.entry()["home"]["mode"] == "sealed"
    check_nothing_was_lost(lake, monkeypatch, at_the_target(lake, monkeypatch))
    reader = lake.notes("r0")
    assert not [note for note in reader if "wrong" in note or "missing" in note]
    assert {note["retryable"] for note in reader if "retryable" in note} <= {"changed", "unavailable"}
    again = lake.portable("migrate", "cutover", "exit.toml")
    assert "the home of volume 'lake' is s3://" in again.stdout


def test_a_shut_gate_returns_the_volume_and_writers_go_on_at_the_old_home(lake):
    for name in WRITERS:
        lake.client("writer", name)
    prepare(lake)
    lake.host.client.put_object(Bucket=lake.bucket, Key="eu/planted", Body=b"not of this migration")
    done = lake.portable("migrate", "cutover", "exit.toml", status=1)
    assert "planted" in done.stdout
    assert lake.entry()["home"]["url"] == f"az://{lake.container}"
    assert lake.entry()["phase"] == "active"
    before = {name: len(lake.notes(name)) for name in WRITERS}
    until(lambda: all(len(lake.notes(name)) > before[name] + 5 for name in WRITERS), 30)
    lake.stop_clients()
    container = lake.azurite.client.get_container_client(lake.container)
    for writer in WRITERS:
        for key, versions in acknowledged(lake.notes(writer)).items():
            blob = container.get_blob_client(key)
            version = int(blob.download_blob().readall().split(b":")[1]) if blob.exists() else None
            assert version in versions


@pytest.mark.parametrize("lake", [{"max_frozen": 6.0}], indirect=True, ids=["soon"])
def test_writers_return_a_volume_whose_coordinator_was_killed_and_the_next_cutover_succeeds(lake, monkeypatch):
    for name in WRITERS:
        lake.client("writer", name)
    prepare(lake)
    coordinator = lake.start("-m", "portable", "migrate", "cutover", "exit.toml")
    lake.processes.remove(coordinator)
    until(lambda: lake.entry()["phase"] == "frozen", 60)
    coordinator.kill()
    coordinator.communicate()
    frozen_at = time.monotonic()
    until(lambda: lake.entry()["phase"] == "active", 40)
    assert lake.entry()["home"]["url"] == f"az://{lake.container}"
    assert time.monotonic() - frozen_at < 40
    before = {name: len(lake.notes(name)) for name in WRITERS}
    until(lambda: all(len(lake.notes(name)) > before[name] + 5 for name in WRITERS), 30)

    lake.portable("migrate", "cutover", "exit.toml")
    lake.stop_clients()
    check_nothing_was_lost(lake, monkeypatch, at_the_target(lake, monkeypatch))


def test_a_writer_that_sleeps_through_the_flip_goes_on_at_the_new_home(lake, monkeypatch):
    for name in WRITERS:
        lake.client("writer", name)
    prepare(lake)
    sleeper = lake.processes[0]
    os.kill(sleeper.pid, signal.SIGSTOP)
    lake.portable("migrate", "cutover", "exit.toml")  # which takes longer than the writer's lease
    os.kill(sleeper.pid, signal.SIGCONT)
    before = len(lake.notes("w0"))
    until(lambda: len(lake.notes("w0")) > before + 20, 60)
    lake.stop_clients()
    check_nothing_was_lost(lake, monkeypatch, at_the_target(lake, monkeypatch))


def test_a_cutover_is_refused_before_everything_is_verified(lake):
    lake.portable("migrate", "plan", "exit.toml")
    lake.portable("migrate", "copy", "exit.toml")
    refused = lake.portable("migrate", "cutover", "exit.toml", status=3)
    assert "portable migrate verify" in refused.stderr
    assert lake.entry()["phase"] == "active"


@pytest.mark.parametrize("lake", [BRIEF], indirect=True, ids=["brief"])
def test_an_etl_job_gives_the_same_result_before_and_after_with_the_same_code(lake):
    container = lake.azurite.client.get_container_client(lake.container)
    for sample in itertools.islice(samples(), 4):
        container.upload_blob(sample.key, sample.data)

    def job():
        job = lake.start(str(EXAMPLES / "etl_job.py"), "portable://lake")
        output, _ = job.communicate(timeout=60)
        lake.processes.remove(job)
        assert job.returncode == 0, output.decode()
        return output.decode()

    before = job()
    prepare(lake)
    lake.portable("migrate", "cutover", "exit.toml")
    assert lake.entry()["home"]["mode"] == "sealed"
    assert "120,000 visits" in before
    assert job() == before


@pytest.mark.parametrize("lake", [BRIEF], indirect=True, ids=["brief"])
def test_after_the_cutover_nothing_is_planned_copied_or_verified_again(lake):
    prepare(lake)
    lake.portable("migrate", "cutover", "exit.toml")
    for command in ("plan", "copy", "verify"):
        refused = lake.portable("migrate", command, "exit.toml", status=3)
        assert "the migration is finished" in refused.stderr
