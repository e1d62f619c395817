"""The coordinator alone, over stores in memory: it ends with the new home active, or with the old one, never between."""

import threading
import time

import pytest

from migrate.cutover import Cutover
from migrate.declaration import Timing
from migrate.gate import check_gate
from migrate.journal import Journal, Listed, Outcome
from migrate.switch import Switch
from migrate.tokens import token, written
from portable.errors import RefusedError, Unavailable
from tests.leased.conftest import World

TIMING = Timing(lease=0.4, frozen_lease=0.1, max_frozen=20.0)


class Objects:
    """Carries objects between the two stores of a world, and does on the way what a test asks of it."""

    def __init__(self, world, journal):
        self.world = world
        self.journal = journal
        self.during_delta = lambda: None
        self.during_scan = lambda: None

    def delta(self):
        source, target = self.world.at(self.world.old), self.world.at(self.world.new)
        self.during_delta()
        self.journal.scan("source", [Listed(i.key, i.size, token(i.stat)) for i in source.list()])
        self.journal.reconcile()
        changed = list(self.journal.items("pending"))
        for item in changed:
            info = target.write(item.key, source.read(item.key))
            self.journal.record([Outcome(item.id, "verified", target=written(info.stat), digest=bytes(32))])
        gone = [item for item in self.journal.items("vanished") if item.target]
        for item in gone:
            target.delete(item.key)
        self.journal.forget_copies(item.id for item in gone)
        return len(changed) + len(gone)

    def scan_both(self):
        self.during_scan()
        for side, home in (("source", self.world.old), ("target", self.world.new)):
            self.journal.scan(side, [Listed(i.key, i.size, token(i.stat)) for i in self.world.at(home).list()])


@pytest.fixture
def world(tmp_path, authority, monkeypatch):
    return World(tmp_path, authority, monkeypatch)


@pytest.fixture
def objects(world, tmp_path):
    with Journal.open(tmp_path / "exit.journal", create=True) as journal:
        objects = Objects(world, journal)
        for number in range(5):
            world.at(world.old).write(f"k{number}", b"content")
        objects.delta()
        yield objects


@pytest.fixture
def cut_over(world, objects):
    def cut_over(switch=world.switch, timing=TIMING):
        return Cutover(switch, objects, old=world.old, new=world.new, timing=timing, tell=lambda _: None).run()

    return cut_over


def home_and_phase(world):
    entry = world.switch.entry()
    return entry.home, entry.phase


def test_a_cutover_moves_the_home_and_repeating_it_changes_nothing(world, cut_over):
    assert cut_over().moved
    generation = world.switch.entry().generation
    assert cut_over().moved
    assert (*home_and_phase(world), world.switch.entry().generation) == (world.new, "active", generation)


def test_what_changes_before_the_freeze_is_carried_and_deletions_too(world, objects, cut_over):
    changes = iter([lambda: world.at(world.old).write("k1", b"newer"), lambda: world.at(world.old).delete("k2")])
    objects.during_delta = lambda: next(changes, lambda: None)()
    assert cut_over().moved
    assert world.at(world.new).read("k1") == b"newer"
    assert sorted(info.key for info in world.at(world.new).list()) == ["k0", "k1", "k3", "k4"]


@pytest.mark.parametrize(
    ("mishap", "named"),
    [
        (lambda world: world.at(world.new).write("planted", b"x"), "not written by this migration"),
        (lambda world: world.at(world.new).write("k1", b"other"), "changed at the target"),
        (lambda world: world.at(world.new).delete("k1"), "missing at the target"),
        (lambda world: world.at(world.old).write("k1", b"native write"), "changed at the source"),
        (lambda world: world.at(world.old).delete("k1"), "missing at the source"),
        (lambda world: world.at(world.old).write("new", b"x"), "new at the source"),
    ],
)
def test_whatever_differs_between_the_final_delta_and_the_gate_keeps_the_old_home(world, objects, cut_over, mishap, named):
    objects.during_scan = lambda: mishap(world)
    result = cut_over()
    assert not result.moved
    assert named in result.problems[0]
    assert home_and_phase(world) == (world.old, "active")


def test_a_host_that_fails_returns_the_volume(world, objects, cut_over):
    def fail():
        raise Unavailable("the host is gone")

    objects.during_scan = fail
    result = cut_over()
    assert result.problems == ("the host is gone",)
    assert home_and_phase(world) == (world.old, "active")


def test_an_interruption_returns_the_volume_and_is_not_swallowed(world, objects, cut_over):
    def interrupt():
        raise KeyboardInterrupt

    objects.during_scan = interrupt
    with pytest.raises(KeyboardInterrupt):
        cut_over()
    assert home_and_phase(world) == (world.old, "active")


def test_an_interruption_while_waiting_for_leases_returns_the_volume(world, authority, cut_over):
    waits = iter([None, KeyboardInterrupt()])

    def sleep(_):
        if (error := next(waits, None)) is not None:
            raise error

    with pytest.raises(KeyboardInterrupt):
        cut_over(switch=Switch(world.homes("impatient"), authority, sleep=sleep))
    assert home_and_phase(world) == (world.old, "active")


def test_a_flip_whose_answer_was_lost_is_finished_and_not_returned(world, authority, cut_over):
    class Lossy(Switch):
        def flip(self, frozen, lease):
            super().flip(frozen, lease)
            raise Unavailable("no answer")

    result = cut_over(switch=Lossy(world.homes("lossy"), authority, sleep=world.clock.skip))
    assert result.moved
    assert home_and_phase(world) == (world.new, "active")


def test_a_coordinator_that_sleeps_past_the_limit_finds_the_volume_returned(world, objects, cut_over):
    client = world.client()

    def oversleep():
        client.write("k1", b"acknowledged at the old home, after writers returned it")

    objects.during_scan = oversleep
    result = cut_over(timing=Timing(lease=0.4, frozen_lease=0.1, max_frozen=0.3))
    assert not result.moved
    assert home_and_phase(world) == (world.old, "active")
    objects.during_scan = lambda: None
    assert cut_over().moved
    assert world.at(world.new).read("k1").startswith(b"acknowledged")


@pytest.mark.parametrize("left", ["announced", "frozen", "flipped"])
def test_a_coordinator_that_was_killed_is_followed_by_one_that_ends_the_move(world, cut_over, left):
    entry = world.switch.announce(world.switch.entry(), world.new, 0.4)
    if left != "announced":
        entry = world.switch.freeze(entry, lease=0.1, max_frozen=20)
    if left == "flipped":
        world.switch.flip(entry, 0.1)
    assert cut_over().moved
    assert home_and_phase(world) == (world.new, "active")


def test_a_gate_result_is_void_for_another_freeze(objects):
    objects.scan_both()
    result = check_gate(objects.journal, "one freeze")
    assert result.opens_for("one freeze")
    assert not result.opens_for("another freeze")


def test_after_a_restart_the_longest_lease_from_before_is_waited_out_again(world, authority, cut_over):
    """The first coordinator died at once after its announcement, when clients still held the longer lease from before."""
    first = world.switch.entry()
    world.switch.announce(first, world.new, 0.05)
    waits = []
    switch = Switch(world.homes("second"), authority, sleep=waits.append)
    assert cut_over(switch=switch, timing=Timing(lease=0.05, frozen_lease=0.02, max_frozen=20)).moved
    assert waits[0] >= first.lease


def test_clients_that_cannot_open_the_new_home_keep_the_volume_where_it_is(world, objects, cut_over):
    def refuse(home, _):
        if home == world.new:
            raise Unavailable("no route")
        return world.at(home)

    blind = world.client("blind")
    blind._open_home = refuse
    objects.during_delta = lambda: blind.read("k0")
    result = cut_over()
    assert not result.moved
    assert "no route" in result.problems[0]


def test_nothing_is_announced_before_everything_is_verified(world, objects, cut_over):
    world.at(world.old).write("k9", b"new")
    objects.journal.scan("source", [Listed(i.key, i.size, token(i.stat)) for i in world.at(world.old).list()])
    objects.journal.reconcile()
    before = world.switch.entry()
    with pytest.raises(RefusedError, match="portable migrate verify"):
        cut_over()
    assert world.switch.entry() == before


def test_writers_at_work_lose_nothing_over_many_cutovers_attempted(world, authority, objects, cut_over):
    """Gates shut at random; the writer goes on all the while, and what it was told was written is where the volume is.

    Waits are slept here: a lease must not end under a write that is on its way.
    """
    switch = Switch(world.homes("sleeping"), authority, sleep=time.sleep)
    client, stop, acknowledged = world.client(), threading.Event(), {}

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            client.write(f"w{number % 4}", str(number).encode())
            acknowledged[f"w{number % 4}"] = number

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for attempt in range(3):
            objects.during_scan = (lambda: world.at(world.new).write("planted", b"x")) if attempt < 2 else (lambda: None)
            assert cut_over(switch=switch).moved == (attempt == 2)
            world.at(world.new).delete("planted")
    finally:
        stop.set()
        writer.join(30)
    final = world.client("reader")
    assert {key: int(final.read(key)) for key in acknowledged} == acknowledged
