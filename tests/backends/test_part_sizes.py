"""How large the parts of an upload are: an object of any size that the host can hold fits into as many as it takes."""

import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.protocol import Capabilities
from portable.backends.repetition import Budget, Past, Repetition
from portable.backends.retry_rules import rule
from portable.backends.s3_rules import Rules, largest_part
from portable.backends.traits import Contract, Parts, contract, providers
from portable.errors import Unavailable, Unsupported

MIB = 1 << 20


def hosts() -> st.SearchStrategy[Capabilities]:
    """Make hosts of all kinds, the odd ones among them."""
    return st.builds(
        Capabilities,
        part_size=st.integers(1, 64 * MIB),
        max_parts=st.integers(1, 50_000),
        largest_part=st.just(0) | st.integers(64 * MIB, 5_000_000_000),
        largest_object=st.just(0) | st.integers(1, 10**14),
    )


@given(hosts(), st.data())
def test_an_object_of_known_size_fits_into_the_parts_that_there_are(host: Capabilities, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, host.largest_upload))
    part = host.part_size_for(size)
    assert part * host.max_parts >= size
    assert host.part_size <= part <= max(host.part_size, host.largest_part)
    assert {host.part_size_for(size, number) for number in (1, host.max_parts - 1)} == {part}


@given(hosts(), st.data())
def test_no_part_is_larger_than_it_must_be(host: Capabilities, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, host.largest_upload))
    part = host.part_size_for(size)
    assert part == host.part_size or (part - MIB) * host.max_parts < size


@given(hosts(), st.integers(1, 10**15))
def test_an_object_that_does_not_fit_is_refused_before_its_first_part(host: Capabilities, over: int) -> None:
    with pytest.raises(Unsupported, match=f"{host.largest_upload}"):
        host.part_size_for(host.largest_upload + over)


@given(st.builds(Capabilities, part_size=st.just(5), max_parts=st.integers(1, 99), largest_part=st.integers(5, 500)))
def test_parts_of_a_stream_never_shrink_and_stay_within_the_host_s_bounds(host: Capabilities) -> None:
    sizes = [host.part_size_for(None, number) for number in range(host.max_parts)]
    assert sizes == sorted(sizes)
    assert (sizes[0], max(sizes)) == (host.part_size, min(sizes[-1], max(host.part_size, host.largest_part)))
    with pytest.raises(Unsupported, match="unknown length"):
        host.part_size_for(None, host.max_parts)


@given(
    st.builds(
        Capabilities,
        part_size=st.just(5),
        max_parts=st.integers(1, 99),
        largest_part=st.integers(5, 500),
        largest_object=st.integers(1, 2000),
    )
)
def test_a_stream_ends_with_the_part_in_which_it_reaches_the_largest_object(host: Capabilities) -> None:
    sent = 0
    for number in count():
        try:
            part = host.part_size_for(None, number)
        except Unsupported:
            assert number == host.max_parts or sent >= host.largest_object
            return
        assert sent < host.largest_object
        sent += part


def test_the_first_parts_of_a_stream_are_as_small_as_those_of_a_short_object() -> None:
    host = Capabilities(part_size=16 * MIB, max_parts=10_000, largest_part=5 << 30)
    assert {host.part_size_for(None, number) for number in range(1250)} == {16 * MIB}
    assert sum(host.part_size_for(None, number) for number in range(10_000)) > 4 << 40


@pytest.mark.parametrize("name", providers())
def test_five_terabytes_less_the_parts_rounding_fit_on_every_host_that_is_known(name: str) -> None:
    able = Rules("s3://b", "", contract(name)).capabilities()
    assert able.part_size_for(4_500_000_000_000) * able.max_parts >= 4_500_000_000_000


def test_parts_get_through_in_the_time_that_a_host_gives_to_a_request() -> None:
    limited = Contract(parts=Parts(seconds=180))
    able = Rules("s3://b", "", limited).capabilities()
    assert able.part_size_for(1_000_000_000_000) <= able.largest_part == 180 * MIB
    assert able.largest_upload == 10_000 * 180 * MIB
    with pytest.raises(Unsupported):
        able.part_size_for(5_000_000_000_000)


def test_parts_are_never_smaller_than_a_host_takes_them() -> None:
    assert largest_part(Parts(seconds=1)) == 5 * MIB
    able = Rules("s3://b", "", Contract(parts=Parts(seconds=1))).capabilities()
    assert (able.part_size, able.largest_part) == (5 * MIB, 5 * MIB)


@pytest.mark.parametrize(("attempt", "whole"), [(0.0, 3.0), (0.5, 3.0), (10.0, 30.0)])
def test_the_repetitions_of_a_part_have_time_for_as_many_attempts_as_those_of_other_calls(attempt: float, whole: float) -> None:
    repeat = Repetition(attempt=1.0, bound=3.0, budget=Budget(), url="s3://lake")
    given: list[float] = []
    repeat(rule("part"), lambda past: given.append(past.deadline - time.monotonic()), attempt=attempt)
    assert given[0] == pytest.approx(whole, abs=0.5)


def test_an_attempt_that_would_end_too_late_is_not_begun() -> None:
    repeat = Repetition(attempt=1.0, bound=3.0, pause=0.001, budget=Budget(), url="s3://lake")
    calls: list[Past] = []

    def fails_late(past: Past) -> None:
        calls.append(past)
        past.deadline -= 25.0  # as if the attempt had taken as long
        raise Unavailable("late")

    with pytest.raises(Unavailable):
        repeat(rule("part"), fails_late, attempt=10.0)
    assert len(calls) == 1
