"""The catalog file: signed entries, changed only by who saw what it replaces."""

import contextlib
import threading

import msgspec
import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import successor
from portable.errors import AlreadyExists, ConfigurationError, NotFound, PreconditionFailed, UntrustedSignature
from portable.keys.authority import Authority

NEW = Home(url="s3://lake-eu", mode="clear")


def test_an_entry_is_read_as_it_was_written(catalog, authority, first, swap):
    swap(None, first)
    assert catalog.read("lake", authority.fingerprint) == first
    assert catalog.names() == ["lake"]


def test_a_swap_over_another_entry_than_the_one_seen_writes_nothing(catalog, authority, first, swap):
    swap(None, first)
    second = swap(first, successor(first, "announced", lease=1, other=NEW))
    before = catalog.path.read_bytes()
    with pytest.raises(PreconditionFailed):
        swap(first, successor(first, "announced", lease=1, other=NEW))
    with pytest.raises(PreconditionFailed):
        swap(None, first)
    assert catalog.path.read_bytes() == before
    assert catalog.read("lake", authority.fingerprint) == second


def test_of_many_writers_who_saw_the_same_entry_one_wins(catalog, first, swap):
    swap(None, first)
    won, barrier = [], threading.Barrier(8)

    def write():
        entry = successor(first, "announced", lease=1, other=NEW)
        barrier.wait()
        with contextlib.suppress(PreconditionFailed):
            won.append(swap(first, entry))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_an_entry_of_another_authority_is_refused_and_not_written(catalog, authority, first, swap):
    with pytest.raises(UntrustedSignature):
        swap(None, first, signer=Authority.generate())
    with pytest.raises(NotFound):
        catalog.read("lake", authority.fingerprint)


def test_an_altered_entry_is_refused(catalog, authority, first, swap):
    swap(None, first)
    file = msgspec.json.decode(catalog.path.read_bytes())
    foreign = msgspec.json.decode(sign_entry(msgspec.structs.replace(first, home=NEW), authority))
    file["entries"]["lake"]["payload"] = foreign["payload"]
    catalog.path.write_bytes(msgspec.json.encode(file))
    with pytest.raises(UntrustedSignature):
        catalog.read("lake", authority.fingerprint)


def test_an_entry_under_another_name_is_refused(catalog, authority, first, swap):
    swap(None, first)
    file = msgspec.json.decode(catalog.path.read_bytes())
    file["entries"]["other"] = file["entries"]["lake"]
    catalog.path.write_bytes(msgspec.json.encode(file))
    with pytest.raises(UntrustedSignature, match="under the name"):
        catalog.read("other", authority.fingerprint)


def test_a_catalog_is_never_overwritten(catalog):
    with pytest.raises(AlreadyExists):
        catalog.create()


def test_an_unknown_name_says_which_names_there_are(catalog, authority, first, swap):
    swap(None, first)
    with pytest.raises(NotFound, match="it has: lake"):
        catalog.read("laek", authority.fingerprint)


def test_a_file_that_is_no_catalog_is_a_clear_error(tmp_path):
    path = tmp_path / "catalog.json"
    with pytest.raises(NotFound, match="portable catalog init"):
        LocalCatalog(path).read("lake", None)
    path.write_text('{"hello": 1}')
    with pytest.raises(ConfigurationError, match="not a catalog"):
        LocalCatalog(path).read("lake", None)
