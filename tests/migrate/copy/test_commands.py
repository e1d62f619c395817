"""`portable migrate copy` and `portable migrate verify` as an operator runs them."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.journal import read_totals
from tests.migrate.copy.commands import Commands
from tests.servers import Azurite, SeaweedFS


@pytest.fixture
def commands(tmp_path: Path, azurite: Azurite, container: str, seaweedfs: SeaweedFS, bucket: str) -> Commands:
    return Commands(tmp_path, azurite, container, seaweedfs, bucket)


@pytest.fixture
def upload(azurite: Azurite, container: str) -> Callable[[int], None]:
    """Put a number of small objects into the source."""

    def upload(count: int) -> None:
        with azurite.client.get_container_client(container) as client:
            for number in range(count):
                client.upload_blob(f"objects/{number:04}", f"content {number}".encode() * 40)

    return upload


def test_copying_without_a_plan_is_refused(commands: Commands) -> None:
    status, _, err = commands.run("copy")
    assert status == 3
    assert "portable migrate plan" in err


def test_a_migration_is_planned_copied_and_verified(commands: Commands, upload: Callable[[int], None]) -> None:
    upload(20)
    assert commands.run("plan")[0] == 0

    status, out, err = commands.run("copy")
    assert (status, err) == (0, "")
    assert "inventory" in out

    status, copied = commands.facts("copy")
    assert (status, copied["all_copied"], copied["all_verified"], copied["failures"]) == (0, True, False, [])
    assert copied["states"]["copied"]["objects"] == copied["inventory"]["objects"] == 20

    status, verified = commands.facts("verify")
    assert (status, verified["all_verified"], verified["findings"], verified["extra"]) == (0, True, [], 0)
    assert "All 20 copies are equal" in commands.run("verify")[1]


def test_what_differs_is_named_and_the_exit_status_says_so(commands: Commands, upload: Callable[[int], None]) -> None:
    upload(5)
    commands.run("plan")
    s3, bucket = commands.seaweedfs.client, commands.bucket
    s3.put_object(Bucket=bucket, Key="objects/0001", Body=b"somebody else's")

    status, copied = commands.facts("copy")
    assert status == 1
    assert [failure["key"] for failure in copied["failures"]] == ["objects/0001"]
    status, out, _ = commands.run("copy")
    assert status == 1
    assert "failed: 'objects/0001': at the target: it holds an object that this migration did not write" in out

    status, verified = commands.facts("verify")
    assert status == 1
    assert [(finding["key"], finding["problem"]) for finding in verified["findings"]] == [("objects/0001", "extra")]
    status, out, _ = commands.run("verify")
    assert status == 1
    assert "extra: 'objects/0001'" in out


def test_a_credential_that_may_only_read_ends_the_copy_at_once(
    commands: Commands, upload: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(60)
    commands.run("plan")
    reader = commands.seaweedfs.reader_env("TARGET_")
    monkeypatch.setattr(commands.seaweedfs, "env", lambda _prefix: reader)
    status, _, err = commands.run("copy", "--workers", "2")
    assert status == 1
    assert "the target seems to refuse every object" in err
    totals = read_totals(commands.journal)
    assert totals.reconciled
    assert totals.by_state["pending"].objects > 0
    assert totals.by_state["copied"].objects == 0


def test_an_interrupt_keeps_the_receipts_and_exits_with_130(commands: Commands, upload: Callable[[int], None]) -> None:
    upload(300)
    commands.run("plan")
    with commands.start("copy", "--workers", "1") as process:
        while read_totals(commands.journal).by_state["copied"].objects == 0:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    totals = read_totals(commands.journal)
    assert totals.reconciled
    assert 0 < totals.by_state["copied"].objects < 300
    requests = commands.seaweedfs.requests()
    written = {
        request.key for request in requests if request.bucket == commands.bucket and request.method == "PUT" and request.key
    }
    assert 0 <= len(written) - totals.by_state["copied"].objects <= 4, "at most what was on its way into the journal is unknown"
    assert commands.run("copy")[0] == 0
