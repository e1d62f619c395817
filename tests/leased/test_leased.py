"""Clients of a volume that moves: what they acknowledge is never lost, and what they read was written."""

import io
import threading

import pytest

from portable.backends.protocol import ABSENT, Matches
from portable.catalog.entry import sign_entry
from portable.errors import AlreadyExists, Frozen, NotFound, OutcomeUnknown, PreconditionFailed, Unavailable, UntrustedSignature
from portable.keys.authority import Authority
from tests.leased.conftest import LEASE


class Background(threading.Thread):
    """Runs a call beside the test, and gives its result or raises its error."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self._call = call
        self._result = self._error = None
        self.start()

    def run(self):
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self._error = error

    def result(self):
        self.join(20)
        assert not self.is_alive()
        if self._error:
            raise self._error
        return self._result


def test_a_client_follows_its_volume_to_the_new_home(world):
    client = world.client()
    client.write("a", b"before")
    world.move()
    assert client.read("a") == b"before"
    client.write("b", b"after")
    assert world.at(world.new).read("b") == b"after"
    with pytest.raises(NotFound):
        world.at(world.old).read("b")


def test_while_frozen_readers_go_on_and_writers_wait_until_their_patience_ends(world):
    client = world.client(patience=0.3)
    client.write("a", b"before")
    world.freeze()
    assert client.read("a") == b"before"
    for mutate in (lambda: client.write("b", b""), lambda: client.delete("a")):
        with pytest.raises(Frozen, match="later"):
            mutate()
    assert world.at(world.old).read("a") == b"before"


def test_a_writer_that_waits_goes_on_at_the_new_home(world):
    client = world.client()
    frozen = world.freeze()
    writing = Background(lambda: client.write("a", b"patient"))
    world.carry()
    world.switch.activate(world.switch.flip(frozen, 0.2), 0.6)
    writing.result()
    assert world.at(world.new).read("a") == b"patient"


def test_a_put_that_is_answered_after_the_freeze_is_not_acknowledged_at_the_old_home(world):
    """The catalog said active; freeze and flip happen while the put is under way, and the old host answers 200."""
    client = world.client()
    held = world.backends[world.old]
    held.after.clear()
    writing = Background(lambda: client.write("a", b"late"))
    assert held.arrived.wait(10)
    world.move()
    held.after.set()
    writing.result()
    assert world.at(world.new).read("a") == b"late"


def test_a_client_that_pauses_before_its_put_writes_late_and_acknowledges_only_at_the_new_home(world):
    client = world.client()
    client.write("a", b"1")
    held = world.backends[world.old]
    held.before.clear()
    writing = Background(lambda: client.write("a", b"2"))
    assert held.arrived.wait(10)
    frozen = world.freeze()
    world.at(world.new).write("a", b"1")
    world.switch.activate(world.switch.flip(frozen, 0.2), 0.6)
    held.before.set()
    writing.result()
    assert world.at(world.new).read("a") == b"2"


def test_a_write_answered_after_its_lease_is_acknowledged_if_the_entry_is_the_same(world):
    client = world.client()
    held = world.backends[world.old]
    held.after.clear()
    writing = Background(lambda: client.write("a", b"slow"))
    assert held.arrived.wait(10)
    world.clock.skip(LEASE + 0.1)
    held.after.set()
    assert writing.result().etag == world.at(world.old).info("a").etag


def test_data_that_cannot_be_read_twice_is_not_silently_cut_when_the_volume_moves(world):
    client = world.client()
    held = world.backends[world.old]
    held.after.clear()
    writing = Background(lambda: client.write("a", iter([b"once ", b"only"])))
    assert held.arrived.wait(10)
    world.move()
    held.after.set()
    with pytest.raises(OutcomeUnknown, match="cannot be read twice"):
        writing.result()


def test_a_file_is_read_again_from_where_it_stood(world):
    client = world.client()
    held = world.backends[world.old]
    held.after.clear()
    stream = io.BytesIO(b"skipped|kept")
    stream.seek(8)
    writing = Background(lambda: client.write("a", stream))
    assert held.arrived.wait(10)
    world.move()
    held.after.set()
    writing.result()
    assert world.at(world.new).read("a") == b"kept"


def test_an_exclusive_write_whose_answer_was_lost_recognises_its_own_object(world):
    world.move()
    client = world.client()
    held = world.backends[world.new]
    lost = iter([True])
    plain = held.backend.put

    def lossy(*args, **options):
        stat = plain(*args, **options)
        if next(lost, False):
            raise Unavailable("the answer was lost")
        return stat

    held.put = lossy
    assert client.write("a", b"mine", expect=ABSENT).etag == world.at(world.new).info("a").etag
    with pytest.raises(AlreadyExists):
        client.write("a", b"other", expect=ABSENT)


def test_an_exclusive_write_to_a_clear_home_whose_answer_was_lost_does_not_claim_that_it_failed(world):
    client = world.client()
    held = world.backends[world.old]
    plain = held.backend.put

    def lossy(*args, **options):
        plain(*args, **options)
        raise Unavailable("the answer was lost")

    held.put = lossy
    attempts = iter([lossy, plain])
    held.put = lambda *args, **options: next(attempts)(*args, **options)
    with pytest.raises(OutcomeUnknown):
        client.write("a", b"mine", expect=ABSENT)


@pytest.mark.parametrize("seen", ["replaced", "deleted"])
def test_an_exclusive_write_that_others_saw_and_undid_does_not_claim_that_it_failed(world, seen):
    world.move()
    client, held = world.client(), world.backends[world.new]
    plain = held.backend.put
    before = client.write("a", b"before").etag

    def lossy(*args, **options):
        held.put = plain
        plain(*args, **options)
        other = world.at(world.new)
        other.write("a", b"another's") if seen == "replaced" else other.delete("a")
        raise Unavailable("the answer was lost")

    held.put = lossy
    with pytest.raises(OutcomeUnknown):
        client.write("a", b"mine", expect=Matches(before))


@pytest.mark.parametrize("seen", ["nothing", "another object"])
def test_an_exclusive_delete_whose_answer_was_lost_does_not_claim_that_it_failed(world, seen):
    world.move()
    client, held = world.client(), world.backends[world.new]
    plain = held.backend.delete
    before = client.write("a", b"before").etag

    def lossy(*args, **options):
        held.delete = plain
        plain(*args, **options)
        if seen == "another object":
            world.at(world.new).write("a", b"another's")
        raise Unavailable("the answer was lost")

    held.delete = lossy
    if seen == "nothing":
        client.delete("a", expect=Matches(before))
        return
    with pytest.raises(OutcomeUnknown):
        client.delete("a", expect=Matches(before))


def test_writers_return_a_frozen_volume_whose_coordinator_is_gone(world):
    client = world.client()
    world.freeze(max_frozen=0.5)
    client.write("a", b"no coordinator was needed")
    entry = world.switch.entry()
    assert (entry.phase, entry.home) == ("active", world.old)


def test_a_flip_that_comes_after_writers_returned_the_volume_changes_nothing(world):
    client = world.client()
    frozen = world.freeze(max_frozen=0.3)
    client.write("a", b"acknowledged at the old home")
    with pytest.raises(PreconditionFailed):
        world.switch.flip(frozen, 0.2)
    assert world.switch.entry().home == world.old


def test_writers_do_not_return_a_volume_before_its_time(world):
    client = world.client(patience=0.4)
    world.freeze(max_frozen=5.0)
    with pytest.raises(Frozen):
        client.write("a", b"")
    assert world.switch.entry().phase == "frozen"


def test_a_way_back_replayed_after_the_flip_is_refused(world):
    client = world.client()
    frozen = world.freeze()
    world.switch.activate(world.switch.flip(frozen, 0.2), 0.6)
    client.homes.refresh()
    file = world.catalog.path.read_bytes()
    assert frozen.way_back is not None
    world.catalog.path.write_bytes(b'{"version":1,"entries":{"lake":' + frozen.way_back.encode() + b"}}")
    with pytest.raises(UntrustedSignature, match="an old entry was put back"):
        client.homes.refresh()
    world.catalog.path.write_bytes(file)


def test_a_redirection_by_another_authority_reaches_no_store(world):
    client = world.client()
    forged = world.switch.entry()
    document = sign_entry(forged, Authority.generate())
    world.catalog.path.write_bytes(b'{"version":1,"entries":{"lake":' + document + b"}}")
    with pytest.raises(UntrustedSignature):
        client.write("a", b"secret")
    assert not list(world.at(world.old).list())


def test_an_open_file_and_a_listing_stay_at_the_store_that_they_began_on(world):
    client = world.client()
    client.write("a", b"old home")
    client.write("b", b"old home")
    stream, listing = client.open("a"), client.list()
    next(listing)
    world.move()
    client.write("c", b"new home")
    assert stream.read() == b"old home"
    assert len(list(listing)) == 1


def test_clients_report_that_they_cannot_open_the_announced_home(world):
    def refuse(home, _):
        if home == world.new:
            raise Unavailable("no route to the new host")
        return world.at(home)

    blind = world.client("blind")
    blind._open_home = refuse
    seeing = world.client("seeing")
    announced = world.switch.announce(world.switch.entry(), world.new, 0.6)
    world.switch.outlast(announced)
    for client in (blind, seeing):
        client.write("a", b"still written while announced")
    problems = world.switch.problems(announced)
    assert len(problems) == 1
    assert "no route to the new host" in problems[0]


def test_a_report_that_cannot_be_read_counts_as_a_client_that_is_not_ready(world):
    announced = world.switch.announce(world.switch.entry(), world.new, 0.6)
    folder = world.catalog.path.with_name("catalog.json.reports") / announced.write_id
    folder.mkdir(parents=True)
    (folder / "client.json").write_bytes(b"\xff{")
    assert world.switch.problems(announced)[0].startswith("client: its report cannot be read")
