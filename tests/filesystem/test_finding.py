"""How programs come by the filesystem: by URL, configuration, chain, path object, pickle."""

import gc
import json
import pickle
import subprocess
import sys
import threading
import uuid

import fsspec
import fsspec.config
import pytest
from fsspec.registry import available_protocols
from upath import UPath

import portable.filesystem.sharing
from portable.filesystem import PortableFileSystem
from portable.filesystem.paths import PortablePath
from tests.filesystem.catalogs import PASSPHRASE, Catalog


@pytest.fixture
def lake(own, tmp_path):
    """Make `portable://lake`, in a folder so that other processes find it, with an object in it."""
    (tmp_path / "store").mkdir()
    own.add("lake", own.home((tmp_path / "store").as_uri(), "sealed"))
    filesystem = fsspec.filesystem("portable")
    filesystem.pipe("lake/dir/a.txt", b"one\ntwo\n")
    return filesystem


def test_fsspec_knows_the_protocol(lake):
    assert "portable" in available_protocols()
    assert fsspec.get_filesystem_class("portable") is PortableFileSystem
    assert fsspec.filesystem("portable") is lake
    found, path = fsspec.core.url_to_fs("portable://lake/dir/a.txt")
    assert (found, path) == (lake, "lake/dir/a.txt")
    assert lake.unstrip_protocol("lake/dir/a.txt") == "portable://lake/dir/a.txt"


def test_the_configuration_of_fsspec_names_a_catalog(lake, own, tmp_path, monkeypatch):
    other = Catalog(tmp_path / "other")
    other.add("pond", other.home(f"memory://{uuid.uuid4().hex}", "clear"))
    monkeypatch.setitem(fsspec.config.conf, "portable", other.options)
    assert fsspec.filesystem("portable").ls("", detail=False) == ["pond"]
    with fsspec.open("portable://pond/a", "wb") as file:
        file.write(b"x")
    assert fsspec.filesystem("portable", catalog=own.options["catalog"]).ls("", detail=False) == ["lake"]


def test_a_store_in_memory_is_one_for_the_whole_process(own, tmp_path):
    name = uuid.uuid4().hex
    own.add("lake", own.home(f"memory://{name}/below", "sealed"))
    fsspec.filesystem("portable").pipe("lake/a", b"x")
    own.add("again", own.home(f"memory://{name}/below", "sealed"))
    assert PortableFileSystem(skip_instance_cache=True, patience=5).cat("again/a") == b"x"


@pytest.mark.filterwarnings("ignore:unclosed file <_io.BufferedRandom:ResourceWarning")  # blockcache never closes its copy
@pytest.mark.parametrize("cache", ["simplecache", "filecache", "blockcache"])
def test_chained_caches_keep_copies(lake, tmp_path, cache):
    lake.pipe("lake/big", bytes(range(256)) * 40_000)
    for _ in range(2):
        with fsspec.open(f"{cache}::portable://lake/big", **{cache: {"cache_storage": str(tmp_path / "cache")}}) as file:
            file.seek(5_000_000)
            assert file.read(300) == (bytes(range(256)) * 2)[64:364]
    gc.collect()


def test_a_cache_that_checks_sees_that_an_object_changed(lake, tmp_path):
    options = {"filecache": {"cache_storage": str(tmp_path / "cache"), "check_files": True}}
    for data in (b"before", b"after"):
        lake.pipe("lake/a", data)
        with fsspec.open("filecache::portable://lake/a", **options) as file:
            assert file.read() == data


def test_dir_filesystem_and_generic_copies(lake, tmp_path):
    below = fsspec.filesystem("dir", path="lake/dir", fs=lake)
    assert below.cat("a.txt") == b"one\ntwo\n"
    below.pipe("b.txt", b"x")
    assert lake.cat("lake/dir/b.txt") == b"x"


def test_path_objects_work_as_paths_do(lake):
    path = UPath("portable://lake/dir/a.txt")
    assert type(path) is PortablePath
    assert (path.name, path.suffix, str(path.parent)) == ("a.txt", ".txt", "portable://lake/dir")
    assert path.read_text() == "one\ntwo\n"
    assert (path.is_file(), path.parent.is_dir(), path.stat().st_size) == (True, True, 8)
    assert list(UPath("portable://lake").rglob("*.txt")) == [path]
    new = path.parent / "new" / "b.txt"
    new.parent.mkdir()
    new.write_bytes(b"x")
    with pytest.raises(FileExistsError):
        new.parent.mkdir()
    with pytest.raises(FileExistsError):
        new.mkdir(exist_ok=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(FileExistsError):
        new.touch(exist_ok=False)
    new.touch()
    moved = new.rename(new.with_name("c.txt"))
    assert [entry.name for entry in moved.parent.iterdir()] == ["c.txt"]
    assert pickle.loads(pickle.dumps(moved)).read_bytes() == b"x"  # noqa: S301 - our own bytes
    moved.unlink()
    assert not moved.exists()


def test_threads_share_what_is_open(lake):
    found = []
    thread = threading.Thread(target=lambda: found.append(fsspec.filesystem("portable")))
    thread.start()
    thread.join()
    assert found[0] is not lake
    assert found[0].volume("lake") is lake.volume("lake")
    assert portable.filesystem.sharing.SHARED.open("lake", lake._settings) is lake.volume("lake")


def test_nothing_that_is_kept_or_sent_holds_a_secret(lake, own):
    lake.cat("lake/dir/a.txt")
    options = PortableFileSystem(**own.options, patience=3)
    opened = fsspec.open("portable://lake/dir/a.txt")
    for filesystem in (lake, options):
        texts = [
            filesystem.to_json(),
            json.dumps(filesystem.to_dict()),
            repr(filesystem),
            repr(vars(filesystem)),
            str(filesystem.storage_options),
        ]
        texts += [pickle.dumps(filesystem).decode("latin1"), pickle.dumps(opened).decode("latin1")]
        for secret in own.secrets:
            assert not [text for text in texts if secret in text]
        for made in (
            PortableFileSystem.from_json(filesystem.to_json()),
            PortableFileSystem.from_dict(filesystem.to_dict()),
            pickle.loads(pickle.dumps(filesystem)),  # noqa: S301 - our own bytes
        ):
            assert made == filesystem
    with pickle.loads(pickle.dumps(opened)) as file:  # noqa: S301 - our own bytes
        assert file.read() == b"one\ntwo\n"


def test_an_open_file_of_a_named_cache_is_pickled_by_reference(lake):
    with lake.open("lake/dir/a.txt", cache_type="bytes") as file:
        file.read(4)
        pickled = pickle.dumps(file)
    assert PASSPHRASE.encode() not in pickled
    with pickle.loads(pickled) as file:  # noqa: S301 - our own bytes
        assert file.read() == b"two\n"


def test_another_process_gets_the_same_from_a_pickle(lake, own):
    source = "import pickle, sys; sys.stdout.buffer.write(pickle.load(sys.stdin.buffer).cat('lake/dir/a.txt'))"
    done = subprocess.run([sys.executable, "-c", source], input=pickle.dumps(lake), capture_output=True, timeout=120)
    assert done.stdout == b"one\ntwo\n", done.stderr
