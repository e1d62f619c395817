"""A catalog that this process may read and not change: readers and writers of objects go on, and who must write is told."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from portable.catalog.entry import Entry, Home, sign_entry
from portable.catalog.homes import Homes
from portable.catalog.local import LocalCatalog, Report
from portable.catalog.pins import Pins
from portable.catalog.transitions import successor
from portable.errors import ConfigurationError, Denied, NotFound, PortableError, Unavailable
from portable.keys.authority import Authority

NOBODY = 65_534
NEW = Home(url="s3://lake-eu", mode="clear")


@contextlib.contextmanager
def as_a_reader(folder: Path) -> Iterator[None]:
    """Take the right to write in a folder away, from root too, which no mode keeps out."""
    folder.chmod(0o555)
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that every user reaches, which those of `tmp_path` are not."""
    made = Path(tempfile.mkdtemp(prefix="read-only-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def catalog(folder: Path) -> LocalCatalog:
    (folder / "kept").mkdir()
    catalog = LocalCatalog(folder / "kept" / "catalog.json")
    catalog.create()
    return catalog


def put(catalog: LocalCatalog, entry: Entry, authority: Authority) -> Entry:
    catalog.compare_and_swap(entry.name, entry.previous, sign_entry(entry, authority), authority.fingerprint)
    return entry


@pytest.fixture
def homes(catalog: LocalCatalog, folder: Path, authority: Authority) -> Homes:
    (folder / "state").mkdir()
    (folder / "state").chmod(0o777)
    return Homes(catalog, "lake", authority.fingerprint, Pins(folder / "state"))


def test_leases_are_handed_out(catalog: LocalCatalog, homes: Homes, first: Entry, authority: Authority) -> None:
    put(catalog, first, authority)
    with as_a_reader(catalog.folder):
        assert not catalog.may_change
        lease = homes.lease()
        assert lease.entry == first
        assert homes.still_holds(lease)


def test_a_change_says_who_needs_to_write_where(
    catalog: LocalCatalog, homes: Homes, first: Entry, authority: Authority
) -> None:
    put(catalog, first, authority)
    with as_a_reader(catalog.folder), pytest.raises(Denied, match="to read and write objects it need not") as told:
        put(catalog, successor(first, "announced", lease=1, other=NEW), authority)
    assert str(catalog.folder) in str(told.value)
    with as_a_reader(catalog.folder), pytest.raises(Denied):
        LocalCatalog(catalog.folder / "another.json").create()


def test_a_client_of_an_announced_move_goes_on_without_its_report(
    catalog: LocalCatalog, homes: Homes, first: Entry, authority: Authority
) -> None:
    put(catalog, first, authority)
    announced = put(catalog, successor(first, "announced", lease=1, other=NEW), authority)
    with as_a_reader(catalog.folder):
        homes.report_once(homes.lease().entry, lambda: None)
    assert catalog.reports(announced.write_id) == []


def test_trouble_that_the_coordinator_does_not_hear_of_is_warned_of(
    catalog: LocalCatalog, homes: Homes, first: Entry, authority: Authority
) -> None:
    def attempt() -> None:
        raise Unavailable("no answer from s3://lake-eu")

    put(catalog, first, authority)
    put(catalog, successor(first, "announced", lease=1, other=NEW), authority)
    with as_a_reader(catalog.folder), pytest.warns(RuntimeWarning, match="no answer from s3://lake-eu"):
        homes.report_once(homes.lease().entry, attempt)


def test_a_waiting_writer_leaves_the_way_back_to_others(
    catalog: LocalCatalog, homes: Homes, first: Entry, authority: Authority
) -> None:
    put(catalog, first, authority)
    announced = put(catalog, successor(first, "announced", lease=1, other=NEW), authority)
    frozen = successor(announced, "frozen", lease=1, max_frozen=0.0, other=NEW)
    back = sign_entry(successor(frozen, "active", lease=1), authority).decode()
    frozen = put(catalog, msgspec.structs.replace(frozen, way_back=back), authority)
    with as_a_reader(catalog.folder):
        homes.return_overdue(homes.refresh())
        assert homes.refresh().entry == frozen
    catalog.folder.chmod(0o755)
    homes.return_overdue(homes.refresh())
    assert homes.refresh().entry.phase == "active"


def test_a_catalog_that_cannot_be_reached_is_no_missing_one(catalog: LocalCatalog) -> None:
    with pytest.raises(NotFound, match="portable catalog init"):
        LocalCatalog(catalog.folder / "missing.json").names()
    with pytest.raises(NotFound):
        LocalCatalog(catalog.path / "below-a-file.json").names()
    with as_a_reader(catalog.folder):
        assert catalog.names() == []
    catalog.folder.chmod(0o600)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        with pytest.raises(ConfigurationError, match="cannot be reached"):
            catalog.names()
    finally:
        os.seteuid(os.getuid())
        catalog.folder.chmod(0o755)


def test_pins_that_cannot_be_kept_say_where_they_would_be(folder: Path, first: Entry) -> None:
    with as_a_reader(folder), pytest.raises(ConfigurationError, match="PORTABLE_STATE"):
        Pins(folder).check(first)


def test_a_report_that_the_disk_refuses_is_an_error_of_the_package(catalog: LocalCatalog) -> None:
    catalog.path.with_name("catalog.json.reports").write_text("in the way")
    with pytest.raises(PortableError, match="no report can be left"):
        catalog.report("w1", Report("client", None))
