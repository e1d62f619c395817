"""The phases of a move, tried exhaustively."""

import itertools

import pytest

from portable.catalog.entry import Entry, Home
from portable.catalog.transitions import ALLOWED, revised, successor
from portable.errors import RefusedError

OLD = Home(url="az://lake", mode="clear")
NEW = Home(url="s3://lake-eu", mode="sealed", keyring="k.json", volume="lake", volume_id="00" * 16)
PHASES = tuple(ALLOWED)


def entry(phase, **fields):
    home, other = (NEW, OLD) if phase == "flipped" else (OLD, NEW)
    known = {
        "home": home,
        "other": other,
        "name": "lake",
        "generation": 5,
        "write_id": "w5",
        "lease": 10.0,
        "authority": "sha256:" + "0" * 64,
    }
    return Entry(phase=phase, **(known | fields))


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


def test_a_home_is_described_anew_between_moves_alone():
    active = entry("active", outstanding=30.0)
    changed = revised(active, home=NEW, lease=5.0)
    assert (changed.generation, changed.previous, changed.phase) == (6, "w5", "active")
    assert (changed.home, changed.lease, changed.outstanding) == (NEW, 5.0, 30.0)
    assert changed.write_id != "w5"
    for phase in ("announced", "frozen", "flipped"):
        with pytest.raises(RefusedError, match="a migration is moving it"):
            revised(entry(phase), home=OLD, lease=5.0)


def test_consent_to_a_home_in_clear_lasts_as_long_as_the_home_is_in_clear():
    sealed = entry("active", home=NEW)
    clear = revised(sealed, home=OLD, lease=5.0)
    assert clear.allow_clear
    assert revised(clear, home=OLD, lease=6.0).allow_clear
    assert not revised(clear, home=NEW, lease=5.0).allow_clear
    assert not revised(entry("active"), home=OLD, lease=5.0).allow_clear
