"""Processes that end while they write: nothing becomes visible, and what they left is found and can be dropped."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.cli.running import run
from tests.servers import Azurite, SeaweedFS

BEGIN = """
import dataclasses, os, sys, time
import portable
volume = portable.open_volume(sys.argv[1], credentials=sys.argv[2])
if not sys.argv[1].startswith("file:"):
    volume.backend.capabilities = dataclasses.replace(volume.backend.capabilities, part_size=1 << 20)
file = volume.create("a/k", attributes=portable.Attributes(), parallel=2)
file.write(bytes(volume.backend.capabilities.part_size * 13 // 4))
"""
"""Writes three parts of a file, and a quarter: at least one is at the host then, because two are on their way at most."""


def start(script: str, url: str, credentials: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BEGIN + script, url, credentials]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.wait(), out, err


@pytest.fixture(params=["s3", "az", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Return the URL of an empty store, and what names its credentials."""
    if request.param == "file":
        yield f"file://{tmp_path}", "default"
        return
    server: SeaweedFS | Azurite = request.getfixturevalue({"s3": "seaweedfs", "az": "azurite"}[request.param])
    for name, value in server.env("W_").items():
        monkeypatch.setenv(name, value)
    yield f"{request.param}://{request.getfixturevalue({'s3': 'bucket', 'az': 'container'}[request.param])}/lake", "env:W_"


def listed(capsys: pytest.CaptureFixture[str], url: str, credentials: str, *options: str) -> list[tuple[str, str]]:
    capsys.readouterr()
    run(["gc", url, "--credentials", credentials, "--older-than", "0", "--json", *options])
    return [(found["key"], found["state"]) for found in json.loads(capsys.readouterr().out)]


def test_a_writer_that_is_killed_shows_nothing_and_leaves_an_upload_that_gc_aborts(
    place: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    url, credentials = place
    backend = open_backend(Location(url, credentials=credentials))
    process = start("print('written', flush=True); time.sleep(60)", *place)
    assert process.stdout is not None
    said = process.stdout.readline()
    process.kill()
    _, _, err = ended(process)
    assert said == "written\n", err
    assert not list(backend.list())
    assert [upload.key for upload in backend.unfinished()] == ["a/k"]
    assert listed(capsys, url, credentials) == [("a/k", "old")]
    # Azure has no request that drops blocks: it does so itself, after a week.
    assert listed(capsys, url, credentials, "--abort") == [("a/k", "still there" if url.startswith("az") else "aborted")]
    backend.close()


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "del file"], ids=["the end", "an exit", "a destructor"])
def test_a_process_that_ends_without_closing_its_file_commits_nothing_and_aborts_the_upload(
    tmp_path: Path, ending: str
) -> None:
    status, _, err = ended(start(ending, f"file://{tmp_path}", "default"))
    assert (status, err) == (0, "")
    backend = open_backend(Location(f"file://{tmp_path}"))
    assert not list(backend.list())
    assert not list(backend.unfinished())


def test_an_exception_that_ends_a_process_commits_nothing(tmp_path: Path) -> None:
    status, _, err = ended(start("raise RuntimeError('no')", f"file://{tmp_path}", "default"))
    assert status == 1
    assert err.endswith("RuntimeError: no\n")
    backend = open_backend(Location(f"file://{tmp_path}"))
    assert not list(backend.list())
    assert not list(backend.unfinished())


FORK = """
if child := os.fork():
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    file.write(b"the end")
    file.close()
    assert volume.read("a/k").endswith(b"the end")
    print(file.info.size - volume.backend.capabilities.part_size * 13 // 4)
else:
    try:
        file.write(b"of the child")
    except portable.errors.ForkedProcess:
        file.discard()
        sys.exit(3)
"""


def test_a_forked_child_neither_writes_to_the_file_of_its_parent_nor_ends_it(tmp_path: Path) -> None:
    status, out, err = ended(start("import portable.errors, warnings\n" + FORK, f"file://{tmp_path}", "default"))
    assert (status, out) == (0, f"{len('the end')}\n"), err
