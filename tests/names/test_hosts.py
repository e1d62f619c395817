"""Sealed names on real hosts: keys that no host would keep as they are stand there like any others."""

import re
from io import BytesIO

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes
from portable.backends.registry import open_backend
from portable.errors import AlreadyExists, InvalidKey, NotFound
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.names.keys import AWKWARD

KEYS = VolumeKeys.generate("lake", frame_length=4096, names="sealed")
LONG = Attributes(metadata={"note": "n" * 400})
APART = ["a//b", "a/./b", "..", "c\\d", "e\nf", "g.", "h/", "/i", "é/x", "e\u0301/x", "J", "j", "k/" * 30, "l/" + "x" * 143]
"""Awkward keys of which none is a folder of another: a disk holds them all at once."""


@pytest.fixture(params=["s3", "azure", "local"])
def kind(request):
    return request.param


@pytest.fixture
def volume(kind, request, tmp_path, monkeypatch):
    """Open a volume with sealed names at the prefix `lake/` of each kind of host."""
    if kind == "local":
        location = Location(f"file://{tmp_path}/lake")
        location.path.mkdir()
    else:
        server = request.getfixturevalue("seaweedfs" if kind == "s3" else "azurite")
        place = request.getfixturevalue("bucket" if kind == "s3" else "container")
        for name, value in server.env("NAMES_").items():
            monkeypatch.setenv(name, value)
        location = Location(f"{'s3' if kind == 's3' else 'az'}://{place}/lake", credentials="env:NAMES_")
    volume = Volume(open_backend(location, bound=20.0), KEYS)
    yield volume
    volume.close()


def test_awkward_keys_are_written_read_listed_and_deleted(volume):
    """Each in a folder of its own: for a while SeaweedFS keeps the folders of what was deleted."""
    for key in (f"{number}/{key}" for number, key in enumerate(AWKWARD)):
        volume.write(key, b"data", expect=ABSENT)
        with pytest.raises(AlreadyExists):
            volume.write(key, b"other", expect=ABSENT)
        assert (volume.read(key), volume.info(key).key) == (b"data", key)
        assert [(info.key, info.size) for info in volume.list(key[:-1])] == [(key, 4)]
        volume.delete(key)
        with pytest.raises(NotFound, match=re.escape(repr(key))):
            volume.read(key)
    assert list(volume.stored()) == []


def test_listings_by_prefix_give_the_keys_that_start_with_it(volume):
    for key in APART:
        volume.write(key, b"", attributes=LONG)
    for prefix in ("", "a/", "a//", "a/.", "e", "é", "e\u0301", "/", "k/" * 29, "J", "x", "l/xxx"):
        assert sorted(info.key for info in volume.list(prefix)) == sorted(key for key in APART if key.startswith(prefix))
    stored = {stat.key for _, stat in volume.stored()}
    assert all(re.fullmatch("[0-9a-v/]+", name) for name in stored)
    assert {stat.key for stat in volume.backend.inventory()} >= stored


def test_the_longest_key_of_the_store_is_held_and_a_longer_one_refused(volume, kind):
    room = 1024 if kind == "local" else 1024 - len("lake/")
    assert volume.backend.capabilities.key_room == room
    longest = "/".join(["x" * 143] * 3 + ["x" * (143 if kind == "local" else 140)])
    assert volume.write(longest, b"data").key == longest
    assert [(info.key, info.stat.key) for info in volume.list("x" * 143)] == [(longest, longest)]
    with pytest.raises(InvalidKey, match=r"has a segment of|has room for"):
        volume.write(longest + "x", b"data")


def test_a_large_object_is_uploaded_in_parts_under_its_stored_name(volume):
    data = bytes(range(256)) * ((volume.backend.capabilities.part_size >> 8) + 100)
    volume.write("large/..", BytesIO(data))
    assert volume.read("large/..", len(data) - 5) == data[-5:]
    assert [stat.key for stat in volume.backend.list()] == [volume.stored_key("large/..")]


def test_foreign_objects_are_shown_and_hide_nothing(volume):
    volume.write("a/b", b"1")
    stored = volume.stored_key("a/b")
    names = [stored.upper(), f"{stored.partition('/')[0]}/clear.csv", "clear/name"]
    for name in names:
        volume.backend.put(name, b"whatever")
    assert [info.key for info in volume.list("a/")] == ["a/b"]
    assert {(key, stat.key) for key, stat in volume.stored()} == {("a/b", stored), *((None, name) for name in names)}
