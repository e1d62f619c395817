"""Verifying: what differs at the target is named, and what could not be read is never called equal."""

import threading

import pytest

from migrate import verify
from migrate.copy import copy_objects
from migrate.journal import Outcome
from migrate.states import Sum
from migrate.verify import LEFT_OVER, MISSING, REPLACED, STRANGE, Finding, verify_objects
from portable.backends.protocol import Attributes
from portable.errors import Denied, NotFound, Unavailable
from portable.volume import Volume
from tests.migrate.copy.places import KEYS, Exchange, Meddling, Verb, memory


@pytest.fixture
def copied(exchange: Exchange) -> Exchange:
    """Ten objects, copied; frames of 4 KiB, several an object."""
    for number in range(10):
        exchange.put(f"{number}", bytes([number]) * 10_000)
    exchange.take_inventory()
    copy_objects(exchange.journal, exchange.source, exchange.target)
    return exchange


def check(exchange: Exchange, target: Volume | None = None, **options: object):
    return verify_objects(exchange.journal, exchange.source, target or exchange.target, **options)


def test_equal_copies_are_verified(copied: Exchange) -> None:
    found = check(copied)
    assert found.clean
    assert found.verified == Sum(10, 100_000)
    assert found.findings == ()
    assert copied.journal.totals().all_verified


@pytest.mark.parametrize("place", [0, 5, 40, 300, 540, 560, 600, 4_900, 9_000, -1, -30])
def test_a_flipped_byte_is_found_and_named(copied: Exchange, place: int) -> None:
    stored = bytearray(copied.target.backend.get("3").data)
    stored[place] ^= 1
    copied.target.backend.put("3", stored)

    found = check(copied)

    assert not found.clean
    assert (found.verified.objects, found.failed.objects) == (9, 1)
    (finding,) = found.findings
    assert (finding.key, finding.problem) == ("3", "failed")
    assert finding.reason.startswith("corrupt at the target: ")
    assert copied.item("3").state == "failed"
    assert copied.item("3").reason == finding.reason
    assert copied.journal.totals().reconciled


@pytest.mark.parametrize("length", [0, 1, 600, 9_999])
def test_a_truncated_copy_is_found(copied: Exchange, length: int) -> None:
    copied.target.backend.put("3", bytes(copied.target.backend.get("3").data)[:length])
    assert check(copied).failed.objects == 1
    assert copied.item("3").state == "failed"


def test_a_missing_copy_is_found_and_named(copied: Exchange) -> None:
    copied.target.delete("3")
    assert check(copied).findings == (Finding("3", "failed", MISSING),)


def test_an_extra_object_is_found_and_named(copied: Exchange) -> None:
    copied.target.backend.put("strange", b"anything")
    found = check(copied)
    assert found.findings == (Finding("strange", "extra", STRANGE),)
    assert (found.extra, found.verified.objects, found.clean) == (1, 10, False)


def test_objects_of_this_package_are_not_extra(copied: Exchange) -> None:
    copied.put("described", b"data", Attributes(metadata={"note": "n" * 400}))
    copied.take_inventory()
    copy_objects(copied.journal, copied.source, copied.target)
    assert any(stat.key.startswith(".portable/meta/") for stat in copied.target.backend.list())
    assert check(copied).clean


def test_a_copy_of_what_is_gone_at_the_source_is_named(copied: Exchange) -> None:
    copied.source.delete("3")
    copied.take_inventory()
    found = check(copied)
    assert found.findings == (Finding("3", "extra", LEFT_OVER),)
    assert not found.clean


def test_an_authentic_object_with_other_content_is_found(copied: Exchange) -> None:
    copied.target.write("3", bytes(10_000))
    assert check(copied).findings == (Finding("3", "failed", REPLACED),)


def test_a_copy_swapped_with_another_is_found(copied: Exchange) -> None:
    copied.target.backend.put("3", copied.target.backend.get("4").data)
    assert check(copied).failed.objects == 1
    assert (copied.item("3").reason or "").startswith("corrupt at the target: ")


def test_a_wrong_digest_in_the_journal_is_not_equal(copied: Exchange) -> None:
    copied.journal.record([Outcome(copied.item("3").id, "copied", digest=bytes(32))])
    assert check(copied).failed.objects == 1
    assert copied.item("3").reason == "corrupt at the target: other content than was read from the source"


def test_an_older_copy_put_back_by_the_host_is_found(copied: Exchange) -> None:
    older = copied.target.backend.get("3").data
    copied.put("3", bytes([33]) * 10_000)
    copied.take_inventory()
    copy_objects(copied.journal, copied.source, copied.target)
    copied.target.backend.put("3", older)
    assert check(copied).findings == (Finding("3", "failed", REPLACED),)


def test_what_could_not_be_read_is_unverified(copied: Exchange) -> None:
    check(copied)
    gets = Verb("get")
    gets.fail_always(Unavailable("no answer"), "3")
    found = check(copied, copied.meddled_target(gets))
    assert not found.clean
    assert (found.verified.objects, found.unverified) == (9, Sum(1, 10_000))
    assert found.findings == (Finding("3", "unverified", "could not be checked at the target: no answer"),)
    assert copied.item("3").state == "copied"
    assert not copied.journal.totals().all_verified

    assert check(copied).clean
    assert copied.item("3").reason is None


def test_what_has_no_digest_is_unverified(copied: Exchange) -> None:
    copied.journal.forget_copies([copied.item("3").id])
    found = check(copied)
    assert [finding.problem for finding in found.findings if finding.key == "3"] == ["extra", "unverified"]
    assert copied.item("3").state == "copied"


def test_what_is_not_copied_keeps_the_whole_from_being_verified(copied: Exchange) -> None:
    copied.put("late", b"data")
    copied.take_inventory()
    assert check(copied).clean
    assert not copied.journal.totals().all_verified


def test_a_delta_is_verified_without_reading_the_rest_or_listing(copied: Exchange) -> None:
    check(copied)
    copied.put("3", b"new")
    copied.take_inventory()
    copy_objects(copied.journal, copied.source, copied.target)
    gets = Verb("get")

    class NotListed(Meddling):
        def list(self, *_: object):
            raise AssertionError("listed")

    target = Volume(NotListed(copied.target.backend, gets), KEYS)
    assert check(copied, target, only_copied=True).verified == Sum(1, 3)
    assert set(gets.keys) == {"3"}
    assert copied.journal.totals().all_verified


def test_a_missing_container_is_an_error_and_no_verdict(copied: Exchange) -> None:
    class NoContainer(Meddling):
        def list(self, *_: object):
            raise NotFound("no such bucket")
            yield

    with pytest.raises(NotFound, match="no such bucket"):
        check(copied, Volume(NoContainer(memory()), KEYS))
    assert set(copied.states().values()) == {"copied"}


def test_a_target_that_denies_reading_is_an_error_and_no_verdict(copied: Exchange) -> None:
    gets = Verb("get")
    gets.fail_always(Denied("not allowed"), *copied.states())
    with pytest.raises(Denied, match="not allowed"):
        check(copied, copied.meddled_target(gets), workers=1)
    assert set(copied.states().values()) == {"copied"}


def test_stopping_leaves_the_rest_unverified(copied: Exchange) -> None:
    stop = threading.Event()
    found = check(copied, copied.meddled_target(lambda _verb, _key: stop.set()), workers=1, stop=stop)
    assert found.stopped
    assert not found.clean
    assert "copied" in copied.states().values()


def test_a_result_names_a_bounded_number_of_findings(copied: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SHOWN", 6)
    for number in range(10):
        copied.target.delete(f"{number}")
        copied.target.backend.put(f"strange {number}", b"")
    found = check(copied)
    assert (found.extra, found.failed.objects) == (10, 10)
    assert [finding.problem for finding in found.findings] == ["extra"] * 3 + ["failed"] * 3


def test_what_verification_found_is_repaired_by_the_next_copy(copied: Exchange) -> None:
    copied.target.delete("3")
    check(copied)
    copy_objects(copied.journal, copied.source, copied.target)
    assert check(copied).clean
    assert copied.journal.totals().all_verified
