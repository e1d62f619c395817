"""What fsspec's users do with a filesystem, over volumes in memory."""

import io
import uuid

import fsspec
import pytest
from fsspec.callbacks import Callback

from portable import errors
from tests.filesystem.catalogs import KINDS


@pytest.fixture(params=KINDS)
def lake(own, request):
    own.add("lake", own.home(f"memory://{uuid.uuid4().hex}", request.param))
    return fsspec.filesystem("portable")


@pytest.fixture
def tree(lake):
    lake.pipe(
        {
            f"lake/{key}": key.encode()
            for key in ("top.csv", "a/1.csv", "a/2.txt", "a/deep/3.csv", "a/deep/er/4.csv", "ab/5.csv")
        }
    )
    return lake


class Told(Callback):
    """Remembers what it was told."""

    def __init__(self):
        super().__init__()
        self.values = []

    def call(self, *_, **__):
        self.values.append(self.value)


def test_find_descends_as_far_as_it_is_told(tree):
    assert tree.find("lake/a") == ["lake/a/1.csv", "lake/a/2.txt", "lake/a/deep/3.csv", "lake/a/deep/er/4.csv"]
    assert tree.find("lake/a", maxdepth=1) == ["lake/a/1.csv", "lake/a/2.txt"]
    assert tree.find("lake/a", maxdepth=2, withdirs=True) == [
        "lake/a",
        "lake/a/1.csv",
        "lake/a/2.txt",
        "lake/a/deep",
        "lake/a/deep/3.csv",
        "lake/a/deep/er",
    ]
    assert tree.find("lake/a/deep", withdirs=True) == [
        "lake/a/deep",
        "lake/a/deep/3.csv",
        "lake/a/deep/er",
        "lake/a/deep/er/4.csv",
    ]
    assert tree.find("lake/top.csv", detail=True)["lake/top.csv"]["size"] == 7
    assert tree.find("") == sorted(
        f"lake/{key}" for key in ("top.csv", "a/1.csv", "a/2.txt", "a/deep/3.csv", "a/deep/er/4.csv", "ab/5.csv")
    )
    assert tree.find("lake/nothing") == []
    with pytest.raises(ValueError, match="at least 1"):
        tree.find("lake", maxdepth=0)


@pytest.mark.parametrize(
    "options", [{}, {"maxdepth": 1}, {"maxdepth": 2}, {"withdirs": True}, {"maxdepth": 2, "withdirs": True}]
)
@pytest.mark.parametrize("path", ["lake", "lake/a", "lake/a/deep", "lake/a/1.csv", "lake/none"])
def test_find_is_what_the_memory_filesystem_finds(tree, path, options):
    memory = fsspec.filesystem("memory", skip_instance_cache=True)
    memory.store, memory.pseudo_dirs = {}, [""]
    for found in tree.find("lake"):
        memory.pipe(f"/{found}", b"x")
    assert [f"/{found}" for found in tree.find(path, **options)] == memory.find(f"/{path}", **options)


def test_globs(tree):
    assert tree.glob("lake/*.csv") == ["lake/top.csv"]
    assert tree.glob("lake/a*/*.csv") == ["lake/a/1.csv", "lake/ab/5.csv"]
    assert tree.glob("lake/**/*.csv") == [
        "lake/a/1.csv",
        "lake/a/deep/3.csv",
        "lake/a/deep/er/4.csv",
        "lake/ab/5.csv",
        "lake/top.csv",
    ]
    assert tree.glob("lake/a/[12].*") == ["lake/a/1.csv", "lake/a/2.txt"]
    assert tree.glob("l*/a/") == ["lake/a"]
    assert tree.glob("lake/none*") == []


def test_walk_du_and_the_facts_of_objects(tree):
    walked = list(tree.walk("lake/a"))
    assert walked == [
        ("lake/a", ["deep"], ["1.csv", "2.txt"]),
        ("lake/a/deep", ["er"], ["3.csv"]),
        ("lake/a/deep/er", [], ["4.csv"]),
    ]
    assert tree.du("lake/a") == sum(len(key) for key in ("a/1.csv", "a/2.txt", "a/deep/3.csv", "a/deep/er/4.csv"))
    assert tree.du("lake/a", total=False, maxdepth=1) == {"lake/a/1.csv": 7, "lake/a/2.txt": 7}
    assert tree.sizes(["lake/top.csv", "lake/a/1.csv"]) == [7, 7]
    assert tree.info("lake/a") == {"name": "lake/a", "size": 0, "type": "directory"}
    assert tree.info("lake/top.csv") == tree.ls("lake/top.csv")[0]
    assert tree.modified("lake/top.csv").tzinfo is not None
    assert tree.modified("lake/top.csv") == tree.created("lake/top.csv")
    with pytest.raises(FileNotFoundError):
        tree.modified("lake/a")


def test_an_object_that_changed_has_another_checksum_and_key(tree):
    before = tree.ukey("lake/top.csv"), tree.checksum("lake/top.csv")
    assert before == (tree.ukey("lake/top.csv"), tree.checksum("lake/top.csv"))
    tree.pipe("lake/top.csv", b"TOP.CSV")
    assert tree.ukey("lake/top.csv") != before[0]
    assert tree.checksum("lake/top.csv") != before[1]


def test_many_objects_and_many_ranges_are_read_by_one_call(tree):
    paths = ["lake/a/1.csv", "lake/a/2.txt"]
    assert tree.cat(paths) == {"lake/a/1.csv": b"a/1.csv", "lake/a/2.txt": b"a/2.txt"}
    assert tree.cat("lake/a/*.csv") == {"lake/a/1.csv": b"a/1.csv"}
    assert set(tree.cat("lake/a", recursive=True)) == set(tree.find("lake/a"))
    found = tree.cat([*paths, "lake/none"], on_error="return")
    assert isinstance(found["lake/none"], FileNotFoundError)
    assert list(tree.cat([*paths, "lake/none"], on_error="omit")) == paths
    with pytest.raises(FileNotFoundError):
        tree.cat([*paths, "lake/none"])
    wanted = [paths[0], paths[0], paths[1], paths[1], paths[1]]
    starts, ends = [0, 2, -3, None, 1], [1, None, None, -4, -1]
    assert tree.cat_ranges(wanted, starts, ends) == [b"a", b"1.csv", b"txt", b"a/2", b"/2.tx"]
    assert tree.cat_ranges(wanted[:2], 1, 3, max_gap=5) == [b"/1", b"/1"]
    answers = tree.cat_ranges([paths[0], "lake/none", "sea/none"], 0, 1)
    assert answers[0] == b"a"
    assert [type(answer) for answer in answers[1:]] == [errors.NotFound, errors.NotFound]
    with pytest.raises(FileNotFoundError):
        tree.cat_ranges(["lake/none"], 0, 1, on_error="raise")
    with pytest.raises(TypeError):
        tree.cat_ranges("lake/none", 0, 1)
    with pytest.raises(ValueError, match="as many"):
        tree.cat_ranges(paths, [0], [1])


def test_local_files_go_in_and_out_in_pieces_that_a_callback_hears_of(lake, tmp_path):
    data = bytes(range(256)) * 100_000
    (tmp_path / "in").write_bytes(data)
    up, down = Told(), Told()
    lake.put_file(tmp_path / "in", "lake/a", callback=up)
    lake.get_file("lake/a", str(tmp_path / "new" / "out"), callback=down)
    assert (tmp_path / "new" / "out").read_bytes() == data
    for told in (up, down):
        assert told.size == told.value == len(data)
        assert len(told.values) > 2
    kept = io.BytesIO()
    lake.get_file("lake/a", kept)
    assert kept.getvalue() == data
    with pytest.raises(FileExistsError):
        lake.put_file(tmp_path / "in", "lake/a", mode="create")


def test_a_copy_that_fails_leaves_the_local_file_as_it_was(lake, tmp_path):
    (tmp_path / "out").write_bytes(b"before")
    lake.pipe("lake/a", b"x" * 100)
    with pytest.raises(ZeroDivisionError):
        lake.get_file("lake/a", tmp_path / "out", callback=Callback(hooks={"now": lambda *_: 1 // 0}))
    assert (tmp_path / "out").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_removing_and_moving(tree):
    tree.rm("lake/a/deep", recursive=True)
    assert tree.find("lake/a") == ["lake/a/1.csv", "lake/a/2.txt"]
    with pytest.raises(FileNotFoundError, match="folder"):
        tree.rm("lake/a")
    with pytest.raises(FileNotFoundError):
        tree.rm("lake/none", recursive=True)
    with pytest.raises(OSError, match="name a volume"):
        tree.rm("portable://", recursive=True)
    tree.rm(["lake/a/1.csv", "lake/ab/*"])
    assert tree.find("lake") == ["lake/a/2.txt", "lake/top.csv"]
    tree.mv("lake/a", "lake/b", recursive=True)
    assert tree.find("lake") == ["lake/b/2.txt", "lake/top.csv"]
    with pytest.raises(OSError, match="into itself"):
        tree.mv("lake/b", "lake/b/c", recursive=True)
    tree.mv("portable://lake/top.csv", "lake/top.csv")
    assert tree.cat("lake/top.csv") == b"top.csv"
    tree.rm("lake", recursive=True)
    assert tree.find("lake") == []


def test_objects_that_stand_for_folders_are_folders(lake):
    """As consoles and other programs leave them: empty, with a key that ends in a slash."""
    volume = lake.volume("lake")
    volume.write("made/", b"")
    volume.write("dir/sub/", b"")
    volume.write("dir/a", b"x")
    assert [(entry["name"], entry["type"]) for entry in lake.ls("lake")] == [
        ("lake/dir", "directory"),
        ("lake/made", "directory"),
    ]
    assert lake.isdir("lake/made")
    assert lake.ls("lake/made") == []
    assert lake.find("lake") == ["lake/dir/a"]
    assert lake.find("lake", withdirs=True) == ["lake", "lake/dir", "lake/dir/a", "lake/dir/sub", "lake/made"]
    lake.rm("lake/made", recursive=True)
    assert not lake.exists("lake/made")


def test_text_modes_and_compression(lake):
    with lake.open("lake/a.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("région\n")
    assert lake.read_text("lake/a.txt", encoding="utf-8") == "région\n"
    lake.write_text("lake/b.txt.gz", "x" * 1000, compression="infer")
    assert lake.info("lake/b.txt.gz")["size"] < 100
    with fsspec.open("portable://lake/b.txt.gz", "rt", compression="infer") as file:
        assert file.read() == "x" * 1000
    with fsspec.open("portable://lake/c.gz", "wb", compression="gzip") as file:
        file.write(b"y" * 1000)
    with lake.open("lake/c.gz", compression="gzip") as file:
        assert file.read() == b"y" * 1000
    with pytest.raises(FileExistsError):
        lake.open("lake/a.txt", "x")


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_what_an_exception_interrupts_is_not_written(lake, mode, options):
    def write(data):
        with lake.open("lake/a", mode, **options) as file:
            file.write(data)
            file.write(1 // 0)

    with pytest.raises(ZeroDivisionError):
        write("x" * 10 if mode == "w" else b"x" * 10)
    assert not lake.exists("lake/a")


def test_a_transaction_shows_all_of_its_files_at_its_end_or_none(lake):
    with lake.transaction:
        for name in "ab":
            with lake.open(f"lake/{name}", "wb") as file:
                file.write(name.encode())
        assert lake.find("lake") == []
    assert lake.cat(["lake/a", "lake/b"]) == {"lake/a": b"a", "lake/b": b"b"}

    def fail():
        with lake.transaction:
            lake.open("lake/c", "wb").close()
            assert 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not lake.exists("lake/c")


@pytest.mark.parametrize("cache", [None, "none", "bytes", "readahead", "blockcache", "all", "first", "background"])
def test_files_read_the_same_behind_each_of_fsspec_s_caches(lake, cache):
    data = bytes(range(251)) * 4000
    lake.pipe("lake/a", data)
    with lake.open("lake/a", cache_type=cache, block_size=100_000, cache_options={}) as file:
        assert file.size == len(data)
        assert file.read(10) == data[:10]
        file.seek(-10, 2)
        assert file.read() == data[-10:]
        file.seek(500_000)
        assert file.read(1000) == data[500_000:501_000]
    with pytest.raises(errors.ConfigurationError, match="has no cache 'best'"):
        lake.open("lake/a", cache_type="best")


def test_blocks_lines_heads_and_tails(lake):
    lake.pipe("lake/a", b"one\ntwo\nthree\n")
    assert lake.read_block("lake/a", 2, 5, delimiter=b"\n") == b"two\n"
    assert (lake.head("lake/a", 3), lake.tail("lake/a", 3)) == (b"one", b"ee\n")
    assert list(lake.open("lake/a")) == [b"one\n", b"two\n", b"three\n"]


def test_touch_empties_and_changes_no_time(lake):
    lake.touch("lake/a")
    assert lake.cat("lake/a") == b""
    with pytest.raises(io.UnsupportedOperation):
        lake.touch("lake/a", truncate=False)
    lake.pipe("lake/a", b"x")
    lake.touch("lake/a")
    assert lake.size("lake/a") == 0


def test_a_mapper_is_a_dictionary_of_objects(lake):
    mapper = lake.get_mapper("lake/m")
    mapper["a/b"] = b"1"
    assert dict(mapper) == {"a/b": b"1"}
    assert mapper.getitems(["a/b", "none"], on_error="omit") == {"a/b": b"1"}
    del mapper["a/b"]
    with pytest.raises(KeyError):
        mapper["a/b"]
