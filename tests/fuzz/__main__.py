"""Run targets under atheris, one process for each: `python -m tests.fuzz [--runs N] [--seconds S] [TARGET...]`.

Prints a table: executions, how many of them got past the first check, and findings. What was learned is kept in `.tools/fuzz`,
so that the next run goes on from there; a finding lies there too, and `python -m tests.fuzz.one TARGET FILE` runs it again.
Exit status: 0 without a finding, 1 with one, 2 for wrong usage.
"""

import argparse
import subprocess
import sys

from tests.fuzz import TARGETS
from tests.fuzz.one import FOLDER, Tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=TARGETS, help=f"some of {', '.join(TARGETS)}; all where none is named")
    parser.add_argument("--runs", type=int, default=100_000, help="executions of each target, at most")
    parser.add_argument("--seconds", type=int, default=3600, help="seconds for each target, at most")
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _say(f"{'target':<10} {'executions':>11} {'past the first check':>21} {'findings':>9}")
    findings = 0
    for target in chosen.targets:
        command = [sys.executable, "-m", "tests.fuzz.one", target, "--runs", str(chosen.runs), "--seconds", str(chosen.seconds)]
        with (FOLDER / f"{target}.log").open("wb") as log:
            status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
        tally = Tally.read(target)
        found = int(status != 0)
        findings += found
        _say(f"{target:<10} {tally.executions:>11,} {tally.past:>14,} ({tally.rate:4.0%}) {found:>9}")
        if found:
            _say(f"           see {FOLDER / target}.log")
    return 1 if findings else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
