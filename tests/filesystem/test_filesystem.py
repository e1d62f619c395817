"""`portable://` through fsspec, pandas and pyarrow, over an encrypted volume at S3 and a clear one at Azure."""

from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from portable.filesystem import PortableFileSystem

VOLUMES = pytest.mark.parametrize("volume", ["sealed", "clear"])


@pytest.fixture
def frame():
    return pd.DataFrame({"patient": range(5000), "region": ["Corse", "Île-de-France"] * 2500, "minutes": 1.5})


@pytest.fixture
def filesystem(lakes):
    PortableFileSystem.clear_instance_cache()
    return fsspec.filesystem("portable")


@VOLUMES
def test_pandas_writes_and_reads_parquet_and_csv(filesystem, frame, volume):
    frame.to_parquet(f"portable://{volume}/a/visits.parquet")
    frame.to_csv(f"portable://{volume}/a/visits.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_parquet(f"portable://{volume}/a/visits.parquet"), frame)
    pd.testing.assert_frame_equal(pd.read_csv(f"portable://{volume}/a/visits.csv"), frame)


@VOLUMES
def test_pyarrow_writes_and_reads_a_partitioned_dataset(filesystem, frame, volume):
    table = pa.Table.from_pandas(frame)
    pq.write_to_dataset(table, f"{volume}/visits", partition_cols=["region"], filesystem=filesystem)
    read = ds.dataset(f"{volume}/visits", filesystem=filesystem, partitioning="hive")
    corse = read.to_table(columns=["patient"], filter=ds.field("region") == "Corse")
    assert sorted(corse["patient"].to_pylist()) == list(range(0, 5000, 2))


@VOLUMES
def test_files_are_visible_when_closed_and_not_when_their_writer_fails(filesystem, volume):
    with fsspec.open(f"portable://{volume}/a.txt", "wb") as stream:
        stream.write(b"whole")
        assert not filesystem.exists(f"{volume}/a.txt")
    assert filesystem.cat(f"{volume}/a.txt") == b"whole"
    with pytest.raises(ZeroDivisionError), filesystem.open(f"{volume}/b.txt", "wb") as stream:
        stream.write(bytes(1 // len(b"")))
    assert not filesystem.exists(f"{volume}/b.txt")


@VOLUMES
def test_exclusive_create_and_no_append(filesystem, volume):
    with filesystem.open(f"{volume}/x", "xb") as stream:
        stream.write(b"1")
    with pytest.raises(FileExistsError):
        filesystem.open(f"{volume}/x", "xb")
    first, second = (filesystem.open(f"{volume}/y", "xb") for _ in range(2))
    first.close()
    with pytest.raises(FileExistsError):
        second.close()
    with pytest.raises(OSError, match="written whole"):
        filesystem.open(f"{volume}/x", "ab")
    assert filesystem.cat(f"{volume}/x") == b"1"


@VOLUMES
def test_listing_shows_files_with_plaintext_sizes_and_folders_once(filesystem, volume):
    for key in ("top.txt", "dir/a", "dir/b", "dir/deep/c"):
        filesystem.pipe(f"{volume}/{key}", b"12345")
    assert filesystem.ls(volume, detail=False) == [f"{volume}/dir", f"{volume}/top.txt"]
    assert [(entry["name"], entry["type"], entry["size"]) for entry in filesystem.ls(f"{volume}/dir")] == [
        (f"{volume}/dir/a", "file", 5),
        (f"{volume}/dir/b", "file", 5),
        (f"{volume}/dir/deep", "directory", 0),
    ]
    assert filesystem.find(volume) == [f"{volume}/{key}" for key in ("dir/a", "dir/b", "dir/deep/c", "top.txt")]
    assert filesystem.glob(f"{volume}/dir/*") == [f"{volume}/dir/a", f"{volume}/dir/b", f"{volume}/dir/deep"]
    assert filesystem.isdir(f"{volume}/dir")
    assert not filesystem.exists(f"{volume}/di")


@VOLUMES
def test_ranges_copies_moves_and_removals(filesystem, tmp_path: Path, volume):
    filesystem.pipe(f"{volume}/a", b"0123456789")
    assert filesystem.cat_file(f"{volume}/a", 2, 5) == b"234"
    assert filesystem.cat_file(f"{volume}/a", -3) == b"789"
    filesystem.copy(f"{volume}/a", f"{volume}/copy")
    filesystem.mv(f"{volume}/copy", f"{volume}/moved")
    assert not filesystem.exists(f"{volume}/copy")
    filesystem.get(f"{volume}/moved", str(tmp_path / "local"))
    assert (tmp_path / "local").read_bytes() == b"0123456789"
    filesystem.put(str(tmp_path / "local"), f"{volume}/again")
    filesystem.rm(f"{volume}/moved")
    with pytest.raises(FileNotFoundError):
        filesystem.cat(f"{volume}/moved")
    assert filesystem.cat(f"{volume}/again") == b"0123456789"


def test_volumes_of_the_catalog_are_the_top_of_the_tree(filesystem):
    assert filesystem.ls("", detail=False) == ["clear", "sealed"]
    with pytest.raises(FileNotFoundError, match="it has: clear, sealed"):
        filesystem.ls("nothing")


def test_a_copy_between_volumes_is_encrypted_on_its_way(filesystem, lakes, seaweedfs, bucket):
    filesystem.pipe("clear/a.txt", b"plain at the old host")
    filesystem.copy("clear/a.txt", "sealed/a.txt")
    raw = seaweedfs.client.get_object(Bucket=bucket, Key="root/a.txt")["Body"].read()
    assert b"plain" not in raw
    assert filesystem.cat("sealed/a.txt") == b"plain at the old host"
