"""The speed of ETL code: `python -m bench.etl [--rounds N] [--quick]`.

Reads, lists and writes through `portable://`, encrypted, beside s3fs, pyarrow and boto3 in clear: at the same server on this
machine, and again over a link to it with a latency. Prints tables in Markdown. A ratio is the median over the rounds of what
the client took, over what s3fs took in the same round.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.etl_clients import BLOCK, Amount, Place
from bench.etl_lake import Lake
from bench.etl_work import Taken, taken
from bench.link import link
from bench.machine import IDLE, description, others
from tests.servers import SeaweedFS

BASE: Final = "s3fs"
"""Whom ratios are to."""
ROUND_TRIP: Final = 0.020
"""Seconds of the link."""
MIB: Final = 2**20
FULL: Final = Amount(rows=3_125_000, listed=50_000, written=128 * BLOCK, small=2_000)
QUICK: Final = Amount(rows=20_000, listed=40, written=2 * BLOCK, small=20)
PACKAGES: Final = ("s3fs", "fsspec", "pyarrow", "pandas", "boto3", "aiobotocore")
_COLUMNS: Final = "| | client | clock | to s3fs | processor | to s3fs | peak memory |"
_EVERY: Final = ("portable", "s3fs", "pyarrow")


@dataclass(frozen=True, slots=True)
class Job:
    """What is done, and by whom."""

    name: str
    what: str
    clients: Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """What one client took for one job, in every round, beside s3fs."""

    what: str
    client: str
    own: Sequence[Taken]
    base: Sequence[Taken]

    def __str__(self) -> str:
        clock, processor = ([getattr(each.sample, kind) for each in self.own] for kind in ("wall", "cpu"))
        peak = statistics.median(each.peak for each in self.own) / MIB
        cells = [
            self.what,
            self.client,
            _seconds(statistics.median(clock)),
            f"{self.ratio('wall'):.2f}",
            _seconds(statistics.median(processor)),
            f"{self.ratio('cpu'):.2f}",
            f"{peak:.0f} MiB",
        ]
        return f"| {' | '.join(cells)} |"

    def ratio(self, kind: str) -> float:
        """Return the median of the rounds' ratios, of time on the clock (`wall`) or of the processor (`cpu`)."""
        pairs = zip(self.own, self.base, strict=True)
        return statistics.median(getattr(own.sample, kind) / getattr(base.sample, kind) for own, base in pairs)


def jobs(place: Place) -> Iterator[Job]:
    """Yield what is measured, in words with its amounts."""
    amount = place.amount
    size = f"{amount.rows * 20 * 8 / 1e6:,.0f} MB"
    yield Job("columns", f"3 of 20 columns of Parquet of {size}", _EVERY)
    yield Job("columns_best", "the same, `open_parquet_file`", ("portable", "s3fs"))
    yield Job("scan", f"scan of Parquet of {size}", _EVERY)
    yield Job("list", f"list {amount.listed:,} objects", (*_EVERY, "boto3"))
    yield Job("write", f"write {amount.written / 1e9:.2f} GB", _EVERY)
    yield Job("open_each", f"open and read {place.one_by_one:,} objects of 8 KiB, one by one", _EVERY)
    yield Job("open_best", f"read {amount.small:,} objects of 8 KiB, many at once", _EVERY)


def measure(lake: Lake, amount: Amount, rounds: int, only: Sequence[str]) -> None:
    """Run every job, directly and over the link, and print it."""
    clear, sealed = (lake.filled(amount, sealed=sealed) for sealed in (False, True))
    places = (
        ("Directly", nullcontext(lake.server.endpoint), amount.small),
        (f"Over a link of {ROUND_TRIP * 1000:.0f} ms", link(lake.server.endpoint, ROUND_TRIP), max(1, amount.small // 10)),
    )
    for title, reached, one_by_one in places:
        print(f"### {title}\n\n{_COLUMNS}\n|{'---|' * (_COLUMNS.count('|') - 1)}", flush=True)
        with reached as endpoint:
            place = Place(endpoint, clear, lake.enter(sealed, endpoint), lake.environment, amount, one_by_one)
            for job in jobs(place):
                if not only or job.name in only:
                    print(*rows(job, _measured(lake, job, place, rounds)), sep="\n", flush=True)
        print()


def rows(job: Job, measured: Mapping[str, Sequence[Taken]]) -> Iterator[Row]:
    """Yield each client's row."""
    for client, own in measured.items():
        yield Row(job.what, client, own, measured[BASE])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every job and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.etl", description="Measure what ETL code does, beside s3fs.")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is done (default: 3)")
    parser.add_argument("--quick", action="store_true", help="little of everything: tells that it works, and no speeds")
    parser.add_argument(
        "--only", action="append", default=[], metavar="JOB", help="this job only, such as `list`; may be repeated"
    )
    given = parser.parse_args(arguments)
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {description()}, {packages}.\n")
    with others() as share, tempfile.TemporaryDirectory(prefix="bench-") as folder, SeaweedFS() as server:
        lake = Lake(server, Path(folder))
        os.environ.update(lake.environment)
        amount = QUICK if given.quick else FULL
        if given.only and "list" not in given.only:
            amount = replace(amount, listed=0)
        measure(lake, amount, given.rounds, given.only)
    busy = "" if share[0] <= IDLE else ": the machine was not idle, believe the ratios and not the speeds"
    print(f"Others, the server among them, used {share[0]:.0%} of the processors{busy}.")
    return 0


def _measured(lake: Lake, job: Job, place: Place, rounds: int) -> dict[str, list[Taken]]:
    """Do a job in every client, in turn, round after round."""
    take = partial(_written if job.name == "write" else _read, lake, job.name, place)
    table = [[take(client) for client in job.clients] for _ in range(rounds)]
    return dict(zip(job.clients, map(list, zip(*table, strict=True)), strict=True))


def _read(_: Lake, job: str, place: Place, client: str) -> Taken:
    return taken(client, job, place)


def _written(lake: Lake, job: str, place: Place, client: str) -> Taken:
    """Write into a bucket of its own, which is removed: servers keep the room of objects that are deleted for a while."""
    bucket = lake.server.make_bucket()
    fresh = replace(place, bucket=bucket, volume=lake.enter(bucket, place.endpoint))
    try:
        return taken(client, job, fresh)
    finally:
        lake.server.remove_bucket(bucket)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
