"""Reads from hosts that stop, cut, stall and dribble: the right bytes in the end, or an error within the bound."""

import pytest

from portable.errors import Corrupt, Unavailable
from tests.backends.faults.conftest import BOUND, BRIEF, Host, within
from tests.servers.faults import FlipResponse, LoseResponse, Refuse, Reset, SlowBody, Stall, Status, Truncate

BODY = bytes(range(256)) * 4096

PASSING = {
    "refused": Refuse(),
    "no answer": LoseResponse(),
    "reset in the body": Reset(100_000),
    "truncated before the body": Truncate(0),
    "truncated in the body": Truncate(100_000),
    "truncated by a byte": Truncate(len(BODY) - 1),
    "stalled before the head": Stall(),
    "stalled in the body": Stall(100_000),
    "failed": Status(500, "InternalError"),
}


@pytest.fixture
def stored(host: Host) -> Host:
    """Put the body at `key`."""
    host.direct.put("key", BODY)
    return host


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_not_seen(stored: Host, fault: object) -> None:
    stored.fail("get", fault, times=1)
    with within(2 * BOUND):
        found = stored.open().get("key")
    assert bytes(found.data) == BODY
    assert found.stat.size == len(BODY)


@pytest.mark.parametrize("fault", [Truncate(100_000), Stall(100)], ids=str)
def test_a_range_is_whole_or_an_error(stored: Host, fault: object) -> None:
    stored.fail("get", fault, times=1)
    assert bytes(stored.open().get("key", 1000, 500_000).data) == BODY[1000:500_000]


@pytest.mark.parametrize("fault", [Refuse(), Truncate(100_000), Stall(100_000)], ids=str)
def test_a_fault_that_stays_is_an_error_within_the_bound(stored: Host, fault: object) -> None:
    stored.fail("get", fault)
    backend = stored.open(BRIEF)
    with within(1.25 * BRIEF), pytest.raises(Unavailable):
        backend.get("key")


def test_a_body_that_flows_slowly_is_read_whole(stored: Host) -> None:
    stored.fail("get", SlowBody(rate=len(BODY) / (BOUND / 2)))
    assert bytes(stored.open().get("key").data) == BODY
    assert len(stored.sent("get")) == 1


def test_a_flipped_bit_is_found_where_a_checksum_is_compared(stored: Host) -> None:
    """What the backend says it compared it did compare. Where it compared nothing, the volume's own format finds it."""
    stored.fail("get", FlipResponse(1000))
    backend = stored.open()
    try:
        found = backend.get("key")
    except Corrupt:
        assert backend.capabilities.checked_read >= len(BODY)
    else:
        assert found.confirmed == "none"
        assert backend.capabilities.checked_read < len(BODY)
    stored.proxy.rules = []
    assert bytes(backend.get("key").data) == BODY


@pytest.mark.parametrize(
    "fault", [Refuse(), LoseResponse(), Truncate(20), Reset(20), Stall(), Status(503, "SlowDown")], ids=str
)
def test_a_listing_is_whole_or_an_error(host: Host, fault: object) -> None:
    for number in range(5):
        host.direct.put(f"{number}", b"")
    host.fail("list", fault, times=1)
    backend = host.open()
    with within(2 * BOUND):
        assert sorted(stat.key for stat in backend.list()) == list("01234")


def test_a_listing_that_stays_cut_is_an_error(host: Host) -> None:
    host.direct.put("key", b"")
    host.fail("list", Truncate(20))
    with within(1.25 * BRIEF), pytest.raises(Unavailable):
        list(host.open(BRIEF).list())


def test_a_stat_is_repeated(stored: Host) -> None:
    stored.fail("stat", Status(503), times=1)
    assert stored.open().stat("key").size == len(BODY)
