"""Time, processor time and memory of calls that are compared with each other.

What is compared is run in turn, round after round, so that a machine that slows down slows both sides; a ratio is the median
of the ratios of the rounds.
"""

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

Run = Callable[[], object]

_PROCESS: Final = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds on the clock, and seconds of processor time (user and system) of this process and its children."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Series:
    """The rounds of one run."""

    samples: tuple[Sample, ...]

    @property
    def wall(self) -> float:
        """Median seconds on the clock."""
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        """Median seconds of processor time."""
        return statistics.median(sample.cpu for sample in self.samples)

    @property
    def quickest(self) -> float:
        """Seconds on the clock of the quickest round."""
        return min(sample.wall for sample in self.samples)

    @property
    def least(self) -> float:
        """Seconds of processor time of the quickest round, which the rest of the machine disturbed least."""
        return min(sample.cpu for sample in self.samples)


def beyond(series: Series, other: Series) -> Series:
    """Return what the rounds took beyond the medians of other ones."""
    return Series(tuple(Sample(sample.wall - other.wall, sample.cpu - other.cpu) for sample in series.samples))


def interleaved(runs: Sequence[Run], rounds: int, times: int = 1) -> list[Series]:
    """Run each of `runs` `times` times in a row, all in turn, `rounds` times over; a sample is one round."""
    for run in runs:
        run()
    return in_turn([partial(sample, run, times) for run in runs], rounds)


def in_turn(takes: Sequence[Callable[[], Sample]], rounds: int) -> list[Series]:
    """Take a sample of each in turn, `rounds` times over, there and back: each finds the machine as the last one left it."""
    columns: list[list[Sample]] = [[] for _ in takes]
    for number in range(rounds):
        for take, column in list(zip(takes, columns, strict=True))[:: -1 if number % 2 else 1]:
            column.append(take())
    return [Series(tuple(column)) for column in columns]


def cpu_ratio(peer: Series, own: Series) -> float:
    """Return how many times the processor time of `own` that of `peer` is."""
    return statistics.median(a.cpu / b.cpu for a, b in zip(peer.samples, own.samples, strict=True))


def peak(run: Run) -> int:
    """Return how many bytes the process's resident memory rose at most while `run` ran."""
    (_PROCESS / "clear_refs").write_text("5")
    before = _resident("VmRSS")
    run()
    return max(0, _resident("VmHWM") - before)


def sample(run: Run, times: int) -> Sample:
    """Run `times` times in a row, and return what one run took."""
    wall, cpu = time.perf_counter(), processor_time()
    for _ in range(times):
        run()
    return Sample((time.perf_counter() - wall) / times, (processor_time() - cpu) / times)


def processor_time() -> float:
    """Seconds of processor time, user and system, of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _resident(field: str) -> int:
    for line in (_PROCESS / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")
