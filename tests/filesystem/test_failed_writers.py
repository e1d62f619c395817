"""Files that are never closed, or closed while their writer fails: nothing of them is visible, and what stood there stands."""

import gc
import uuid
import warnings

import fsspec
import pandas as pd
import pytest

from portable.errors import Denied
from portable.filesystem.writing import Compressed, Deferred, Discarding
from tests.filesystem.catalogs import KINDS

NOTHING = "nothing was written"


@pytest.fixture(params=KINDS)
def lake(own, request):
    own.add("lake", own.home(f"memory://{uuid.uuid4().hex}", request.param))
    lake = fsspec.filesystem("portable")
    lake.pipe("lake/a", b"before")
    return lake


class Broken:
    """What no writer can write."""

    def __str__(self):
        raise ZeroDivisionError


class Full:
    """A file that takes nothing more."""

    closed = False
    discarded = False

    def writable(self):
        return True

    def readable(self):
        return False

    seekable = readable

    def write(self, _):
        raise Denied("full")

    def flush(self):
        pass

    def close(self):
        pytest.fail("what failed must not be committed")

    def discard(self):
        self.discarded = self.closed = True


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("key", ["a", "new"])
def test_a_block_of_fsspec_open_that_an_exception_leaves_writes_nothing(lake, key, mode, options):
    def write():
        with fsspec.open(f"portable://lake/{key}", mode, **options) as file:
            file.write("half" if mode == "w" else b"half")
            file.write(1 // 0)

    with pytest.raises(ZeroDivisionError), pytest.warns(RuntimeWarning, match=NOTHING):
        write()
    assert lake.find("lake") == ["lake/a"]
    assert lake.cat("lake/a") == b"before"


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_frame_that_pandas_cannot_write_to_its_end_writes_nothing(lake, compression):
    frame = pd.DataFrame({"n": [*range(20_000), Broken()]})
    with pytest.raises(ZeroDivisionError), pytest.warns(RuntimeWarning, match=NOTHING):
        frame.to_csv("portable://lake/a", compression=compression)
    with pytest.raises(ZeroDivisionError), pytest.warns(RuntimeWarning, match=NOTHING):
        frame.to_csv("portable://lake/new", compression=compression)
    assert lake.find("lake") == ["lake/a"]
    assert lake.cat("lake/a") == b"before"


def test_what_is_written_while_an_older_exception_is_handled_is_written(lake):
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        with fsspec.open("portable://lake/a", "w") as file:
            file.write("the report of it")
    assert lake.cat("lake/a") == b"the report of it"


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"compression": "bz2"}, {"compression": "xz"}])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_file_that_nobody_closes_is_not_written_and_a_warning_says_so(lake, mode, options):
    def forget():
        file = lake.open("lake/a", mode, **options)
        file.write("half" if mode == "w" else b"half")
        del file
        gc.collect()

    with pytest.warns(ResourceWarning, match=NOTHING) as told:
        forget()
    assert len([each for each in told if NOTHING in str(each.message)]) == 1
    assert lake.cat("lake/a") == b"before"


def test_what_was_closed_or_never_written_to_is_no_reason_to_warn(lake):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with lake.open("lake/b", "w") as file:
            file.write("whole")
        del file
        lake.open("lake/c", "w")
        with pytest.raises(LookupError):
            lake.open("lake/d", "w", encoding="no such encoding")
        gc.collect()
    assert lake.find("lake") == ["lake/a", "lake/b"]


@pytest.mark.parametrize("close", [Discarding.close, lambda file: file.__exit__(None, None, None)])
def test_text_whose_last_piece_cannot_be_given_on_is_dropped(close):
    full = Full()
    file = Discarding(full)
    file.write("text")
    with pytest.raises(Denied):
        close(file)
    assert full.discarded
    assert file.closed


def test_compressed_bytes_whose_end_cannot_be_given_on_are_dropped():
    class Codec:
        def close(self):
            raise Denied("full")

    for end, raises in ((Compressed.close, True), (Compressed.discard, False)):
        full = Full()
        file = Compressed(full, Codec())
        if raises:
            with pytest.raises(Denied):
                end(file)
        else:
            end(file)
        assert full.discarded
        assert file.closed


@pytest.mark.parametrize(
    "opened", [lambda lake: lake.open, lambda _: lambda path, mode: fsspec.open(f"portable://{path}", mode)]
)
@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.filterwarnings("ignore:.*nothing was written:RuntimeWarning")
def test_a_file_of_a_transaction_whose_writer_fails_is_not_shown_with_the_others(lake, mode, opened):
    def write():
        with opened(lake)("lake/a", mode) as file:
            file.write("half" if mode == "w" else b"half")
            file.write(1 // 0)

    with lake.transaction:
        with pytest.raises(ZeroDivisionError):
            write()
        with lake.open("lake/b", mode) as file:
            file.write("whole" if mode == "w" else b"whole")
    assert lake.cat(["lake/a", "lake/b"]) == {"lake/a": b"before", "lake/b": b"whole"}


def test_a_discarded_file_of_a_transaction_is_closed(lake):
    file = Deferred(lake.volume("lake").create("a"))
    file.write(b"half")
    file.discard()
    assert file.closed
    file.commit()
    assert lake.cat("lake/a") == b"before"
