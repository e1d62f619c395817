"""A volume's listing by folder: keys as its users know them, whatever the host sees."""

import uuid

import pytest

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Attributes, Backend, Folder
from portable.errors import ConfigurationError
from portable.keys.volume_keys import VolumeKeys
from portable.volume import ObjectInfo, Volume

KEYS = ("top", "a/b", "a/c/d", "a//e", "/leading", "trailing/", "foo", "foo/bar")
LEVELS = {
    "": {"top", "a/", "/", "trailing/", "foo", "foo/"},
    "a/": {"a/b", "a/c/", "a//"},
    "a//": {"a//e"},
    "a/c/": {"a/c/d"},
    "/": {"/leading"},
    "trailing/": {"trailing/"},
    "foo/": {"foo/bar"},
    "nothing/": set(),
}
VOLUMES = {
    "clear": lambda: None,
    "sealed": lambda: VolumeKeys.generate("lake"),
    "sealed names": lambda: VolumeKeys.generate("lake", names="sealed"),
}


@pytest.fixture
def backend() -> Backend:
    return MemoryBackend(Location(f"memory://{uuid.uuid4().hex}"))


@pytest.fixture(params=VOLUMES)
def volume(request: pytest.FixtureRequest, backend: Backend) -> Volume:
    return Volume(backend, VOLUMES[request.param]())


def shown(volume: Volume, prefix: str = "") -> list[str]:
    return sorted(entry.prefix if isinstance(entry, Folder) else entry.key for entry in volume.children(prefix))


def test_a_level_shows_keys_and_folders_of_keys(volume: Volume) -> None:
    for key in KEYS:
        volume.write(key, b"data")
    assert {prefix: set(shown(volume, prefix)) for prefix in LEVELS} == LEVELS


def test_an_object_is_described_as_in_the_listing(volume: Volume) -> None:
    volume.write("a/b", b"twelve bytes")
    (found,) = volume.children("a/")
    assert isinstance(found, ObjectInfo)
    assert [found] == list(volume.list("a/"))
    assert found.size == 12


def test_what_is_the_packages_own_is_not_shown(volume: Volume, backend: Backend) -> None:
    volume.write("key", b"data", attributes=Attributes(metadata={"long": "x" * 1000}))
    backend.put(".portable/other", b"data")
    assert shown(volume) == ["key"]
    assert shown(volume, ".portable/") == shown(volume, ".portable/meta/") == []


def test_a_level_is_named_by_its_slash(volume: Volume) -> None:
    with pytest.raises(ConfigurationError, match="slash"):
        list(volume.children("a"))


def test_foreign_names_are_not_shown(backend: Backend) -> None:
    other, volume = (Volume(backend, VolumeKeys.generate("lake", names="sealed")) for _ in range(2))
    other.write("a/b", b"data")
    backend.put("clear/key", b"data")
    backend.put("key", b"data")
    volume.write("a/own", b"data")
    assert shown(volume) == ["a/"]
    assert shown(volume, "a/") == ["a/own"]


def test_one_level_is_asked_of_the_host(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Volume(backend, VolumeKeys.generate("lake", names="sealed"))
    volume.write("a/b", b"data")
    monkeypatch.setattr(volume.backend, "list", None)
    asked = []

    def level(prefix: str = ""):
        asked.append(prefix)
        return iter(())

    monkeypatch.setattr(volume.backend, "children", level)
    assert list(volume.children("a/")) == []
    assert asked == [f"{volume.stored_key('a/b').partition('/')[0]}/"]
