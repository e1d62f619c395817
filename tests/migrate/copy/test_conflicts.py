"""What stands at the target already: a copy whose receipt was lost is replaced, anything else is left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from migrate.copy import FOREIGN, copy_objects
from migrate.journal import Journal
from portable.errors import Unavailable
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.migrate.copy.places import Exchange, Meddling


def lose_receipts(exchange: Exchange, folder: Path) -> None:
    """Begin a new journal, as if the receipts had never become durable."""
    exchange.journal.close()
    exchange.journal = Journal.open(folder / "again.journal", create=True)
    exchange.take_inventory()


def test_a_copy_whose_receipt_was_lost_is_replaced(exchange: Exchange, tmp_path: Path) -> None:
    exchange.put("key", b"old")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.put("key", b"new")
    lose_receipts(exchange, tmp_path)
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.states() == {"key": "copied"}
    assert exchange.target_holds() == {"key": b"new"}


def clear_object(exchange: Exchange) -> None:
    exchange.target.backend.put("key", b"somebody else's")


def clients_write(exchange: Exchange) -> None:
    exchange.target.write("key", b"a client's own write at its new home")


def message_of_another_volume(exchange: Exchange) -> None:
    Volume(exchange.target.backend, VolumeKeys.generate("other", frame_length=4096)).write("key", b"another volume's")


def copy_moved_from_another_key(exchange: Exchange) -> None:
    exchange.target.write("other", b"data")
    exchange.target.backend.put("key", exchange.target.backend.get("other").data)
    exchange.target.delete("other")


FOREIGNERS = [clear_object, clients_write, message_of_another_volume, copy_moved_from_another_key]


@pytest.mark.parametrize("put_there", FOREIGNERS)
def test_what_this_migration_did_not_write_is_never_overwritten(
    exchange: Exchange, put_there: Callable[[Exchange], None]
) -> None:
    exchange.put("key", b"data")
    exchange.take_inventory()
    put_there(exchange)
    before = exchange.target.backend.get("key")
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.item("key").state == "failed"
    assert exchange.item("key").reason == f"at the target: {FOREIGN}"
    assert exchange.target.backend.get("key").data == before.data


@pytest.mark.parametrize("put_there", FOREIGNERS)
def test_what_replaced_a_copy_is_never_overwritten(exchange: Exchange, put_there: Callable[[Exchange], None]) -> None:
    exchange.put("key", b"data")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    put_there(exchange)
    before = exchange.target.backend.get("key")
    exchange.put("key", b"changed")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.item("key").state == "failed"
    assert exchange.target.backend.get("key").data == before.data


def test_an_object_changed_at_the_source_replaces_its_copy(exchange: Exchange) -> None:
    exchange.put("key", b"old")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.put("key", b"new")
    exchange.take_inventory()
    assert exchange.states() == {"key": "pending"}
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.states() == {"key": "copied"}
    assert exchange.target_holds() == {"key": b"new"}


def test_a_copy_deleted_at_the_target_is_written_anew(exchange: Exchange) -> None:
    exchange.put("key", b"old")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    exchange.target.delete("key")
    exchange.put("key", b"new")
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    assert exchange.target_holds() == {"key": b"new"}


@pytest.mark.parametrize("size", [10, 20 << 20], ids=["one put", "parts"])
def test_a_write_whose_answer_was_lost_is_not_repeated(exchange: Exchange, size: int) -> None:
    exchange.put("key", bytes(size))
    exchange.take_inventory()
    written = []

    class Losing(Meddling):
        """Writes, and loses the answer."""

        def put(self, key: str, data: bytes, **options: object) -> None:
            written.append(exchange.target.backend.put(key, data, **options))
            raise Unavailable("connection reset")

        def begin(self, key: str, **options: object):
            upload = exchange.target.backend.begin(key, **options)
            commit = upload.commit

            def losing(expect):
                written.append(commit(expect))
                raise Unavailable("connection reset")

            upload.commit = losing
            return upload

    target = Volume(Losing(exchange.target.backend), exchange.target.keys)
    copy_objects(exchange.journal, exchange.source, target)
    assert exchange.states() == {"key": "copied"}
    assert len(written) == 1
    assert exchange.target.read("key") == bytes(size)


def test_a_client_that_writes_between_two_attempts_wins(exchange: Exchange) -> None:
    exchange.put("key", b"copy")
    exchange.take_inventory()

    class Overtaken(Meddling):
        """Loses the answer of a write that never happened, and lets a client write meanwhile."""

        def put(self, key: str, data: bytes, **options: object):
            if not list(exchange.target.list()):
                exchange.target.write("key", b"client")
                raise Unavailable("connection reset")
            return exchange.target.backend.put(key, data, **options)

    target = Volume(Overtaken(exchange.target.backend), exchange.target.keys)
    copy_objects(exchange.journal, exchange.source, target)
    assert exchange.target_holds() == {"key": b"client"}
    assert exchange.states() == {"key": "failed"}
