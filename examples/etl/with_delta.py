"""Delta Lake: `deltalake` does not take the URL, because its I/O is its own. Its log locally, the table in the volume.

python -m examples.etl.with_delta portable://lake
"""

import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, write_deltalake
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from pyarrow.fs import FSSpecHandler, PyFileSystem, SubTreeFileSystem


def log_of(filesystem: AbstractFileSystem, table: str, local: Path) -> Path:
    """Fetch the table's log, which is small, and none of its data."""
    if filesystem.isdir(f"{table}/_delta_log"):
        filesystem.get(f"{table}/_delta_log/", f"{local}/_delta_log/", recursive=True)
    return local


def open_table(filesystem: AbstractFileSystem, table: str, local: Path) -> ds.Dataset:
    """Open the newest version: files and row groups that a filter rules out are not read."""
    data = SubTreeFileSystem(table, PyFileSystem(FSSpecHandler(filesystem)))
    return DeltaTable(log_of(filesystem, table, local)).to_pyarrow_dataset(filesystem=data)


def append(filesystem: AbstractFileSystem, table: str, rows: pa.Table, local: Path) -> None:
    """Append rows: data first, then the log's next entry, which is created only if nobody else has created it meanwhile."""
    known = {path for path in log_of(filesystem, table, local).rglob("*") if path.is_file()}
    write_deltalake(local, rows, mode="append")
    new = sorted({path for path in local.rglob("*") if path.is_file()} - known, key=lambda path: "_delta_log" in path.parts)
    for path in new:
        # FileExistsError at the log's entry: another writer was first. Nothing shows; append again, in an empty folder.
        filesystem.put_file(str(path), f"{table}/{path.relative_to(local).as_posix()}", mode="create")


def main(url: str) -> None:
    filesystem, lake = url_to_fs(url)
    table = f"{lake}/delta/visits"
    for number in (1, 2):
        rows = pa.table({"patient": [number, 4, 9], "minutes": [25, 50, 40 * number]})
        with tempfile.TemporaryDirectory() as folder:
            append(filesystem, table, rows, Path(folder))

    with tempfile.TemporaryDirectory() as folder:
        long = open_table(filesystem, table, Path(folder)).to_table(filter=ds.field("minutes") > 45)
    print(long.sort_by("minutes").to_pylist())


if __name__ == "__main__":
    main(sys.argv[1])
