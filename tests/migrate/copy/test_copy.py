"""Copying between stores in memory: what ends up where, and what the journal says of it."""

from datetime import UTC, datetime

import pytest

from migrate import tokens
from migrate.copy import copy_objects
from migrate.digests import LeafDigest
from migrate.journal import Listed
from migrate.states import Sum
from portable.backends.protocol import Attributes
from portable.errors import Denied, IntegrityError, Unsupported
from portable.volume import Volume
from tests.migrate.copy.places import KEYS, Exchange, Verb

ATTRIBUTES = Attributes(
    content_type="text/csv",
    cache_control="max-age=60",
    content_disposition="attachment; filename=a.csv",
    content_encoding="identity",
    content_language="fr",
    metadata={"owner": "lake", "note": "x" * 300},
)


def test_every_object_is_copied_with_its_attributes_and_original_time(exchange: Exchange) -> None:
    exchange.put("a/1.csv", b"1,2,3", ATTRIBUTES)
    exchange.put("empty", b"")
    exchange.put("dossier médical/été 2024 ☃.csv", bytes(70_000))
    exchange.take_inventory()

    summary = copy_objects(exchange.journal, exchange.source, exchange.target)

    assert (summary.copied, summary.failed, summary.vanished) == (Sum(3, 70_005), Sum(), Sum())
    assert not summary.stopped
    for original in exchange.source.list():
        copy = exchange.target.info(original.key)
        assert exchange.target.read(original.key) == exchange.source.read(original.key)
        assert copy.modified == original.modified
        assert copy.source_etag == original.etag
    assert exchange.target.info("a/1.csv").attributes == ATTRIBUTES


def test_a_receipt_holds_both_tokens_the_size_and_the_keyed_digest(exchange: Exchange) -> None:
    exchange.put("key", b"content")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)

    item, expected = exchange.item("key"), LeafDigest()
    expected.update(b"content")
    assert item.state == "copied"
    assert item.size == 7
    assert item.digest == expected.keyed(KEYS.digest_key)
    assert item.source == tokens.token(exchange.source.backend.stat("key"))
    assert item.target is not None
    assert tokens.same(item.target, tokens.token(exchange.target.backend.stat("key")))


def test_a_new_inventory_after_the_copy_finds_nothing_to_copy(exchange: Exchange) -> None:
    exchange.put("key", b"content")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.take_inventory()
    assert exchange.states() == {"key": "copied"}


def test_nothing_with_a_receipt_is_copied_again(exchange: Exchange) -> None:
    exchange.put("key", b"content")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    puts = Verb("put")
    assert copy_objects(exchange.journal, exchange.source, exchange.meddled_target(puts)).copied == Sum()
    assert puts.keys == []


def test_a_large_object_goes_through_parts(exchange: Exchange) -> None:
    data = bytes(range(256)) * (20 << 12)
    exchange.put("large", data)
    exchange.take_inventory()
    begun = Verb("begin")
    copy_objects(exchange.journal, exchange.source, exchange.meddled_target(begun))
    assert exchange.target.read("large") == data
    assert begun.keys == ["large"]


def test_one_bad_object_does_not_stop_the_others(exchange: Exchange) -> None:
    for number in range(30):
        exchange.put(f"{number}", b"data")
    exchange.take_inventory()
    gets = Verb("get")
    gets.fail_always(Denied("get '0': not allowed"), "0")

    summary = copy_objects(exchange.journal, exchange.meddled_source(gets), exchange.target, workers=1)

    assert (summary.copied.objects, summary.failed) == (29, Sum(1, 4))
    assert exchange.item("0").state == "failed"
    assert exchange.item("0").reason == "at the source: get '0': not allowed"


def test_what_failed_is_copied_by_the_next_run(exchange: Exchange) -> None:
    exchange.put("key", b"data")
    exchange.take_inventory()
    gets = Verb("get")
    gets.fail("key", Denied("not allowed"))
    copy_objects(exchange.journal, exchange.meddled_source(gets), exchange.target)
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert (exchange.item("key").state, exchange.item("key").reason) == ("copied", None)


def test_a_snapshot_is_not_passed_off_as_the_current_object(exchange: Exchange) -> None:
    exchange.put("key", b"current")
    exchange.journal.scan("source", [Listed("key", 7, "etag|7|0", variant="snapshot 2026-01-01")])
    exchange.journal.reconcile()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    (item,) = exchange.journal.items()
    assert item.state == "failed"
    assert "snapshot 2026-01-01" in (item.reason or "")
    assert exchange.target_holds() == {}


def test_a_target_without_conditional_writes_is_refused_before_anything_is_read(exchange: Exchange) -> None:
    exchange.put("key", b"data")
    exchange.take_inventory()

    class Unconditional:
        class capabilities:  # noqa: N801 - the attribute of a backend
            conditional_create = conditional_replace = False

    gets = Verb("get")
    with pytest.raises(Unsupported, match="no conditional writes"):
        copy_objects(exchange.journal, exchange.meddled_source(gets), Volume(Unconditional(), KEYS))  # type: ignore[arg-type]
    assert gets.keys == []
    assert exchange.states() == {"key": "pending"}


def test_a_source_that_gives_fewer_bytes_than_it_says_fails_the_object(exchange: Exchange, monkeypatch) -> None:
    exchange.put("key", b"data" * 10)
    exchange.take_inventory()
    monkeypatch.setattr("migrate.copy.chunks", lambda _reader: iter([b"data"]))
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.item("key").reason == "at the source: the host gave 4 bytes of an object that has 40"
    assert exchange.target_holds() == {}


def test_progress_is_told_of_durable_receipts_only(exchange: Exchange) -> None:
    for number in range(5):
        exchange.put(f"{number}", b"data")
    exchange.take_inventory()
    told = Sum()

    def progress(done: Sum) -> None:
        nonlocal told
        told += done
        assert exchange.journal.totals().by_state["copied"] == told

    copy_objects(exchange.journal, exchange.source, exchange.target, progress=progress)
    assert told == Sum(5, 20)


def test_a_sealed_volume_is_copied_under_other_keys(exchange: Exchange) -> None:
    sealed = exchange.target
    written = sealed.write("key", b"data" * 2_000, attributes=ATTRIBUTES, modified=datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC))
    back = Volume(exchange.source.backend, type(KEYS).generate("back"))
    exchange.journal.scan(
        "source", (Listed(stat.key, 0, tokens.token(stat)) for stat in sealed.backend.list() if stat.key == "key")
    )
    exchange.journal.reconcile()
    copy_objects(exchange.journal, sealed, back)
    copy = back.info("key")
    assert back.read("key") == b"data" * 2_000
    assert (copy.modified, copy.attributes) == (written.modified, ATTRIBUTES)
    assert exchange.item("key").size == 8_000


def test_an_altered_object_of_a_sealed_source_is_never_copied(exchange: Exchange) -> None:
    sealed = exchange.target
    sealed.write("key", b"data" * 2_000)
    stored = bytearray(sealed.backend.get("key").data)
    stored[1_000] ^= 1
    sealed.backend.put("key", stored)
    back = Volume(exchange.source.backend, type(KEYS).generate("back"))
    exchange.journal.scan("source", (Listed(stat.key, stat.size, tokens.token(stat)) for stat in sealed.backend.list()))
    exchange.journal.reconcile()
    copy_objects(exchange.journal, sealed, back)
    with pytest.raises(IntegrityError):
        sealed.read("key")
    assert exchange.item("key").state == "failed"
    assert list(back.list()) == []
