"""Bad input and trouble, as callers of any filesystem meet them: one line, and a class that Python's own files raise."""

import io
import pickle
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import fsspec
import msgspec
import pytest

from portable import errors
from portable.catalog.entry import new_write_id
from portable.filesystem import PortableFileSystem
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring
from tests.filesystem.catalogs import PASSPHRASE, Catalog


@dataclass
class Lake:
    """An encrypted volume in a folder, with one object in it."""

    catalog: Catalog
    store: Path

    @property
    def object(self):
        return self.store / "a.txt"

    def filesystem(self, **options):
        return PortableFileSystem(skip_instance_cache=True, **options)

    def entry(self, **changes):
        """Change the entry of the volume as its authority would."""
        entry = self.catalog.local.read("lake", self.catalog.authority.fingerprint)
        new = {"generation": entry.generation + 1, "write_id": new_write_id(), "previous": entry.write_id}
        self.catalog.swap(msgspec.structs.replace(entry, **new, **changes), expected=entry.write_id)


@pytest.fixture
def lake(own, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    own.add("lake", own.home(store.as_uri(), "sealed"))
    made = Lake(own, store)
    made.filesystem().pipe("lake/a.txt", b"content" * 1000)
    return made


def of_another_volume(lake):
    other = lake.store.parent / "other"
    other.mkdir()
    lake.catalog.unlocked.add_volume("other")
    lake.catalog.unlocked.save(lake.catalog.keyring, lake.catalog.authority)
    home = lake.catalog.home(other.as_uri(), "sealed")
    volume_id = lake.catalog.unlocked.volume("other").volume_id.hex()
    lake.catalog.add("other", msgspec.structs.replace(home, volume="other", volume_id=volume_id))
    lake.filesystem().pipe("other/a.txt", b"content")
    shutil.copy(other / "a.txt", lake.object)


def of_another_key(lake):
    lake.filesystem().pipe("lake/b.txt", b"content")
    shutil.copy(lake.store / "b.txt", lake.object)


def plain(lake):
    lake.object.write_bytes(b"patient,minutes\n1,25\n" * 100)


def truncated(lake):
    lake.object.write_bytes(lake.object.read_bytes()[:-100])


def altered(lake):
    data = bytearray(lake.object.read_bytes())
    data[-30] ^= 1
    lake.object.write_bytes(data)


def removed(lake):
    lake.object.unlink()


def another_authority_s_keyring(lake):
    Catalog(lake.store.parent / "foreign")
    shutil.copy(lake.store.parent / "foreign" / "keyring.json", lake.catalog.keyring)


def a_keyring_for_somebody_else(lake):
    somebody = IdentityFileRecipient(IdentityFile.generate().public_key)
    other = Keyring.create(lake.catalog.authority, recipients=[somebody], volumes=["plain-names"])
    lake.catalog.keyring.unlink()
    other.save(lake.catalog.keyring, lake.catalog.authority)


def no_keyring(lake):
    lake.catalog.keyring.unlink()


def no_catalog(lake):
    lake.catalog.local.path.unlink()


TROUBLE = [
    (of_another_volume, errors.IntegrityError, OSError),
    (of_another_key, errors.ContextMismatch, OSError),
    (plain, errors.MalformedMessage, OSError),
    (truncated, errors.IntegrityError, OSError),
    (altered, errors.IntegrityError, OSError),
    (removed, errors.NotFound, FileNotFoundError),
    (another_authority_s_keyring, errors.UntrustedSignature, OSError),
    (a_keyring_for_somebody_else, errors.UnlockFailed, PermissionError),
    (no_keyring, errors.ConfigurationError, Exception),
    (no_catalog, errors.ConfigurationError, Exception),
]
READS = [
    lambda filesystem, path: filesystem.cat(path),
    lambda filesystem, path: filesystem.open(path).read(),
    lambda filesystem, path: filesystem.cat_ranges([path, path], [0, -5], [5, None], on_error="raise"),
    lambda filesystem, path: filesystem.cat([path]),
    lambda filesystem, path: filesystem.get(path, "/dev/null"),
    lambda filesystem, path: filesystem.copy(path, "lake/copy"),
    lambda filesystem, path: filesystem.info(path),
]


def is_told(error):
    assert "\n" not in str(error)
    assert len(str(error)) > 10
    assert PASSPHRASE not in f"{error} {error!r}"
    assert type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301 - our own bytes
    return True


@pytest.mark.parametrize(("spoil", "kind", "builtin"), TROUBLE, ids=lambda value: getattr(value, "__name__", ""))
def test_every_way_of_reading_raises_the_same_error(lake, spoil, kind, builtin):
    spoil(lake)
    filesystem = lake.filesystem()
    for read in READS:
        with pytest.raises(kind) as caught:
            read(filesystem, "lake/a.txt")
        assert isinstance(caught.value, builtin)
        assert is_told(caught.value)
    assert not (lake.store / "copy").exists()


@pytest.mark.parametrize("spoil", [spoil for spoil, _, _ in TROUBLE if spoil is not removed], ids=lambda spoil: spoil.__name__)
def test_only_what_is_surely_absent_is_called_absent(lake, spoil):
    spoil(lake)
    filesystem = lake.filesystem()
    for ask in (filesystem.exists, filesystem.isfile, filesystem.isdir, filesystem.lexists):
        with pytest.raises(errors.PortableError) as caught:
            ask("lake/a.txt")
        assert not isinstance(caught.value, FileNotFoundError)


def test_a_catalog_that_is_gone_makes_no_file_missing(lake):
    lake.entry(lease=0.2)
    filesystem = lake.filesystem()
    assert filesystem.exists("lake/a.txt")
    no_catalog(lake)
    time.sleep(0.3)
    for ask in (filesystem.exists, filesystem.isfile, filesystem.isdir, filesystem.find, filesystem.ls):
        with pytest.raises(errors.ConfigurationError, match="there is no catalog"):
            ask("lake/a.txt")


def test_an_unknown_volume_is_not_found_and_the_known_ones_are_named(lake):
    filesystem = lake.filesystem()
    for path in ("sea", "sea/a", "sea/a/b"):
        with pytest.raises(FileNotFoundError, match="it has: lake") as caught:
            filesystem.ls(path)
        assert is_told(caught.value)
        assert not filesystem.exists(path)
    with pytest.raises(FileNotFoundError):
        filesystem.pipe("sea/a", b"x")


def test_a_volume_without_its_folder_is_trouble_and_not_an_empty_volume(lake):
    shutil.rmtree(lake.store)
    for ask in (lake.filesystem().ls, lake.filesystem().find, lambda path: lake.filesystem().exists(f"{path}/a.txt")):
        with pytest.raises(errors.ConfigurationError) as caught:
            ask("lake")
        assert is_told(caught.value)


def test_a_frozen_volume_reads_and_lets_writers_time_out(lake):
    lake.entry(phase="frozen", lease=30.0)
    filesystem = lake.filesystem(patience=0)
    assert filesystem.cat("lake/a.txt") == b"content" * 1000
    with filesystem.open("lake/b.txt", "wb") as doomed:
        doomed.write(b"x")
        with pytest.raises(TimeoutError):
            doomed.close()
    for write in (
        lambda: filesystem.pipe("lake/b.txt", b"x"),
        lambda: filesystem.rm("lake/a.txt"),
        lambda: filesystem.copy("lake/a.txt", "lake/b.txt"),
        lambda: filesystem.touch("lake/b.txt"),
    ):
        with pytest.raises(errors.Frozen) as caught:
            write()
        assert isinstance(caught.value, TimeoutError)
        assert is_told(caught.value)
    assert filesystem.ls("lake", detail=False) == ["lake/a.txt"]


def test_who_may_only_read_the_catalog_reads_and_writes_objects(lake):
    folder = lake.catalog.folder
    lake.catalog.local.path.chmod(0o444)
    folder.chmod(0o555)
    try:
        before = folder.stat().st_mtime_ns
        filesystem = lake.filesystem(state=str(lake.store.parent / "elsewhere"))
        assert filesystem.cat("lake/a.txt") == b"content" * 1000
        filesystem.pipe("lake/b.txt", b"x")
        filesystem.rm("lake/b.txt")
        assert filesystem.ls("", detail=False) == ["lake"]
        assert folder.stat().st_mtime_ns == before
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(("place", "kind"), [("s3", "sealed"), ("azure", "clear")])
def test_who_is_denied_at_the_host_hears_so(own, monkeypatch, seaweedfs, azurite, bucket, container, place, kind):
    for name, value in {**seaweedfs.reader_env("READ_"), **azurite.reader_env("READ_")}.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{bucket}" if place == "s3" else f"az://{container}"
    provider = {"provider": "seaweedfs"} if place == "s3" else {}
    own.add("lake", own.home(url, kind, credentials="env:READ_", **provider))
    filesystem = fsspec.filesystem("portable")
    assert filesystem.ls("lake") == []
    for write in (lambda: filesystem.pipe("lake/a", b"x"), lambda: filesystem.open("lake/a", "wb").close()):
        with pytest.raises(PermissionError) as caught:
            write()
        assert is_told(caught.value)
    secret = "READ_AWS_SECRET_ACCESS_KEY" if place == "s3" else "READ_AZURE_STORAGE_SAS_TOKEN"
    wrong = "0" * 40 if place == "s3" else "sv=2024-01-01&sig=AAAA"
    monkeypatch.setenv(secret, wrong)
    own.add("locked", own.home(url, kind, credentials="env:READ_", **provider))
    for ask in (filesystem.exists, filesystem.isfile, filesystem.isdir, filesystem.cat, filesystem.find, filesystem.ls):
        with pytest.raises(errors.Denied) as caught:
            ask("locked/a")
        assert wrong not in f"{caught.value!r}"
    with pytest.raises(errors.Denied):
        list(filesystem.walk("locked"))


def test_a_host_that_does_not_answer_is_no_missing_file(tmp_path, monkeypatch):
    catalog = Catalog(tmp_path / "own", lease=0.9)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"GONE_AWS_{name}", "x" * 20)
    where = {"endpoint": "http://127.0.0.1:9", "credentials": "env:GONE_", "region": "us-east-1"}
    catalog.add("lake", catalog.home("s3://bucket", "clear", **where))
    filesystem = PortableFileSystem(**catalog.options, skip_instance_cache=True)
    for ask in (filesystem.exists, filesystem.isfile, filesystem.ls, filesystem.cat):
        with pytest.raises(TimeoutError):
            ask("lake/a")


@pytest.mark.parametrize("mode", ["ab", "a", "r+b", "rb+", "w+b", "wb+"])
def test_what_cannot_be_done_to_objects_is_refused(lake, mode):
    with pytest.raises(io.UnsupportedOperation, match="written whole") as caught:
        lake.filesystem().open("lake/a.txt", mode)
    assert is_told(caught.value)
    assert lake.filesystem().cat("lake/a.txt") == b"content" * 1000


@pytest.mark.parametrize("key", ["a" * 1025, ".portable/meta/x", "\ud800"], ids=["long", "reserved", "no text"])
def test_a_key_that_no_volume_holds_is_a_value_error(lake, key):
    for use in (lake.filesystem().cat, lake.filesystem().open, lambda path: lake.filesystem().pipe(path, b"x")):
        with pytest.raises(ValueError, match="key"):
            use(f"lake/{key}")


def test_an_option_that_is_none_is_refused_without_its_value(lake):
    with pytest.raises(errors.ConfigurationError, match="has no option 'passphrase'") as caught:
        lake.filesystem(passphrase=PASSPHRASE)
    assert is_told(caught.value)


def test_an_error_of_a_read_within_pyarrow_and_pandas_is_an_os_error(lake):
    import pandas as pd
    import pyarrow.parquet as pq

    lake.filesystem().pipe("lake/a.txt", b"PAR1" + bytes(100_000) + b"PAR1")
    truncated(lake)
    with pytest.raises(OSError, match="message"):
        pd.read_parquet("portable://lake/a.txt")
    with pytest.raises(OSError, match="message"):
        pq.read_table("lake/a.txt", filesystem=lake.filesystem())
