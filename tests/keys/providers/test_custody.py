"""Custody by m of n officers: any m open, and what fewer hold is independent of the seed."""

import base64
import hmac
from functools import reduce
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from portable.errors import ConfigurationError, KeysError, UnlockFailed
from portable.keys import custody
from portable.keys.authority import Authority
from portable.keys.custody import CustodyIdentity, CustodyProtector, CustodyRecipient
from portable.keys.identity_file import IdentityFile
from tests.format import independent
from tests.keys.providers.provider import assert_refused, saved_keyring

BINDING = b"/recipient" + bytes(range(32))
OFFICERS = [IdentityFile(bytes([number]) * 32) for number in range(5)]
ARRANGEMENTS = [(threshold, count) for count in range(2, 6) for threshold in range(2, count + 1)]


def protect(threshold: int, count: int) -> CustodyProtector:
    _, protector = CustodyRecipient([officer.public_key for officer in OFFICERS[:count]], threshold).enroll(BINDING)
    return protector


def info(protector: CustodyProtector, number: int, place: int) -> bytes:
    """The page's words for what a share is bound to."""
    arrangement = bytes([protector.threshold, len(protector.officers)]) + b"".join(protector.officers)
    return b"portable/v1/custody" + arrangement + bytes([number, place]) + BINDING


def shares_of(protector: CustodyProtector, present: tuple[int, ...]) -> dict[tuple[int, int], bytes]:
    """Every share that these officers can open, by set and officer, read from the file as the page says."""
    sets = combinations(range(len(protector.officers)), protector.threshold)
    return {
        (number, member): OFFICERS[member].open(protector.shares[number][place], info(protector, number, place))
        for number, members in enumerate(sets)
        for place, member in enumerate(members)
        if member in present
    }


def spans(vectors: list[bytes], target: bytes) -> bool:
    """Tell whether the target is the XOR of some of the vectors (Gaussian elimination over GF(2))."""
    basis: dict[int, int] = {}

    def reduced(value: int) -> int:
        while value and (pivot := basis.get(value.bit_length())) is not None:
            value ^= pivot
        return value

    for vector in vectors:
        if value := reduced(int.from_bytes(vector, "big")):
            basis[value.bit_length()] = value
    return reduced(int.from_bytes(target, "big")) == 0


@pytest.mark.parametrize(("threshold", "count"), ARRANGEMENTS)
def test_any_m_officers_open(threshold: int, count: int) -> None:
    protector = protect(threshold, count)
    seeds = {
        CustodyIdentity(OFFICERS[member] for member in members).seed(protector, BINDING)
        for size in range(threshold, count + 1)
        for members in combinations(range(count), size)
    }
    assert len(seeds) == 1
    assert seeds != {None}


@pytest.mark.parametrize(("threshold", "count"), ARRANGEMENTS)
def test_fewer_do_not_and_are_told_how_many_are_missing(threshold: int, count: int) -> None:
    protector = protect(threshold, count)
    for size in range(threshold):
        for members in combinations(range(count), size):
            with pytest.raises(UnlockFailed, match=rf"{threshold} of the {count} officers .*: {threshold - size} missing$"):
                CustodyIdentity(OFFICERS[member] for member in members).seed(protector, BINDING)


@pytest.mark.parametrize(("threshold", "count"), ARRANGEMENTS)
def test_all_that_fewer_can_open_together_does_not_span_the_seed(threshold: int, count: int) -> None:
    protector = protect(threshold, count)
    seed = CustodyIdentity(OFFICERS[:count]).seed(protector, BINDING)
    assert seed is not None
    for members in combinations(range(count), threshold - 1):
        shares = shares_of(protector, members)
        assert len(shares) == (threshold - 1) * comb(count - 1, threshold - 1)
        assert not spans(list(shares.values()), seed)
    for members in combinations(range(count), threshold):
        assert spans(list(shares_of(protector, members).values()), seed)


@given(
    seed=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32), count=st.integers(2, 5), data=st.data()
)
@settings(max_examples=60, deadline=None)
def test_without_one_share_every_seed_is_as_likely(seed: bytes, other: bytes, count: int, data: st.DataObject) -> None:
    """For the shares of all but one officer, and for any other seed, there is exactly one last share that makes it."""
    shares = custody._split(seed, count)
    assert reduce(custody._xor, shares) == seed
    absent = data.draw(st.integers(0, count - 1))
    known = [share for place, share in enumerate(shares) if place != absent]
    last = reduce(custody._xor, known, other)
    assert reduce(custody._xor, [*known, last]) == other


def test_all_but_the_last_share_are_fresh_random_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bytes] = []

    def urandom(length: int) -> bytes:
        drawn.append(independent.hkdf(len(drawn).to_bytes(4, "big"), b"", b"test")[:length])
        return drawn[-1]

    monkeypatch.setattr(custody.os, "urandom", urandom)
    protector = protect(3, 5)
    monkeypatch.undo()
    seed, *random = drawn
    assert len(random) == len(set(random)) == 2 * comb(5, 3)
    opened = shares_of(protector, (0, 1, 2, 3, 4))
    assert {share for share in opened.values() if share in random} == set(random)
    for number in range(comb(5, 3)):
        assert reduce(custody._xor, [share for (of, _), share in opened.items() if of == number]) == seed


@pytest.mark.parametrize(("threshold", "count"), [(1, 3), (0, 2), (3, 2), (2, 6), (6, 6), (1, 1), (2, 0), (-1, 3)])
def test_other_arrangements_are_refused(threshold: int, count: int) -> None:
    keys = [IdentityFile(bytes([number]) * 32).public_key for number in range(count)]
    with pytest.raises(ConfigurationError, match="is refused"):
        CustodyRecipient(keys, threshold)


def test_one_officer_is_not_two(tmp_path: Path, authority: Authority) -> None:
    key, other = OFFICERS[0].public_key, OFFICERS[1].public_key
    with pytest.raises(ConfigurationError, match="named twice"):
        CustodyRecipient([key, other, key], 2)
    file = tmp_path / "keyring.json"
    keyring = saved_keyring(file, authority, CustodyRecipient([key, other], 2))
    assert_refused(file, keyring, CustodyIdentity([OFFICERS[0], OFFICERS[0]]), UnlockFailed, "1 of them is here: 1 missing")


def test_an_officer_who_left_may_come_along(tmp_path: Path, authority: Authority) -> None:
    keyring = saved_keyring(
        tmp_path / "keyring.json", authority, CustodyRecipient([officer.public_key for officer in OFFICERS[:3]], 2)
    )
    assert keyring.unlock(CustodyIdentity([OFFICERS[4], OFFICERS[2], OFFICERS[1]])).volume("lake")


def test_what_is_no_public_key_is_refused() -> None:
    length = len(OFFICERS[0].public_key)
    with pytest.raises(KeysError, match="public key"):
        CustodyRecipient([OFFICERS[0].public_key, b"\xff" * length], 2).enroll(BINDING)
    assert MLKEM768PublicKey.from_public_bytes(OFFICERS[0].public_key[:1184])


def edits(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Documents of other shapes, or with shares in other places, made of a protector for 2 of 3."""
    first, second, third = document["shares"]
    return [
        {**document, "shares": [second, first, third]},
        {**document, "shares": [[first[1], first[0]], second, third]},
        {**document, "shares": [first, second]},
        {**document, "shares": [first, second, third, third]},
        {**document, "shares": [[first[0]], second, third]},
        {**document, "shares": []},
        {**document, "officers": document["officers"][:2]},
        {**document, "officers": [document["officers"][0]] * 3},
        {**document, "officers": document["officers"][::-1]},
        {**document, "threshold": 1},
        {**document, "threshold": 3},
        {**document, "threshold": 5, "shares": []},
    ]


@pytest.mark.parametrize("number", range(12))
def test_shares_in_another_arrangement_are_refused(number: int) -> None:
    document = edits(msgspec.json.decode(msgspec.json.encode(protect(2, 3))))[number]
    with pytest.raises((UnlockFailed, msgspec.ValidationError)):
        CustodyIdentity(OFFICERS[:3]).seed(msgspec.json.decode(msgspec.json.encode(document), type=CustodyProtector), BINDING)


def test_a_seed_of_somebody_else_in_valid_shares_is_refused() -> None:
    """Anybody can seal shares to the officers' public keys: the commitment tells."""
    ours, theirs = protect(2, 2), protect(2, 2)
    with pytest.raises(UnlockFailed, match="do not make the seed"):
        CustodyIdentity(OFFICERS[:2]).seed(msgspec.structs.replace(ours, shares=theirs.shares), BINDING)


def test_custody_is_not_for_one_officer_with_a_file() -> None:
    assert OFFICERS[0].seed(protect(2, 2), BINDING) is None


def test_a_protector_opens_from_the_page(tmp_path: Path) -> None:
    protector = protect(2, 3)
    document = msgspec.json.decode(msgspec.json.encode(protector))
    assert document.keys() == {"type", "threshold", "officers", "shares", "commitment"}
    shares = shares_of(protector, (0, 2))
    seed = bytes(a ^ b for a, b in zip(shares[1, 0], shares[1, 2], strict=True))
    commitment = independent.hkdf(seed, b"", b"portable/v1/custody/commitment" + BINDING)
    assert hmac.compare_digest(base64.b64decode(document["commitment"]), commitment)
    assert CustodyIdentity(OFFICERS[:2]).seed(protector, BINDING) == seed
