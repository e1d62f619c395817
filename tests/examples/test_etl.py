"""Each example of examples/etl, run as its users run it, against an encrypted volume at a real S3 server.

What it wrote is read by the volume itself and parsed from memory, so neither fsspec nor the library's own way of reading is
believed. What the host holds is searched for what was written.
"""

import csv
import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from fsspec.core import url_to_fs

from examples.etl import with_delta
from tests.examples.lakes import Lake

URL = "portable://lake"
DEPARTMENTS = ("cardiology", "emergency", "imaging", "oncology")
PANDAS_OF_DASK = "The inplace keyword in DataFrame:DeprecationWarning"
"""pandas 3.1 deprecates a keyword that Dask 2026.8 still uses."""


@pytest.fixture(scope="module")
def visits(lake: Lake) -> pa.Table:
    return pq.read_table(pa.BufferReader(lake.volume.read("visits.parquet")))


@pytest.fixture(scope="module")
def minutes_by_region(lake: Lake, visits: pa.Table) -> dict[str, float]:
    """The mean minutes of December's visits by the patient's region, in plain Python."""
    regions = {
        int(row["patient"]): row["region"] for row in csv.DictReader(lake.volume.read("patients.csv").decode().splitlines())
    }
    found: dict[str, list[int]] = {}
    for row in visits.filter(pc.field("month") == 12).select(["patient", "minutes"]).to_pylist():
        found.setdefault(regions[row["patient"]], []).append(row["minutes"])
    return {region: round(sum(minutes) / len(minutes), 2) for region, minutes in found.items()}


def parquet(data: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(data))


def by_region(table: pa.Table) -> dict[str, float]:
    return {row["region"]: row["minutes"] for row in table.to_pylist()}


def test_pandas(lake: Lake, minutes_by_region: dict[str, float]) -> None:
    lake.run("examples.etl.with_pandas", URL)
    written = lake.contents("pandas/")
    assert by_region(parquet(written["pandas/regions.parquet"])) == minutes_by_region
    rows = csv.DictReader(written["pandas/regions.csv"].decode().splitlines())
    assert {row["region"]: float(row["minutes"]) for row in rows} == minutes_by_region
    lines = gzip.decompress(written["pandas/regions.jsonl.gz"]).splitlines()
    assert {row["region"]: row["minutes"] for row in map(json.loads, lines)} == minutes_by_region
    lake.assert_sealed("pandas/", b"Bretagne", b"Occitanie", b"minutes")


def test_pyarrow(lake: Lake, visits: pa.Table) -> None:
    said = lake.run("examples.etl.with_pyarrow", URL)
    for department in DEPARTMENTS:
        of_folder = parquet(lake.volume.read(f"pyarrow/visits/department={department}/part-0.parquet"))
        assert of_folder.equals(visits.filter(pc.field("department") == department).drop_columns("department"))
    summer = visits.filter((pc.field("department") == "emergency") & pc.field("month").isin([7, 8]))
    march = visits.filter(pc.field("month") == 3)
    assert said.splitlines() == [
        f"{len(summer):,} emergencies in summer, {pc.mean(summer['minutes']).as_py():.2f} minutes each",
        "60,000 rows in 12 row groups",
        f"{pc.count_distinct(march['patient']).as_py():,} patients in March",
    ]
    lake.assert_sealed("pyarrow/", b"patient", b"minutes", visits["note"][0].as_py().encode())


def test_polars(lake: Lake, minutes_by_region: dict[str, float]) -> None:
    lake.run("examples.etl.with_polars", URL)
    assert by_region(parquet(lake.volume.read("polars/regions.parquet"))) == pytest.approx(minutes_by_region, abs=0.01)
    lake.assert_sealed("polars/", b"Bretagne", b"minutes")


def test_duckdb(lake: Lake, visits: pa.Table, minutes_by_region: dict[str, float]) -> None:
    said = lake.run("examples.etl.with_duckdb", URL)
    assert by_region(parquet(lake.volume.read("duckdb/regions.parquet"))) == pytest.approx(minutes_by_region, abs=0.01)
    written = lake.contents("duckdb/visits/")
    for department in DEPARTMENTS:
        of_folder = [parquet(data) for key, data in written.items() if f"/department={department}/" in key]
        expected = visits.filter(pc.field("department") == department).select(["month", "minutes"])
        order = [("month", "ascending"), ("minutes", "ascending")]
        assert pa.concat_tables(of_folder).sort_by(order).equals(expected.sort_by(order))
    assert re.search(rf"\b{len(visits.filter(pc.field('department') == 'imaging'))}\b", said)
    lake.assert_sealed("duckdb/", b"Bretagne", b"minutes")


def test_dask(lake: Lake, visits: pa.Table) -> None:
    said = lake.run("examples.etl.with_dask", URL, ignore=(PANDAS_OF_DASK,))
    total = pc.sum(visits["minutes"]).as_py()
    assert said.splitlines() == [f"{name}: 12 partitions, {total:,} minutes" for name in ("threads", "cluster")]
    order = [("month", "ascending"), ("department", "ascending")]
    expected = visits.group_by(["month", "department"]).aggregate([("minutes", "sum")]).sort_by(order)["minutes_sum"]
    for name in ("threads", "cluster"):
        written = lake.contents(f"dask/{name}/")
        assert len(written) == 2
        found = pa.concat_tables([parquet(data) for data in written.values()], promote_options="permissive").sort_by(order)
        assert found["minutes"].to_pylist() == expected.to_pylist()
    lake.assert_sealed("dask/", b"imaging", b"minutes")


def test_xarray_and_zarr(lake: Lake, tmp_path: Path) -> None:
    import zarr

    said = lake.run("examples.etl.with_xarray", URL)
    # The objects as files: what Zarr reads from a local folder is what it wrote.
    for key, data in lake.contents("zarr/").items():
        file = tmp_path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    beds = zarr.open_array(str(tmp_path / "zarr/beds.zarr/beds"), mode="r")[:]
    scans = zarr.open_array(str(tmp_path / "zarr/scans.zarr"), mode="r")[:]
    assert (beds.shape, scans.shape) == ((366, 50), (64, 256, 256))
    assert scans[:8].any(axis=(1, 2)).all()
    assert not scans[8:].any()
    assert said.splitlines() == [
        f"{beds[60:91].mean():.2f} beds taken in March",
        f"scan 3: (256, 256), {scans[3].max()} at most",
    ]
    lake.assert_sealed("zarr/", b"zarr_format", b"fill_value")


def test_iceberg(lake: Lake, tmp_path: Path) -> None:
    said = lake.run("examples.etl.with_iceberg", URL, f"sqlite:///{tmp_path}/tables.db")
    assert said.splitlines() == ["4 visits now, 3 in the first version", "oncology: 95 minutes"]
    written = lake.contents("warehouse/clinic/visits/")
    rows = [row for key, data in written.items() if key.endswith(".parquet") for row in parquet(data).to_pylist()]
    # January, February, and January again without the visit that was deleted.
    assert sorted(row["minutes"] for row in rows) == [25, 25, 40, 45, 50, 50, 90]
    newest = max(key for key in written if key.endswith(".metadata.json"))
    metadata = json.loads(written[newest])
    assert metadata["location"] == "portable://lake/warehouse/clinic/visits"
    assert len(metadata["snapshots"]) == 3
    lake.assert_sealed("warehouse/", b"portable://lake/warehouse", b"current-snapshot-id", b"department", b"imaging")


def test_delta(lake: Lake, tmp_path: Path) -> None:
    said = lake.run("examples.etl.with_delta", URL)
    for key, data in lake.contents("delta/visits/").items():
        file = tmp_path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    table = DeltaTable(tmp_path / "delta" / "visits")
    assert table.version() == 1
    minutes = table.to_pyarrow_dataset().to_table()["minutes"].to_pylist()
    assert sorted(minutes) == [25, 25, 40, 50, 50, 80]
    assert said.count("'minutes'") == 3
    lake.assert_sealed("delta/", b"minReaderVersion", b"patient")


def test_of_two_delta_writers_at_once_one_is_refused_and_nothing_of_it_shows(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTABLE_PASSPHRASE", lake.environment["PORTABLE_PASSPHRASE"])
    filesystem, table = url_to_fs(f"{URL}/delta/raced", catalog=lake.fresh_catalog())

    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    with_delta.append(filesystem, table, pa.table({"patient": [1]}), folder("first"))

    class Overtaken:
        """The filesystem of a writer that another one overtakes when it has read the log and not yet written."""

        def __getattr__(self, name: str) -> object:
            return getattr(filesystem, name)

        def put_file(self, *arguments: str, **options: str) -> None:
            if not (tmp_path / "faster").exists():
                with_delta.append(filesystem, table, pa.table({"patient": [2]}), folder("faster"))
            filesystem.put_file(*arguments, **options)

    with pytest.raises(FileExistsError):
        with_delta.append(Overtaken(), table, pa.table({"patient": [3]}), folder("slower"))
    rows = with_delta.open_table(filesystem, table, folder("reader")).to_table()
    assert sorted(rows["patient"].to_pylist()) == [1, 2]


def test_universal_pathlib(lake: Lake) -> None:
    said = lake.run("examples.etl.with_upath", URL)
    assert said.splitlines() == [
        "2024.txt 31 bytes: Patient suivi régulièrement.",
        "2025.txt 18 bytes: Rien à signaler.",
    ]
    assert lake.contents("upath/") == {"upath/notes/2024.txt": "Patient suivi régulièrement.\n".encode()}
    lake.assert_sealed("upath/", b"Patient suivi")
