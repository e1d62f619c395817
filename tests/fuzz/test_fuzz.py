"""The targets of the fuzzer, for a moment, under Hypothesis; and whether they look behind the first check."""

import importlib
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import TARGETS, one

ROOT = Path(__file__).resolve().parents[2]
EXECUTIONS = 200


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{request.param}")


@pytest.mark.parametrize("name", TARGETS)
def test_every_edit_is_answered_or_refused(name: str) -> None:
    target = importlib.import_module(f"tests.fuzz.{name}")

    @settings(max_examples=EXECUTIONS, deadline=None)
    @given(st.binary(max_size=120))
    def answered(data: bytes) -> None:
        assert target.run(data) in {True, False}

    answered()


def test_what_is_not_edited_passes_the_first_check(target: ModuleType) -> None:
    assert target.run(b"")


def test_three_of_ten_random_edits_get_past_the_first_check(target: ModuleType) -> None:
    source = random.Random(20310102)
    passed = sum(target.run(source.randbytes(source.randrange(80))) for _ in range(EXECUTIONS))
    assert 0.3 * EXECUTIONS <= passed < EXECUTIONS


def test_a_finding_can_be_run_again_without_the_fuzzer(tmp_path: Path) -> None:
    (tmp_path / "finding").write_bytes(b"")
    command = [sys.executable, "-m", "tests.fuzz.one", "names", str(tmp_path / "finding")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "every segment's SIV" in done.stdout


def test_what_a_run_came_to_is_kept_even_where_it_ends_in_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "FOLDER", tmp_path)
    tally = one.Tally("some")

    def run(data: bytes) -> bool:
        if data == b"finding":
            raise ZeroDivisionError
        return data == b"past"

    execute = one.counted(run, tally, runs=100, seconds=100)
    for data in (b"past", b"", b""):
        execute(data)
    with pytest.raises(ZeroDivisionError):
        execute(b"finding")
    kept = one.Tally.read("some")
    assert (kept.executions, kept.past, kept.rate) == (4, 1, 0.25)
