"""Files that are written to a volume that moves: parts go where they were begun, and no commit is made outside of a lease."""

import threading

import pytest
from msgspec import structs

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Matches
from portable.backends.recording import RecordingBackend
from portable.backends.registry import open_backend
from portable.errors import (
    AlreadyExists,
    Frozen,
    InvalidKey,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    RetryableError,
    Unavailable,
)
from portable.keys.volume_keys import EpochKey, VolumeKeys
from portable.leased import LeasedVolume
from portable.volume import Volume
from tests.leased.conftest import LEASE
from tests.leased.test_leased import Background
from tests.volume.uploads import PART, Gate, UploadStore

SMALL = b"fits one part"
LARGE = bytes(range(251)) * (10 * PART // 250)
EITHER = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture(autouse=True)
def small_parts(world):
    """Give both homes small parts, and let them be watched."""
    world.backends = {home: UploadStore() for home in (world.old, world.new)}


@pytest.fixture(autouse=True)
def _no_part_is_left_on_its_way():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "portable-part"]


def ended(world, home):
    return [upload.ended for upload in world.backends[home].uploads]


def nothing_stands(world):
    return not [*world.at(world.old).list(), *world.at(world.new).list()]


def exactly_retryable(caught):
    """An error of no other kind says that nothing was written, and that the whole write is to be made again."""
    assert type(caught.value) is RetryableError
    assert "nothing of it was written" in str(caught.value)
    assert "write it again" in str(caught.value)


def raise_home(world, frozen):
    world.carry()
    world.switch.activate(world.switch.flip(frozen, 0.2), LEASE)


@EITHER
def test_a_file_is_acknowledged_when_it_is_closed(world, data):
    with world.client().create("a", expect=ABSENT) as file:
        file.write(data)
        assert nothing_stands(world)
    assert world.at(world.old).read("a") == data
    assert file.info.etag == world.at(world.old).info("a").etag


def test_a_small_file_follows_its_volume_to_the_new_home(world):
    file = world.client().create("a")
    file.write(SMALL)
    world.move()
    file.close()
    assert world.at(world.new).read("a") == SMALL
    with pytest.raises(NotFound):
        world.at(world.old).read("a")


def test_a_large_file_whose_volume_moved_is_written_at_neither_home(world):
    file = world.client().create("a")
    file.write(LARGE)
    world.move()
    with pytest.raises(RetryableError, match="moved to another home") as caught:
        file.close()
    exactly_retryable(caught)
    assert nothing_stands(world)
    assert ended(world, world.old) == ["aborted"]
    with world.client().create("a") as file:
        file.write(LARGE)
    assert world.at(world.new).read("a") == LARGE


@EITHER
def test_a_file_that_is_closed_while_its_volume_is_frozen_waits_until_its_patience_ends(world, data):
    file = world.client(patience=0.3).create("a")
    file.write(data)
    world.freeze()
    with pytest.raises(Frozen, match="later"):
        file.close()
    assert nothing_stands(world)
    assert ended(world, world.old) == ["aborted"] * (data is LARGE)


def test_parts_go_on_to_the_old_home_while_it_is_frozen_and_are_committed_when_it_comes_back(world):
    file = world.client().create("a")
    file.write(LARGE)
    world.freeze(max_frozen=0.4)
    file.write(LARGE)
    file.close()
    assert world.at(world.old).read("a") == 2 * LARGE
    assert ended(world, world.old) == ["committed"]
    assert world.switch.entry().home == world.old


def test_a_large_file_that_is_begun_while_the_volume_is_frozen_waits_for_its_home(world):
    frozen = world.freeze()
    client = world.client()

    def write():
        with client.create("a") as file:
            file.write(LARGE)

    writing = Background(write)
    raise_home(world, frozen)
    writing.result()
    assert world.at(world.new).read("a") == LARGE
    assert ended(world, world.old) == []


def test_a_commit_that_is_answered_after_the_flip_is_not_acknowledged(world):
    """The old home made the object, and the final delta carried it over; the writer cannot know."""
    store, client = world.backends[world.old], world.client()
    store.gates["committed"] = Gate()
    file = client.create("a")
    file.write(LARGE)
    closing = Background(file.close)
    assert store.gates["committed"].reached.wait(10)
    world.move()
    store.gates["committed"].set()
    with pytest.raises(OutcomeUnknown, match="cannot be read twice: write it again"):
        closing.result()
    assert world.at(world.new).read("a") == LARGE


def test_a_commit_that_is_late_at_the_old_home_is_not_acknowledged(world):
    store, client = world.backends[world.old], world.client()
    store.gates["commit"] = Gate()
    file = client.create("a")
    file.write(LARGE)
    closing = Background(file.close)
    assert store.gates["commit"].reached.wait(10)
    world.move()
    store.gates["commit"].set()
    with pytest.raises(OutcomeUnknown):
        closing.result()
    with pytest.raises(NotFound):
        world.at(world.new).read("a")


def test_a_commit_answered_after_its_lease_is_acknowledged_if_the_entry_is_the_same(world):
    store, client = world.backends[world.old], world.client()
    store.gates["committed"] = Gate()
    file = client.create("a")
    file.write(LARGE)
    closing = Background(file.close)
    assert store.gates["committed"].reached.wait(10)
    world.clock.skip(LEASE + 0.1)
    store.gates["committed"].set()
    closing.result()
    assert file.info.etag == world.at(world.old).info("a").etag


def test_an_exclusive_commit_whose_answer_was_lost_recognises_its_own_object(world):
    world.move()
    client, store = world.client(), world.backends[world.new]
    store.lost = [Unavailable("the answer was lost")]
    with client.create("a", expect=ABSENT) as file:
        file.write(LARGE)
    assert file.info.etag == world.at(world.new).info("a").etag
    with pytest.raises(AlreadyExists), client.create("a", expect=ABSENT) as file:
        file.write(LARGE)
    assert ended(world, world.new) == ["committed", "aborted"]


def test_a_commit_that_had_no_effect_is_sent_again_with_the_same_parts(world):
    world.move()
    client, store = world.client(), world.backends[world.new]
    file = client.create("a")
    file.write(LARGE)
    store.failing["commit"] = Unavailable("no answer")
    closing = Background(file.close)
    threading.Event().wait(0.3)
    del store.failing["commit"]
    closing.result()
    assert world.at(world.new).read("a") == LARGE
    assert ended(world, world.new) == ["committed"]


def test_a_commit_whose_answer_was_lost_and_whose_parts_are_gone_does_not_claim_that_it_failed(world):
    """The parts became an object, which somebody else has replaced since."""
    world.move()
    client, store = world.client(), world.backends[world.new]
    file = client.create("a")
    file.write(LARGE)
    commit = store.uploads[0].commit

    def once(*expect):
        commit(*expect)
        store.uploads[0].commit = gone
        world.at(world.new).write("a", b"somebody else's")
        raise Unavailable("the answer was lost")

    def gone(*_):
        raise NotFound("there is no such upload")

    store.uploads[0].commit = once
    with pytest.raises(OutcomeUnknown, match="may have taken effect"):
        file.close()
    assert world.at(world.new).read("a") == b"somebody else's"


def test_a_large_file_begun_in_another_epoch_is_not_written(world):
    """A compromised epoch would make it unreadable, and who was removed could read it."""
    world.move()
    client = LeasedVolume(
        world.homes("client"),
        lambda home, _: world.at(home),
        patience=5.0,
        renew=lambda _, volume: volume if volume.keys is world.keys else Volume(volume.backend, world.keys),
    )
    file = client.create("a")
    file.write(LARGE)
    closed = structs.replace(world.keys.active_epoch, state="readable")
    world.keys = VolumeKeys(structs.replace(world.keys.record, epochs=(closed, EpochKey.generate())))
    world.clock.skip(LEASE)
    with pytest.raises(RetryableError, match="epoch") as caught:
        file.close()
    exactly_retryable(caught)
    assert nothing_stands(world)


def test_keys_that_were_read_anew_in_the_same_epoch_change_nothing(world):
    world.move()
    client = LeasedVolume(
        world.homes("client"),
        lambda home, _: world.at(home),
        patience=5.0,
        renew=lambda _, volume: Volume(volume.backend, VolumeKeys(world.keys.record)),
    )
    file = client.create("a")
    file.write(LARGE)
    world.clock.skip(LEASE)
    file.close()
    assert world.at(world.new).read("a") == LARGE


def test_parts_sent_under_a_longer_lease_are_committed_within_the_bounds_of_the_present_one(world, tmp_path):
    """No request outlives a third of the lease that it is made under, so each length of lease has a backend of its own."""
    opened = []

    def open_home(home, bound):
        folder = tmp_path / home.url.rpartition("-")[2]
        folder.mkdir(exist_ok=True)
        url = f"file://{folder}"
        opened.append(RecordingBackend(open_backend(Location(url), bound=bound), url=url))
        return Volume(opened[-1], world.keys)

    client, data = LeasedVolume(world.homes("client"), open_home, patience=5.0), LARGE * 20
    file = client.create("a")
    file.write(data)
    world.switch.announce(world.switch.entry(), world.new, LEASE / 2)
    world.clock.skip(LEASE)
    file.close()
    first, second = (backend for backend in opened if backend.url == opened[0].url)
    assert second.bound < first.bound
    assert [call.verb for call in second.mutations][:2] == ["resume", "commit"]
    assert {call.verb for call in first.mutations} == {"begin", "part"}
    assert client.read("a") == data


def test_parts_that_only_their_own_backend_knows_of_are_not_committed_under_another_lease(world):
    """A store in memory ends with the process, so its uploads cannot be taken over."""

    def open_home(home, _):
        return Volume(RecordingBackend(world.backends[home], url=home.url), None)

    client = LeasedVolume(world.homes("client"), open_home, patience=5.0)
    file = client.create("a")
    file.write(LARGE)
    world.switch.announce(world.switch.entry(), world.new, LEASE / 2)
    world.clock.skip(LEASE)
    with pytest.raises(RetryableError, match="another lease") as caught:
        file.close()
    exactly_retryable(caught)
    assert nothing_stands(world)


@EITHER
def test_a_file_replaces_the_version_that_it_expects_and_no_other(world, data):
    client = world.client()
    first = client.write("a", b"first")
    with client.create("a", expect=Matches(first.etag)) as file:
        file.write(data)
    file_info = file.info
    assert client.read("a") == data
    for expect, refusal in ((Matches(first.etag), PreconditionFailed), (ABSENT, AlreadyExists)):
        with pytest.raises(refusal), client.create("a", expect=expect) as file:
            file.write(b"other" + data)
    assert client.read("a") == data
    assert client.write("a", b"second", expect=Matches(file_info.etag)).etag == client.info("a").etag
    with pytest.raises(PreconditionFailed):
        client.write("a", b"third", expect=Matches(first.etag))
    assert client.read("a") == b"second"


@EITHER
def test_a_file_that_is_left_by_an_exception_is_written_nowhere(world, data):
    def write():
        with world.client().create("a") as file:
            file.write(data)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        write()
    assert nothing_stands(world)
    assert set(ended(world, world.old)) <= {"aborted"}


def test_a_key_that_the_volume_does_not_hold_is_refused_at_once(world):
    with pytest.raises(InvalidKey):
        world.client().create(".portable/x")


def test_data_that_cannot_be_read_twice_and_was_not_committed_is_written_at_neither_home(world):
    client = world.client()

    def chunks():
        yield LARGE
        yield LARGE
        world.move()
        yield LARGE

    with pytest.raises(RetryableError, match="moved to another home") as caught:
        client.write("a", chunks())
    exactly_retryable(caught)
    assert nothing_stands(world)


def test_parts_that_another_writers_commit_dropped_are_sent_again_where_the_data_can_be_read_again(world):
    """As at Azure, which drops the parts of every upload to a key when the object there is written."""
    client, store = world.client(), world.backends[world.old]

    def drop(upload):
        def gone(*_):
            raise NotFound("there is no such part")

        upload.commit = gone

    begin = store.begin

    def dropped_once(*given, **options):
        upload = begin(*given, **options)
        if len(store.uploads) == 1:
            drop(upload)
        return upload

    store.begin = dropped_once
    client.write("a", LARGE)
    assert client.read("a") == LARGE
    assert ended(world, world.old) == ["aborted", "committed"]
    file = client.create("b")
    file.write(LARGE)
    drop(store.uploads[-1])
    with pytest.raises(RetryableError, match="another writer") as caught:
        file.close()
    exactly_retryable(caught)
    assert [info.key for info in client.list()] == ["a"]


def test_data_that_cannot_be_read_twice_is_not_asked_for_again_after_an_outage(world):
    world.backends[world.old].failing = {2: Unavailable("no answer")}
    with pytest.raises(RetryableError, match="an attempt to send it failed") as caught:
        world.client().write("a", iter([LARGE, LARGE]))
    exactly_retryable(caught)
    assert nothing_stands(world)
