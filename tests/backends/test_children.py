"""Listing by folder: one level of the keys at a time, and all levels together are what `list` lists."""

from collections.abc import Iterator

import pytest

from portable.backends import azure_listing, s3_listing
from portable.backends.protocol import Backend, Folder, Stat
from portable.errors import ConfigurationError, InvalidKey, NotFound, PortableError
from tests.backends.hosts import Store

NAMES = ("top", "a/b", "a/c", "a/d/e", "a/d/f/g", "ab/c", "z/y", "ü ö/+%2F", "ü ö/é", "a b/c d/e")
LEFT_OUT = {"fsspec-adlfs": {"/leading", "a//b", "a//c/d", "trailing"}}
"""Of filesystems whose own listing of a folder leaves out keys that this package does not write, or spells them otherwise."""
AWKWARD = ("a//b", "a//c/d", "/leading", "//", "trailing/", "trailing/below", "foo", "foo/bar", "dots/../x", "dots/./x")


def shown(backend: Backend, prefix: str = "") -> set[str]:
    """Show a level as text: keys as they are, folders by their prefix."""
    entries = [entry.prefix if isinstance(entry, Folder) else entry.key for entry in backend.children(prefix)]
    assert len(entries) == len(set(entries))
    return set(entries)


def walked(backend: Backend, prefix: str = "") -> Iterator[Stat]:
    """Go down from folder to folder."""
    for entry in backend.children(prefix):
        if isinstance(entry, Folder):
            assert entry.prefix.endswith("/")
            assert entry.prefix.startswith(prefix)
            assert entry.prefix != prefix
            yield from walked(backend, entry.prefix)
        else:
            yield entry


def put_where_held(store: Store, keys: tuple[str, ...]) -> None:
    """Put objects at the keys that the host takes, of those that this package writes and of those that others do."""
    for key in keys:
        try:
            store.backend.put(key, b"data")
        except PortableError:
            if store.kind != "local":
                _plant(store, key)


def _plant(store: Store, key: str) -> None:
    try:
        store.client.put(key, b"data")
    except Exception:  # noqa: BLE001  # each vendor's own refusal
        return


def test_a_level_shows_objects_and_folders(store: Store) -> None:
    for key in NAMES:
        store.backend.put(key, b"data")
    assert shown(store.backend) == {"top", "a/", "ab/", "z/", "ü ö/", "a b/"}
    assert shown(store.backend, "a/") == {"a/b", "a/c", "a/d/"}
    assert shown(store.backend, "a/d/") == {"a/d/e", "a/d/f/"}
    assert shown(store.backend, "ü ö/") == {"ü ö/+%2F", "ü ö/é"}
    assert shown(store.backend, "a b/") == {"a b/c d/"}
    assert shown(store.backend, "nothing/") == shown(store.backend, "top/") == set()


def test_an_object_is_described_as_it_is_in_a_listing(store: Store) -> None:
    store.backend.put("a/b", b"data")
    store.backend.put("a/b c/d", b"data")
    (listed,) = (stat for stat in store.backend.list("a/") if stat.key == "a/b")
    (found,) = (entry for entry in store.backend.children("a/") if isinstance(entry, Stat))
    assert found == listed
    assert found.size == 4


def test_all_levels_together_are_the_listing(store: Store) -> None:
    put_where_held(store, NAMES + AWKWARD)
    listed = {stat.key: stat for stat in store.backend.list()}
    assert set(NAMES) <= set(listed)
    found = list(walked(store.backend))
    assert len(found) == len({stat.key for stat in found})
    left_out = listed.keys() - {stat.key for stat in found}
    assert left_out <= LEFT_OUT.get(store.kind, set())
    assert {stat.key: stat for stat in found} == {key: stat for key, stat in listed.items() if key not in left_out}


@pytest.mark.parametrize("size", [1, 2])
def test_a_level_that_comes_in_pages_shows_each_entry_once(store: Store, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(s3_listing, "PAGE_SIZE", size)
    monkeypatch.setattr(azure_listing, "PAGE_SIZE", size)
    for key in ("a/1", "a/2", "a/3", "b", "c/1", "c/2/3", "d", "e/1"):
        store.backend.put(key, b"data")
    assert shown(store.backend) == {"a/", "b", "c/", "d", "e/"}
    assert shown(store.backend, "a/") == {"a/1", "a/2", "a/3"}
    assert shown(store.backend, "c/") == {"c/1", "c/2/"}


def test_a_level_of_a_prefix_is_relative_to_it(store: Store) -> None:
    inside = store.open("folder/x")
    inside.put("a/b", b"data")
    inside.put("c", b"data")
    assert shown(inside) == {"a/", "c"}
    assert shown(inside, "a/") == {"a/b"}
    assert shown(store.backend, "folder/") == {"folder/x/"}
    inside.close()


def test_a_level_is_named_by_its_slash(backend: Backend) -> None:
    with pytest.raises(ConfigurationError, match="slash"):
        list(backend.children("a"))
    with pytest.raises(InvalidKey):
        list(backend.children("\ud800/"))


def test_a_missing_container_is_no_empty_level(store: Store) -> None:
    if store.host.scheme == "memory":
        return  # memory stores begin with their first opening
    missing = store.missing()
    for prefix in ("", "a/"):
        with pytest.raises(NotFound):
            list(missing.children(prefix))
    missing.close()
