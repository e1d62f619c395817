"""What pyiceberg asks of a FileIO, of ours, at a real S3 server."""

import contextlib
import pickle
from pathlib import Path

import pytest
from pyiceberg.io import FileIO, InputStream, OutputStream, load_file_io

from portable.errors import AlreadyExists, ConfigurationError, Denied
from portable.iceberg import PortableFileIO
from tests.examples.lakes import Lake

LOCATION = "portable://lake/tables/t/metadata/00000.metadata.json"
KEY = LOCATION.removeprefix("portable://lake/")


@pytest.fixture
def io(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> FileIO:
    monkeypatch.setenv("PORTABLE_PASSPHRASE", lake.environment["PORTABLE_PASSPHRASE"])
    for info in list(lake.volume.list("tables/")):
        lake.volume.delete(info.key)
    properties = {"py-io-impl": "portable.iceberg.PortableFileIO", "portable.catalog": str(lake.fresh_catalog())}
    return load_file_io(properties, LOCATION)


def write(io: FileIO, data: bytes, *, overwrite: bool = False) -> None:
    with io.new_output(LOCATION).create(overwrite=overwrite) as stream:
        stream.write(data)


def test_pyiceberg_finds_it_by_the_property(io: FileIO) -> None:
    assert type(io) is PortableFileIO


def test_streams_are_what_pyiceberg_says_they_are(io: FileIO) -> None:
    stream = io.new_output(LOCATION).create()
    assert isinstance(stream, OutputStream)
    stream.write(b"0123456789")
    assert stream.tell() == 10
    stream.close()
    with io.new_input(LOCATION).open() as found:
        assert isinstance(found, InputStream)
        assert (found.seek(4), found.read(3), found.tell()) == (4, b"456", 7)


def test_what_it_writes_is_what_the_volume_reads(io: FileIO, lake: Lake) -> None:
    write(io, b"{}")
    assert lake.volume.read(KEY) == b"{}"
    assert b"{}" not in lake.stored.objects(KEY)[KEY]


def test_the_length_is_that_of_the_plaintext(io: FileIO) -> None:
    write(io, bytes(300_000))
    assert len(io.new_input(LOCATION)) == len(io.new_output(LOCATION)) == 300_000


def test_what_is_not_there_does_not_exist_and_cannot_be_opened_or_deleted(io: FileIO) -> None:
    file = io.new_input(LOCATION)
    assert not file.exists()
    for attempt in (file.open, lambda: len(file), lambda: io.delete(LOCATION)):
        with pytest.raises(FileNotFoundError):
            attempt()


def test_a_folder_is_no_file(io: FileIO) -> None:
    write(io, b"{}")
    assert not io.new_input("portable://lake/tables/t").exists()


def test_nothing_shows_before_the_stream_is_closed(io: FileIO) -> None:
    output = io.new_output(LOCATION)
    with output.create() as stream:
        stream.write(b"half")
        assert not output.exists()
    assert output.exists()


def test_a_stream_that_is_left_by_an_error_writes_nothing(io: FileIO) -> None:
    output = io.new_output(LOCATION)
    with contextlib.suppress(ZeroDivisionError), output.create() as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert not output.exists()


def test_what_exists_is_not_created_again_unless_it_may_be_overwritten(io: FileIO) -> None:
    write(io, b"first")
    with pytest.raises(FileExistsError):
        write(io, b"second")
    write(io, b"third", overwrite=True)
    assert io.new_output(LOCATION).to_input_file().open().read() == b"third"


def test_of_two_who_create_at_once_the_host_lets_one_through(io: FileIO, lake: Lake) -> None:
    one, other = io.new_output(LOCATION).create(), io.new_output(LOCATION).create()
    one.write(b"one")
    other.write(b"other")
    one.close()
    with pytest.raises(AlreadyExists):
        other.close()
    assert lake.volume.read(KEY) == b"one"


@pytest.mark.parametrize("kind", ["location", "input", "output"])
def test_it_deletes_by_location_or_by_file(io: FileIO, lake: Lake, kind: str) -> None:
    write(io, b"{}")
    io.delete({"location": LOCATION, "input": io.new_input(LOCATION), "output": io.new_output(LOCATION)}[kind])
    assert lake.contents("tables/") == {}


def test_a_host_that_refuses_to_answer_is_no_proof_of_absence(io: FileIO, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Denied):
        io.new_input(LOCATION).exists()


@pytest.mark.parametrize("location", ["s3://lake/t/1.json", "/lake/t/1.json", "lake/t/1.json", "portable:lake/t"])
def test_a_location_elsewhere_is_refused_and_named(io: FileIO, location: str) -> None:
    for attempt in (io.new_input, io.new_output, io.delete):
        with pytest.raises(ConfigurationError, match=location):
            attempt(location)


def test_the_properties_of_the_catalog_reach_the_configuration(tmp_path: Path) -> None:
    io = PortableFileIO({"portable.catalog": str(tmp_path / "none.json"), "portable.patience": "5", "uri": "sqlite://"})
    with pytest.raises(ConfigurationError, match=r"none\.json"):
        io.new_input(LOCATION).exists()


def test_a_property_that_is_misspelt_is_named(tmp_path: Path) -> None:
    io = PortableFileIO({"portable.catlog": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="catlog"):
        io.new_input(LOCATION)


def test_a_pickle_holds_references_and_opens_the_volume_anew(io: FileIO, lake: Lake) -> None:
    write(io, b"{}")
    pickled = pickle.dumps(io)
    assert lake.environment["PORTABLE_PASSPHRASE"].encode() not in pickled
    assert pickle.loads(pickled).new_input(LOCATION).open().read() == b"{}"  # noqa: S301 - its own


def test_every_table_of_a_process_shares_one_filesystem(io: FileIO) -> None:
    again = PortableFileIO(io.properties)
    assert io._filesystem() is again._filesystem()
