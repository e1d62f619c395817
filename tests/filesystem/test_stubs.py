"""Objects that only stand for folders: the empty ones that ADLS Gen2 and its writers keep, and those that consoles make."""

import uuid

import fsspec
import pandas as pd
import pyarrow.dataset as ds
import pytest

from portable.backends.memory import MemoryBackend
from portable.filesystem import PortableFileSystem

FRAME = pd.DataFrame({"patient": range(3), "minutes": [20, 25, 41]})
STUBS = ("visits", "visits/2024", "visits/console/")


@pytest.fixture
def lake(own):
    own.add("lake", own.home(f"memory://{uuid.uuid4().hex}", "clear"))
    return filled(fsspec.filesystem("portable"), "lake")


@pytest.fixture
def at_azure(lakes, azurite, container):
    """Lay out the clear volume as a job on ADLS Gen2 leaves it."""
    with azurite.client.get_container_client(container) as client:
        for stub in STUBS:
            client.upload_blob(stub, b"", metadata={"hdi_isfolder": "true"})
    PortableFileSystem.clear_instance_cache()
    return with_data(fsspec.filesystem("portable"), "clear")


def filled(filesystem, name):
    for stub in STUBS:
        filesystem.volume(name).write(stub, b"")
    return with_data(filesystem, name)


def with_data(filesystem, name):
    for key in ("visits/2024/a.parquet", "visits-2023/a.parquet"):
        FRAME.to_parquet(f"portable://{name}/{key}")
    filesystem.pipe(f"{name}/visits/empty", b"")
    return filesystem


@pytest.fixture
def requests(monkeypatch):
    """Note the names of the requests that reach a store in memory."""
    made = []

    def noted(verb, inner):
        def call(*args, **options):
            made.append(verb)
            return inner(*args, **options)

        return call

    for verb in ("get", "stat", "list"):
        monkeypatch.setattr(MemoryBackend, verb, noted(verb, getattr(MemoryBackend, verb)))
    return made


def shapes(entries):
    return [(entry["name"], entry["type"]) for entry in entries]


def check_that_stubs_are_folders(filesystem, name):
    assert filesystem.info(f"{name}/visits") == {"name": f"{name}/visits", "size": 0, "type": "directory"}
    assert (filesystem.isdir(f"{name}/visits/2024"), filesystem.isfile(f"{name}/visits/2024")) == (True, False)
    assert shapes(filesystem.ls(name)) == [(f"{name}/visits", "directory"), (f"{name}/visits-2023", "directory")]
    assert shapes(filesystem.ls(f"{name}/visits")) == [
        (f"{name}/visits/2024", "directory"),
        (f"{name}/visits/console", "directory"),
        (f"{name}/visits/empty", "file"),
    ]
    files = [f"{name}/visits-2023/a.parquet", f"{name}/visits/2024/a.parquet", f"{name}/visits/empty"]
    assert filesystem.find(name) == filesystem.find(name, maxdepth=9) == files
    assert filesystem.find(f"{name}/visits", withdirs=True) == [
        f"{name}/visits",
        f"{name}/visits/2024",
        f"{name}/visits/2024/a.parquet",
        f"{name}/visits/console",
        f"{name}/visits/empty",
    ]
    assert filesystem.glob(f"{name}/visits/**/*.parquet") == [f"{name}/visits/2024/a.parquet"]
    assert [(root, folders, names) for root, folders, names in filesystem.walk(f"{name}/visits/2024")] == [
        (f"{name}/visits/2024", [], ["a.parquet"])
    ]
    filesystem.rm(f"{name}/visits/empty")
    pd.testing.assert_frame_equal(pd.read_parquet(f"portable://{name}/visits"), FRAME)
    assert ds.dataset(f"{name}/visits", filesystem=filesystem).count_rows() == len(FRAME)


def test_stubs_in_memory_are_folders(lake):
    check_that_stubs_are_folders(lake, "lake")


def test_a_dataset_as_adls_gen2_keeps_it_is_read_by_its_folder(at_azure):
    check_that_stubs_are_folders(at_azure, "clear")


def test_what_is_only_empty_is_a_file(lake):
    assert lake.isfile("lake/visits/empty")
    assert lake.info("lake/visits/empty")["size"] == 0
    assert lake.find("lake/visits/empty") == ["lake/visits/empty"]
    assert shapes(lake.ls("lake/visits/empty")) == [("lake/visits/empty", "file")]


def test_what_has_bytes_is_a_file_beside_a_folder_of_its_name(lake):
    lake.pipe("lake/visits", b"x")
    assert lake.isfile("lake/visits")
    assert shapes(lake.ls("lake"))[:2] == [("lake/visits", "directory"), ("lake/visits", "file")]
    assert "lake/visits" in lake.find("lake")


def test_in_a_sealed_volume_what_is_empty_is_a_file(own):
    own.add("lake", own.home(f"memory://{uuid.uuid4().hex}", "sealed"))
    lake = filled(fsspec.filesystem("portable"), "lake")
    assert lake.isfile("lake/visits")
    assert {"lake/visits", "lake/visits/2024", "lake/visits/empty"} < set(lake.find("lake"))


def test_listings_ask_for_nothing_more_and_a_description_once_where_nothing_is_stored(lake, requests):
    def asked(look):
        requests.clear()
        look()
        return list(requests)

    assert asked(lambda: lake.find("lake")) == ["list"]
    assert asked(lambda: lake.ls("lake/visits")) == ["list"]
    described = asked(lambda: lake.info("lake/visits/2024/a.parquet"))
    assert "list" not in described
    assert asked(lambda: lake.info("lake/visits")) == [*described, "list"]


def test_copies_and_removals_take_stubs_for_folders(lake, own, tmp_path):
    own.add("sealed", own.home(f"memory://{uuid.uuid4().hex}", "sealed"))
    lake.get("lake/visits", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out" / "2024" / "a.parquet").is_file()
    lake.copy("lake/visits", "sealed/visits", recursive=True)
    assert lake.find("sealed") == ["sealed/visits/2024/a.parquet", "sealed/visits/empty"]
    with pytest.raises(FileNotFoundError, match="it is a folder"):
        lake.rm("lake/visits")
    lake.rm("lake/visits", recursive=True)
    assert [info.key for info in lake.volume("lake").list()] == ["visits-2023/a.parquet"]
