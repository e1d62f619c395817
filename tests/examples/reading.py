"""What each library asks of the host to read the sample table: whole, two of its columns, and these for one month of twelve.

    python -m tests.examples.reading

measures it and writes it into the page.
"""

import math
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dask.dataframe as dd
import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from fsspec.parquet import open_parquet_file

from tests.examples.lakes import CHECKOUT, Lake, Traffic, open_lake
from tests.servers import SeaweedFS

URL, PATH = "portable://lake/visits.parquet", "lake/visits.parquet"
COLUMNS = ["patient", "minutes"]
ROWS = {"whole": 60_000, "columns": 60_000, "month": 5_000}
PAGE = CHECKOUT / "docs" / "guides" / "etl" / "README.md"
LINE = re.compile(r"^\| `(?P<reader>[^|]+)` \| (?P<whole>[^|]+) \| (?P<columns>[^|]+) \| (?P<month>[^|]+) \|$", re.MULTILINE)


def _pandas(what: str) -> int:
    return len(pd.read_parquet(URL, columns=_columns(what), filters=[("month", "==", 12)] if what == "month" else None))


def _pyarrow(what: str) -> int:
    return _dataset().to_table(columns=_columns(what), filter=ds.field("month") == 12 if what == "month" else None).num_rows


def _pyarrow_file(what: str) -> int:
    with pq.ParquetFile(PATH, filesystem=fsspec.filesystem("portable")) as file:
        return (file.read_row_group(11, columns=COLUMNS) if what == "month" else file.read(columns=_columns(what))).num_rows


def _open_parquet_file(what: str) -> int:
    row_groups = [11] if what == "month" else None
    with open_parquet_file(URL, columns=_columns(what), row_groups=row_groups, engine="pyarrow") as file:
        parquet = pq.ParquetFile(file)
        return parquet.read_row_groups(row_groups or range(12), columns=_columns(what)).num_rows


def _polars(what: str) -> int:
    visits = pl.scan_pyarrow_dataset(_dataset())
    rows = visits.filter(pl.col("month") == 12) if what == "month" else visits
    return rows.select(_columns(what) or pl.all()).collect().height


def _polars_file(what: str) -> int:
    with fsspec.open(URL) as file:
        visits = pl.scan_parquet(file)
        rows = visits.filter(pl.col("month") == 12) if what == "month" else visits
        return rows.select(_columns(what) or pl.all()).collect().height


def _duckdb(what: str) -> int:
    with duckdb.connect() as connection:
        connection.register_filesystem(fsspec.filesystem("portable"))
        columns, where = ", ".join(_columns(what) or "*"), "WHERE month = 12" if what == "month" else ""
        return len(connection.sql(f"SELECT {columns} FROM read_parquet('{URL}') {where}").fetchall())  # noqa: S608 - constants


def _dask(what: str) -> int:
    filters = [("month", "==", 12)] if what == "month" else None
    return len(dd.read_parquet(URL, columns=_columns(what), filters=filters, split_row_groups=True).compute())


def _columns(what: str) -> list[str] | None:
    return None if what == "whole" else COLUMNS


def _dataset() -> ds.Dataset:
    return ds.dataset(PATH, filesystem=fsspec.filesystem("portable"))


READERS: dict[str, Callable[[str], int]] = {
    "pandas.read_parquet(url)": _pandas,
    "pyarrow.dataset.dataset(path, filesystem)": _pyarrow,
    "pyarrow.parquet.ParquetFile(path, filesystem)": _pyarrow_file,
    "fsspec.parquet.open_parquet_file(url)": _open_parquet_file,
    "polars.scan_pyarrow_dataset(dataset)": _polars,
    "polars.scan_parquet(file)": _polars_file,
    "SELECT ... FROM read_parquet(url)": _duckdb,
    "dask.dataframe.read_parquet(url)": _dask,
}


@dataclass(frozen=True)
class Cost:
    """Requests, and tenths of a megabyte that they ask for."""

    requests: int
    tenths: int

    def __str__(self) -> str:
        return f"{self.requests} for {self.tenths / 10} MB"

    @classmethod
    def parse(cls, text: str) -> "Cost":
        """Read what `str` gives."""
        requests, megabytes = re.fullmatch(r"(\d+) for (\d+\.\d) MB", text.strip()).groups()
        return cls(int(requests), round(float(megabytes) * 10))

    def covers(self, other: "Cost") -> bool:
        """Tell whether another measurement is no worse, or by what threads that read one file at once may ask for more."""
        return other.requests <= self.requests * 1.3 + 1 and other.tenths <= self.tenths * 1.3 + 1

    @classmethod
    def of(cls, traffic: Traffic) -> "Cost":
        """Round up."""
        return cls(traffic.requests, math.ceil(traffic.asked / 100_000))


def measure(lake: Lake, reader: str, what: str) -> Cost:
    """Read with a client to which nothing is known yet, and return what it asked for."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in {**lake.environment, "PORTABLE_CATALOG": lake.fresh_catalog()}.items():
            environ.setenv(name, value)
        fsspec.get_filesystem_class("portable").clear_instance_cache()
        with lake.traffic() as recorded:
            rows = READERS[reader](what)
    assert rows == ROWS[what], (reader, what, rows)
    return Cost.of(recorded[0])


def _most(lake: Lake, reader: str, what: str) -> Cost:
    costs = [measure(lake, reader, what) for _ in range(3)]
    return Cost(max(cost.requests for cost in costs), max(cost.tenths for cost in costs))


def documented() -> dict[str, dict[str, Cost]]:
    """Return what the page says, by reader and what it reads."""
    return {found["reader"]: {what: Cost.parse(found[what]) for what in ROWS} for found in LINE.finditer(PAGE.read_text())}


def main() -> None:
    """Write what is measured into the page."""
    with SeaweedFS() as server, tempfile.TemporaryDirectory() as folder, open_lake(server, Path(folder)) as lake:
        lake.run("examples.etl.visits", "portable://lake")
        lines = [f"| `{reader}` | {' | '.join(str(_most(lake, reader, what)) for what in ROWS)} |" for reader in READERS]
    head, _, tail = PAGE.read_text().partition("<!-- measured -->\n")
    _, end, rest = tail.partition("<!-- end -->\n")
    PAGE.write_text("\n".join([f"{head}<!-- measured -->", *HEAD, *lines, f"{end}{rest}"]))


HEAD = ("| Read by | all of it | two columns | two columns of one month |", "|---|---|---|---|")

if __name__ == "__main__":
    main()
