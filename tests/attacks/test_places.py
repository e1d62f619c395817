"""Objects served where they were not written: under another key, from another volume, in the place of a package's own."""

from pathlib import Path

import fsspec
import pytest

from portable.backends.protocol import Attributes
from portable.errors import ContextMismatch, IntegrityError, InvalidKey
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.attacks.host import FRAME, KEY, PLAINTEXT, WAYS, Place

LARGE = Attributes(metadata={"note": "é" * 400})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("other", ["another", "records/2031/01.PARQUET", "x/" + KEY, KEY + "/x", "records/2031/01.parquet "])
def test_an_object_is_refused_under_every_other_key(place: Place, other: str, way: str) -> None:
    place.host.keep(other, place.message)
    with pytest.raises(ContextMismatch):
        WAYS[way](place.volume, other)


def test_a_key_in_another_normal_form_is_another_key(place: Place) -> None:
    place.volume.write("é", b"composed")
    place.host.keep("e\u0301", place.host.kept("é"))
    with pytest.raises(ContextMismatch):
        place.volume.read("e\u0301")


def test_two_objects_exchanged_by_the_host_are_both_refused(place: Place) -> None:
    place.volume.write("b", b"of b")
    one, two = place.host.kept(KEY), place.host.kept("b")
    place.host.keep(KEY, two)
    place.host.keep("b", one)
    for key in (KEY, "b"):
        with pytest.raises(ContextMismatch):
            place.volume.read(key)


def test_an_object_of_another_volume_at_the_same_key_is_refused(place: Place) -> None:
    other = VolumeKeys.generate("lake", frame_length=FRAME)
    Volume(place.host, other).write(KEY, PLAINTEXT)
    for way in WAYS.values():
        with pytest.raises(ContextMismatch):
            way(place.volume, KEY)


def test_an_object_of_the_package_is_never_served_as_a_users(place: Place) -> None:
    info = place.volume.write("b", b"", attributes=LARGE)
    overflow = f".portable/meta/{info.message_id.hex()}"
    place.host.keep("b2", place.host.kept(overflow))
    with pytest.raises(ContextMismatch):
        place.volume.read("b2")
    with pytest.raises(InvalidKey):
        place.volume.read(overflow)


@pytest.mark.parametrize("served", ["nothing", "clear JSON", "the object itself", "the overflow of another object"])
def test_metadata_beside_an_object_is_believed_only_if_it_was_written_with_it(place: Place, served: str) -> None:
    mine = place.volume.write("b", b"", attributes=LARGE)
    other = place.volume.write("c", b"", attributes=Attributes(metadata={"note": "x" * 400}))
    at = f".portable/meta/{mine.message_id.hex()}"
    place.host.keep(
        at,
        {
            "nothing": b"",
            "clear JSON": b'{"u":{"note":"forged"}}',
            "the object itself": place.host.kept("b"),
            "the overflow of another object": place.host.kept(f".portable/meta/{other.message_id.hex()}"),
        }[served],
    )
    with pytest.raises(IntegrityError):
        place.volume.info("b")


def test_a_listing_cannot_lead_to_an_object_outside_the_volume(place: Place) -> None:
    """Whatever names a host invents, each leads to an object of exactly that name or to an error."""
    invented = ["../../etc/passwd", "/etc/passwd", KEY + "\n", "..", "a/../b"]
    for key in invented:
        place.host.keep(key, place.message)
    listed = {info.key for info in place.volume.list()}
    assert listed == {KEY, *invented}
    for key in invented:
        with pytest.raises((ContextMismatch, InvalidKey)):
            place.volume.read(key)


def test_names_that_lead_upwards_make_no_file_outside_the_folder_that_a_listing_is_fetched_into(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filesystem = fsspec.filesystem("portable", skip_instance_cache=True)
    monkeypatch.setattr(filesystem, "volume", lambda _: place.volume)
    target = tmp_path / "a" / "b"
    target.mkdir(parents=True)
    for key in ("../../victim", "x/../../../victim"):
        place.host.keep(key, place.message)
    for path in ("lake", "lake/x"):
        with pytest.raises((ValueError, ContextMismatch)):
            filesystem.get(path, str(target), recursive=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
