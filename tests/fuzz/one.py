"""One target in this process: under atheris, or `python -m tests.fuzz.one TARGET FILE...` once for each file, without it."""

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

FOLDER: Final = Path(__file__).resolve().parents[2] / ".tools" / "fuzz"
ADDRESS_SPACE: Final = 2 << 30
"""Bytes: a target that asks for more gets a MemoryError, which is a finding."""
LONGEST_INPUT: Final = 1024
SLOWEST: Final = 60
"""Seconds of wall clock for one execution, so that a machine that stalls is no finding; a longer one is."""
_EVERY: Final = 4096


@dataclass(slots=True)
class Tally:
    """What a run of a target has come to."""

    target: str
    first_check: str = ""
    executions: int = 0
    past: int = 0

    @property
    def rate(self) -> float:
        return self.past / self.executions if self.executions else 0.0

    def write(self) -> None:
        (FOLDER / f"{self.target}.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, target: str) -> Self:
        try:
            return cls(**json.loads((FOLDER / f"{target}.json").read_text()))
        except FileNotFoundError:
            return cls(target)


def counted(run: Callable[[bytes], bool], tally: Tally, runs: int, seconds: int) -> Callable[[bytes], None]:
    """Return `run` with its answers counted; at the end of the time or the runs it ends the process."""
    until = time.monotonic() + seconds

    def one(data: bytes) -> None:
        tally.executions += 1
        try:
            tally.past += run(data)
        except BaseException:
            tally.write()
            raise
        if tally.executions >= runs or (tally.executions % _EVERY == 0 and time.monotonic() > until):
            tally.write()
            sys.stderr.flush()
            os._exit(0)  # the fuzzer has no way to be told to stop

    return one


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.one")
    parser.add_argument("target")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=3600)
    chosen = parser.parse_args()
    if chosen.files:
        target = importlib.import_module(f"tests.fuzz.{chosen.target}")
        for file in chosen.files:
            past = target.run(file.read_bytes())
            sys.stdout.write(f"{file}: {'past' if past else 'refused by'} the first check ({target.FIRST_CHECK})\n")
        return
    _fuzz(chosen.target, chosen.runs, chosen.seconds)


def _fuzz(name: str, runs: int, seconds: int) -> None:
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore] # no types; installed by `make fuzz` alone

    with atheris.instrument_imports(include=["portable", "tests.format.independent"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{index}").write_bytes(seed)
    tally = Tally(name, target.FIRST_CHECK)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    options = [f"-artifact_prefix={corpus}/finding-", f"-max_len={LONGEST_INPUT}", f"-timeout={SLOWEST}", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], counted(target.run, tally, runs, seconds))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
