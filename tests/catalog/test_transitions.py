"""The phases of a move, tried exhaustively."""

import itertools

import pytest

from portable.catalog.entry import Entry, Home
from portable.catalog.transitions import ALLOWED, successor
from portable.errors import RefusedError

OLD = Home(url="az://lake", mode="clear")
NEW = Home(url="s3://lake-eu", mode="sealed", keyring="k.json", volume="lake", volume_id="00" * 16)
PHASES = tuple(ALLOWED)


def entry(phase, **fields):
    home, other = (NEW, OLD) if phase == "flipped" else (OLD, NEW)
    known = {"name": "lake", "generation": 5, "write_id": "w5", "lease": 10.0, "authority": "sha256:" + "0" * 64}
    return Entry(phase=phase, home=home, other=other, **(known | fields))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(PHASES, PHASES)))
def test_only_the_steps_of_a_move_can_be_made(before, after):
    if after in ALLOWED[before]:
        assert successor(entry(before), after, lease=1, other=NEW).phase == after
    else:
        with pytest.raises(RefusedError, match="cannot become"):
            successor(entry(before), after, lease=1, other=NEW)


def test_the_home_changes_at_the_flip_and_nowhere_else():
    for before, steps in ALLOWED.items():
        for after in steps:
            changed = successor(entry(before), after, lease=1, other=NEW).home != entry(before).home
            assert changed == (after == "flipped")


def test_every_step_has_a_fresh_write_id_and_names_what_it_replaces():
    one, two = (successor(entry("active"), "announced", lease=1, other=NEW) for _ in range(2))
    assert one.write_id != two.write_id
    assert one.previous == two.previous == "w5"


def test_a_way_back_signed_in_advance_is_older_than_the_flip():
    frozen = entry("frozen")
    assert successor(frozen, "active", lease=1).generation < successor(frozen, "flipped", lease=1).generation


@pytest.mark.parametrize(("waited", "outstanding"), [(True, 10.0), (False, 30.0)])
def test_the_wait_that_is_owed_is_forgotten_only_by_who_has_waited(waited, outstanding):
    assert successor(entry("announced", outstanding=30.0), "frozen", lease=1, waited=waited).outstanding == outstanding
