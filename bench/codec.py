"""The speed of the codec: `python -m bench.codec [--rounds N]`.

Prints tables in Markdown. A ratio is the median over the rounds of what both sides took in one round; exit status 1 where a
target is missed. Nothing is sent anywhere.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.cases import CACHED, FRAME, TURN, WINDOW, Frames, Small, Threads, Whole
from bench.machine import IDLE, description, others
from bench.measure import Run, Series, cpu_ratio, interleaved, peak
from bench.ranges import Count, counted

SMALL = 8 * 1024
LIMIT = 60e-6
"""Seconds of processor time that a small object may take each way."""
MIB = 2**20
_RATIO = "ratio | target | peak memory"
_SCALING = "two threads | one thread | ratio | of the medians | bare AES-GCM, ratio | target, in the cache"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison, as it is printed."""

    what: str
    own: str
    peer: str
    ratio: float
    target: float | None
    peak: int

    @property
    def met(self) -> bool:
        """Whether the target, where there is one, is reached."""
        return self.target is None or self.ratio >= self.target

    def __str__(self) -> str:
        verdict = "" if self.target is None else f">= {self.target:g}: {'met' if self.met else 'MISSED'}"
        return f"| {self.what} | {self.own} | {self.peer} | {self.ratio:.2f} | {verdict} | {self.peak / MIB:.1f} MiB |"


@dataclass(frozen=True, slots=True)
class Scaling:
    """Two threads beside one, by the clock: each thread does the whole work of the one."""

    what: str
    one: Series
    two: Series
    bare_one: Series
    bare_two: Series
    target: float | None

    @property
    def ratio(self) -> float:
        """How many times the work of one thread two do, in the quickest rounds."""
        return 2 * self.one.quickest / self.two.quickest

    @property
    def met(self) -> bool:
        """Whether the target, where there is one, is reached."""
        return self.target is None or self.ratio >= self.target

    def __str__(self) -> str:
        speeds = f"{2 * TURN / self.two.quickest / 1e9:.2f} GB/s | {TURN / self.one.quickest / 1e9:.2f} GB/s"
        ratios = f"{self.ratio:.2f} | {2 * self.one.wall / self.two.wall:.2f}"
        bare = f"{2 * self.bare_one.quickest / self.bare_two.quickest:.2f}"
        verdict = "" if self.target is None else f">= {self.target:g}: {'met' if self.met else 'MISSED'}"
        return f"| {self.what} | {speeds} | {ratios} | {bare} | {verdict} |"


def compared(what: str, run: Run, peer: Run, length: int, target: float | None, rounds: int) -> Row:
    """Compare two runs over `length` bytes by processor time."""
    theirs, own = interleaved([peer, run], rounds)
    return Row(what, _speed(own, length), _speed(theirs, length), cpu_ratio(theirs, own), target, peak(run))


def frames(rounds: int) -> Iterator[Row]:
    """Yield the codec beside the bare cipher."""
    case = Frames()
    yield compared("encrypt, `update_into`", case.encrypt, case.bare_encrypt, WINDOW, 0.9, 4 * rounds)
    yield compared("decrypt, `frames_into`", case.decrypt, case.bare_decrypt, WINDOW, 0.9, 4 * rounds)


def threads(rounds: int) -> Iterator[Scaling]:
    """Yield two threads beside one, and the bare cipher in two threads beside it in one, in the same rounds."""
    for window, target in ((CACHED, 1.8), (WINDOW, None)):
        for what, work, bare in (
            ("encrypt", Frames.encrypt, Frames.bare_encrypt),
            ("decrypt", Frames.decrypt, Frames.bare_decrypt),
        ):
            own, peer = Threads(window, work), Threads(window, bare)
            series = interleaved([own.one, own.two, peer.one, peer.two], 20 * rounds)
            yield Scaling(f"{what}, buffers of {window // MIB} MiB", *series, target)


def whole(rounds: int) -> Iterator[Row]:
    """Yield whole objects in memory beside the public SDK's stream."""
    for length in (8 * MIB, 64 * MIB):
        case, size = Whole(length), f"{length // MIB} MiB"
        for what, run, peer, target in (
            ("encrypt, buffers reused", case.encrypt, case.sdk_encrypt, 5.0),
            ("decrypt, buffers reused", case.decrypt, case.sdk_decrypt, 2.0),
            ("encrypt, fresh memory", case.encrypt_fresh, case.sdk_encrypt, None),
            ("decrypt, fresh memory", case.decrypt_fresh, case.sdk_decrypt, None),
        ):
            yield compared(f"{size}: {what}", run, peer, length, target, rounds)


def small(rounds: int) -> Iterator[tuple[str, Series, Series, float | None]]:
    """Yield small objects beside the public SDK, and the limit in seconds."""
    case = Small(SMALL)
    for what, run, peer, limit in (
        ("encrypt, metadata included", case.encrypt, case.sdk_encrypt, LIMIT),
        ("decrypt", case.decrypt, case.sdk_decrypt, LIMIT),
        ("decrypt, and read the metadata", case.decrypt_described, case.sdk_decrypt, None),
    ):
        theirs, own = interleaved([peer, run], 10 * rounds, times=50)
        yield what, own, theirs, limit


def main() -> int:
    """Run every comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.codec", description="Measure the codec beside its peers.")
    parser.add_argument("--rounds", type=int, default=15, help="how often each comparison is repeated (default: 15)")
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # the SDK's, of its dependencies
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {description()}.\n")
    met = True
    with others() as share:
        met &= _print_rows(
            f"Frames of {FRAME // 1024} KiB, buffers reused", f"portable | bare AES-GCM | {_RATIO}", frames(rounds)
        )
        met &= _print_rows("Two threads, quickest rounds", _SCALING, threads(rounds))
        met &= _print_rows("Whole objects in memory", f"portable | public SDK, stream | {_RATIO}", whole(rounds))
        met &= _print_small(rounds)
        met &= _print_ranges(counted())
    busy = "" if share[0] <= IDLE else ": the machine was not idle, believe the ratios and not the speeds"
    print(f"Others used {share[0]:.0%} of the processors{busy}.")
    return 0 if met else 1


def _print_rows(title: str, columns: str, rows: Iterator[Row] | Iterator[Scaling]) -> bool:
    print(f"{title}\n\n| | {columns} |\n|{'---|' * (2 + columns.count('|'))}")
    met = True
    for row in rows:
        print(row, flush=True)
        met &= row.met
    print()
    return met


def _print_small(rounds: int) -> bool:
    print(f"An object of {SMALL // 1024} KiB in a volume\n")
    print("| | portable, quickest | median | public SDK, median | ratio | target |\n|---|---|---|---|---|---|")
    met = True
    for what, own, theirs, limit in small(rounds):
        reached = limit is None or own.least <= limit
        verdict = "" if limit is None else f"quickest <= {limit * 1e6:g} us: {'met' if reached else 'MISSED'}"
        ratio = cpu_ratio(theirs, own)
        cells = f"{own.least * 1e6:.1f} us", f"{own.cpu * 1e6:.1f} us", f"{theirs.cpu * 1e6:.0f} us", f"{ratio:.1f}"
        print(f"| {what} | {' | '.join(cells)} | {verdict} |")
        met &= reached
    print()
    return met


def _print_ranges(count: Count) -> bool:
    print("Ranges of 64 KiB, aligned and not, in an object of 10 GiB, each a read of its own\n")
    print("| ranges | bytes of the frames they touch | header and final frame | bytes fetched | requests | target |")
    print("|---|---|---|---|---|---|")
    verdict = f"nothing else: {'met' if count.exact else 'MISSED'}"
    print(f"| {count.ranges} | {count.frames:,} | {count.once:,} | {count.fetched:,} | {count.requests} | {verdict} |\n")
    return count.exact


def _speed(series: Series, length: int) -> str:
    return f"{length / series.cpu / 1e9:.2f} GB/s"


if __name__ == "__main__":
    sys.exit(main())
