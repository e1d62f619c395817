"""Shredding: what is claimed at which moment, and that the claims are signed and in order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ConfigurationError, RefusedError, UntrustedSignature
from portable.keys.authority import Authority
from portable.keys.shredding import Shredding
from portable.keys.shredding_log import ShreddingLog
from portable.keys.volume_keys import VolumeKeys

COPIES = ("/media/safe/keyring.json", "paper, bank vault 12")


def requested(*copies: str) -> Shredding:
    return Shredding.request(VolumeKeys.generate("lake"), keyring=bytes(16), copies=copies)


def test_a_shredding_is_destroyed_when_the_keyring_lacks_the_volume_and_every_copy_is_confirmed() -> None:
    shredding = requested(*COPIES)
    assert (shredding.state, shredding.outstanding) == ("requested", COPIES)
    shredding = shredding.removed(5)
    assert shredding.state == "requested"
    shredding = shredding.confirmed(COPIES[:1])
    assert (shredding.state, shredding.outstanding) == ("requested", COPIES[1:])
    shredding = shredding.confirmed(COPIES[1:])
    assert (shredding.state, shredding.outstanding) == ("destroyed", ())


def test_without_any_copy_it_is_destroyed_when_the_keyring_lacks_the_volume() -> None:
    assert requested().state == "requested"
    assert requested().removed(2).state == "destroyed"


def test_a_copy_that_turns_up_later_makes_it_requested_again() -> None:
    shredding = requested().removed(2).with_copies(["tape 4"])
    assert (shredding.state, shredding.outstanding) == ("requested", ("tape 4",))


def test_no_copy_is_confirmed_before_the_keyring_lacks_the_volume() -> None:
    with pytest.raises(RefusedError, match="still hold"):
        requested(*COPIES).confirmed(COPIES)


def test_a_copy_that_is_not_listed_is_not_confirmed() -> None:
    with pytest.raises(RefusedError, match=r"listed are: '/media/safe/keyring\.json', 'paper, bank vault 12'"):
        requested(*COPIES).removed(2).confirmed([COPIES[0], "another"])


def test_a_confirmation_keeps_its_time() -> None:
    once = requested(*COPIES).removed(2).confirmed(COPIES)
    assert once.confirmed(COPIES) == once
    assert once.with_copies(COPIES) == once


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "x" * 1001])
def test_a_copy_has_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(ConfigurationError):
        requested(name)


NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.tuples(st.just("list"), st.sets(NAMES)),
    st.tuples(st.just("remove"), st.just(frozenset[str]())),
    st.tuples(st.just("confirm"), st.sets(NAMES)),
)


@given(st.lists(STEPS, max_size=20))
def test_in_every_order_of_steps_destroyed_is_claimed_only_where_it_is_true(steps: list[tuple[str, set[str]]]) -> None:
    shredding, listed, gone, lacks = requested("a"), {"a"}, set[str](), False
    for step, names in steps:
        if step == "list":
            shredding, listed = shredding.with_copies(sorted(names)), listed | names
        elif step == "remove":
            shredding, lacks = shredding.removed(2), True
        elif lacks and names <= listed:
            shredding, gone = shredding.confirmed(names), gone | names
        else:
            with pytest.raises(RefusedError):
                shredding.confirmed(names)
        assert (shredding.state == "destroyed") == (lacks and listed <= gone)


@pytest.fixture
def log(tmp_path: Path, authority: Authority) -> ShreddingLog:
    return ShreddingLog(tmp_path / "keyring.json", authority.fingerprint)


def test_records_follow_each_other_and_the_newest_of_a_volume_counts(log: ShreddingLog, authority: Authority) -> None:
    lake, archive = requested(*COPIES), Shredding.request(VolumeKeys.generate("archive"), keyring=bytes(16), copies=())
    assert (log.records(), log.latest("lake")) == ((), None)
    log.record("lake", lambda _: lake, authority)
    log.record("archive", lambda _: archive, authority)
    after = log.record("lake", lambda before: (before or lake).removed(3), authority)
    assert [each.volume for each in log.records()] == ["lake", "archive", "lake"]
    assert log.latest("lake") == after
    assert after.removed_in == 3
    assert log.file.stat().st_mode & 0o777 == 0o600


def test_what_changes_nothing_is_not_recorded(log: ShreddingLog, authority: Authority) -> None:
    log.record("lake", lambda _: requested(), authority)
    before = log.file.read_bytes()
    log.record("lake", lambda known: (known or requested()).with_copies([]), authority)
    assert log.file.read_bytes() == before


def three_records(log: ShreddingLog, authority: Authority) -> list[bytes]:
    log.record("lake", lambda _: requested(*COPIES), authority)
    log.record("lake", lambda before: (before or requested()).removed(3), authority)
    log.record("lake", lambda before: (before or requested()).confirmed(COPIES), authority)
    return log.file.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("kept", [(1, 2), (0, 2), (0, 2, 1), (2,), (0, 1, 1, 2)])
def test_a_record_that_is_missing_moved_or_repeated_is_noticed(
    log: ShreddingLog, authority: Authority, kept: tuple[int, ...]
) -> None:
    lines = three_records(log, authority)
    log.file.write_bytes(b"".join(lines[line] for line in kept))
    with pytest.raises(UntrustedSignature, match="does not follow"):
        log.records()


def test_an_altered_or_foreign_record_is_noticed_and_nothing_is_added_to_it(log: ShreddingLog, authority: Authority) -> None:
    lines = three_records(log, authority)
    for content in (b"".join(lines).replace(b'"payload":"ey', b'"payload":"fy', 1), b"".join(lines) + b"{}\n", b"\xff\n"):
        log.file.write_bytes(content)
        with pytest.raises(UntrustedSignature, match="line "):
            log.record("lake", lambda _: requested(), authority)
        assert log.file.read_bytes() == content
    log.file.write_bytes(b"".join(lines))
    with pytest.raises(UntrustedSignature, match="pinned"):
        ShreddingLog(log.file.with_name("keyring.json"), Authority.generate().fingerprint).records()


def test_a_refused_change_is_not_recorded(log: ShreddingLog, authority: Authority) -> None:
    three_records(log, authority)
    before = log.file.read_bytes()
    with pytest.raises(RefusedError):
        log.record("lake", lambda known: (known or requested()).confirmed(["another"]), authority)
    assert log.file.read_bytes() == before
