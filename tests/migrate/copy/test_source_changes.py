"""Objects that change or vanish at the source while they are copied, and the deletions that follow."""

from dataclasses import replace

import pytest

from migrate import tokens
from migrate.copy import GONE, copy_objects
from migrate.deletions import KEPT, UNCONDITIONAL, delete_vanished
from migrate.states import Sum
from portable.errors import NotFound
from portable.volume import Volume
from tests.migrate.copy.places import Exchange, Meddling

LARGE = 20 << 20


def test_a_version_newer_than_the_listing_is_copied_and_recorded_as_what_it_is(exchange: Exchange) -> None:
    exchange.put("key", b"listed")
    exchange.take_inventory()
    exchange.put("key", b"newer than that")
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.target_holds() == {"key": b"newer than that"}
    assert exchange.item("key").size == 15
    exchange.take_inventory()
    assert exchange.states() == {"key": "copied"}


def test_an_object_replaced_while_it_is_read_is_copied_whole_in_its_new_version(exchange: Exchange) -> None:
    old, new = b"o" * LARGE, b"n" * LARGE
    exchange.put("key", old)
    exchange.take_inventory()
    reads = []

    def replace_at_second_read(verb: str, key: str) -> None:
        reads.append(key)
        if len(reads) == 2:
            exchange.put("key", new)

    copy_objects(exchange.journal, exchange.meddled_source(replace_at_second_read), exchange.target)
    assert exchange.target.read("key") == new
    assert exchange.item("key").source == tokens.token(exchange.source.backend.stat("key"))


def test_an_object_that_never_holds_still_fails_and_leaves_nothing_behind(exchange: Exchange) -> None:
    exchange.put("key", bytes(LARGE))
    exchange.take_inventory()
    source = exchange.meddled_source(lambda _verb, _key: exchange.put("key", bytes(LARGE)))
    copy_objects(exchange.journal, source, exchange.target)
    assert exchange.states() == {"key": "failed"}
    assert "replaced or deleted while it was read" in (exchange.item("key").reason or "")
    assert exchange.target_holds() == {}


def test_an_object_gone_at_the_source_is_vanished(exchange: Exchange) -> None:
    exchange.put("gone", b"data")
    exchange.put("here", b"data")
    exchange.take_inventory()
    exchange.source.delete("gone")
    summary = copy_objects(exchange.journal, exchange.source, exchange.target)
    assert (summary.copied, summary.vanished) == (Sum(1, 4), Sum(1, 4))
    assert exchange.states() == {"gone": "vanished", "here": "copied"}
    assert exchange.item("gone").reason == GONE


def test_a_missing_container_does_not_make_its_objects_vanish(exchange: Exchange) -> None:
    for number in range(100):
        exchange.put(f"{number}", b"data")
    exchange.take_inventory()

    class NoContainer(Meddling):
        def get(self, *_: object, **__: object):
            raise NotFound("no such container")

        def list(self, *_: object):
            raise NotFound("no such container")

    source = Volume(NoContainer(exchange.source.backend), None)
    with pytest.raises(NotFound, match="the source seems to refuse every object"):
        copy_objects(exchange.journal, source, exchange.target, workers=1)
    states = list(exchange.states().values())
    assert "vanished" not in states
    assert states.count("pending") > 50


def test_the_copy_of_a_vanished_object_is_deleted_and_its_receipt_forgotten(exchange: Exchange) -> None:
    exchange.put("gone", b"data")
    exchange.put("here", b"data")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.source.delete("gone")
    exchange.take_inventory()

    summary = delete_vanished(exchange.journal, exchange.target)

    assert (summary.deleted, summary.kept) == (Sum(1, 4), Sum())
    assert exchange.target_holds() == {"here": b"data"}
    assert exchange.states() == {"gone": "vanished", "here": "copied"}
    assert exchange.item("gone").target is None
    assert delete_vanished(exchange.journal, exchange.target).deleted == Sum()


def test_a_deletion_whose_record_was_lost_is_recorded_the_next_time(exchange: Exchange) -> None:
    exchange.put("gone", b"data")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.source.delete("gone")
    exchange.take_inventory()
    exchange.target.delete("gone")
    assert delete_vanished(exchange.journal, exchange.target).deleted == Sum(1, 4)
    assert exchange.item("gone").target is None


def test_what_replaced_the_copy_of_a_vanished_object_is_kept(exchange: Exchange) -> None:
    exchange.put("gone", b"data")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.source.delete("gone")
    exchange.take_inventory()
    exchange.target.write("gone", b"a client's")
    summary = delete_vanished(exchange.journal, exchange.target)
    assert (summary.deleted, summary.kept) == (Sum(), Sum(1, 4))
    assert exchange.target_holds() == {"gone": b"a client's"}
    assert exchange.item("gone").reason == KEPT


def test_a_host_that_deletes_under_no_condition_keeps_the_copy_until_it_is_deleted_by_hand(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.put("gone", b"data")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.source.delete("gone")
    exchange.take_inventory()
    weak = replace(exchange.target.backend.capabilities, conditional_delete=False)
    monkeypatch.setattr(exchange.target.backend, "capabilities", weak)

    assert delete_vanished(exchange.journal, exchange.target).kept == Sum(1, 4)
    assert exchange.target_holds() == {"gone": b"data"}
    assert exchange.item("gone").reason == UNCONDITIONAL

    exchange.target.delete("gone")
    assert delete_vanished(exchange.journal, exchange.target).deleted == Sum(1, 4)
    assert exchange.item("gone").target is None


def test_an_object_that_comes_back_after_its_deletion_was_carried_is_copied_again(exchange: Exchange) -> None:
    exchange.put("key", b"first")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.source.delete("key")
    exchange.take_inventory()
    delete_vanished(exchange.journal, exchange.target)
    exchange.put("key", b"first")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.target_holds() == {"key": b"first"}
    assert exchange.states() == {"key": "copied"}
