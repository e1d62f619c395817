"""Ranges and many objects of a volume that is found through the catalog, wherever it is and whatever epoch it is in."""

import threading

import pytest
from msgspec import structs

from portable.errors import NotFound, UnknownEpoch
from portable.keys.volume_keys import EpochKey, VolumeKeys
from portable.leased import LeasedVolume

DATA = bytes(range(256)) * 400
RANGES = [(10, 20), (50_000, 50_010), (-5, None)]
WANTED = [DATA[start:stop] for start, stop in RANGES]


def test_ranges_and_many_objects_are_read_at_the_home_of_the_moment(world):
    client = world.client()
    client.write("a", DATA)
    for _ in range(2):
        assert client.read_ranges("a", RANGES) == WANTED
        *found, missing = client.read_many([*(("a", start, stop) for start, stop in RANGES), ("missing", 0, None)])
        assert found == WANTED
        assert isinstance(missing, NotFound)
        with client.open("a") as file:
            assert file.read() == DATA
        if world.switch.entry().home == world.old:
            world.move()
    client.close()


@pytest.fixture
def behind(world):
    """Return a client whose keys are those of an epoch ago, until it renews them, and a volume in which that epoch ended."""
    world.move()
    client = LeasedVolume(
        world.homes("client"),
        lambda home, _: world.at(home),
        patience=5.0,
        renew=lambda _, volume: volume if volume.keys is world.keys else volume.with_keys(world.keys),
    )
    client.write("earlier", DATA)
    closed = structs.replace(world.keys.active_epoch, state="readable")
    world.keys = VolumeKeys(structs.replace(world.keys.record, epochs=(closed, EpochKey.generate())))
    world.at(world.new).write("later", DATA)
    return client


def test_objects_of_a_later_epoch_are_read_with_the_present_keys(behind):
    answers = behind.read_many([("earlier", 0, 5), ("later", 0, 5), ("missing", 0, 5), ("later", 5, 10)])
    assert (answers[0], answers[1], answers[3]) == (DATA[:5], DATA[:5], DATA[5:10])
    assert isinstance(answers[2], NotFound)
    behind.close()


def test_ranges_of_an_object_of_a_later_epoch_are_read_with_the_present_keys(behind):
    before = set(threading.enumerate())
    assert behind.read_ranges("later", RANGES) == WANTED
    behind.close()
    assert set(threading.enumerate()) <= before


def test_an_epoch_that_nobody_knows_is_the_answer_for_the_object_alone(behind, world):
    first = structs.replace(world.keys.record.epochs[0], state="active")
    world.keys = VolumeKeys(structs.replace(world.keys.record, epochs=(first,)))
    earlier, later = behind.read_many([("earlier", 0, 5), ("later", 0, 5)])
    assert earlier == DATA[:5]
    assert isinstance(later, UnknownEpoch)
    behind.close()
