"""What is planned covers what is wanted, fetches no byte twice, and keeps to its bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import ConfigurationError
from portable.volume.planning import Reading, Stretch, plan, shares

OFFSETS = st.integers(0, 150)
STRETCHES = st.tuples(OFFSETS, OFFSETS).map(sorted).map(lambda pair: Stretch(*pair))
UNITS = st.sampled_from([1, 7, 16, 40])


@st.composite
def cases(draw):
    """Draw the arguments of a plan: an object of `end` bytes, ranges in it, and stretches of whole units that are held."""
    unit = draw(UNITS)
    end = draw(st.integers(0, 150)) // unit * unit
    bounds = sorted({min(draw(OFFSETS) // unit * unit, end) for _ in range(2 * draw(st.integers(0, 3)))})
    held = [Stretch(*pair) for pair in zip(bounds[::2], bounds[1::2], strict=False)]
    ranges = draw(st.lists(STRETCHES, max_size=8))
    return ranges, {
        "unit": unit,
        "end": end,
        "held": held,
        "gap": draw(st.integers(0, 40)),
        "largest": draw(st.integers(1, 80)),
    }


def bytes_of(stretches):
    return [byte for start, stop in stretches for byte in range(start, stop)]


@given(cases())
def test_every_byte_that_is_wanted_is_fetched_or_held_and_none_is_fetched_twice(case):
    ranges, bounds = case
    fetched, held = bytes_of(plan(ranges, **bounds)), bytes_of(bounds["held"])
    wanted = {byte for byte in bytes_of(ranges) if byte < bounds["end"]}
    assert wanted <= set(fetched) | set(held)
    assert len(fetched) == len(set(fetched))
    assert not set(fetched) & set(held)
    assert all(byte < bounds["end"] for byte in fetched)


@given(cases())
def test_requests_are_in_order_of_whole_units_and_no_longer_than_the_largest(case):
    ranges, bounds = case
    unit, found = bounds["unit"], plan(ranges, **bounds)
    assert found == sorted(found)
    for start, stop in found:
        assert start % unit == stop % unit == 0
        assert 0 < stop - start <= max(unit, bounds["largest"])


@given(cases())
def test_between_what_is_wanted_no_more_than_the_gap_is_fetched_for_nothing(case):
    ranges, bounds = case
    unit = bounds["unit"]
    needed = {byte // unit for byte in bytes_of(ranges)}
    for start, stop in plan(ranges, **bounds):
        units = [number in needed for number in range(start // unit, stop // unit)]
        assert units[0]
        assert units[-1]
        idle = 0
        for is_needed in units:
            idle = 0 if is_needed else idle + 1
            assert idle * unit <= bounds["gap"]


@given(cases())
def test_two_requests_that_could_be_one_are_one(case):
    ranges, bounds = case
    found = plan(ranges, **bounds)
    for before, after in pairwise(found):
        apart, together = after.start - before.stop, after.stop - before.start
        between = any(before.stop <= each.start < after.start for each in bounds["held"])
        assert between or apart > bounds["gap"] or together > bounds["largest"]


@given(cases(), st.lists(STRETCHES, max_size=8))
def test_each_stretch_is_shared_by_the_ranges_that_have_bytes_of_it(case, others):
    ranges, bounds = case
    found = plan(ranges, **bounds)
    everything = [*ranges, *others]
    for stretch, takers in zip(found, shares(found, everything), strict=True):
        common = [number for number, each in enumerate(everything) if set(bytes_of([each])) & set(bytes_of([stretch]))]
        assert takers == common


def test_a_long_range_is_cut_into_requests_of_about_one_length():
    found = plan([Stretch(0, 1000)], unit=10, end=1000, gap=0, largest=300)
    assert found == [Stretch(0, 250), Stretch(250, 500), Stretch(500, 750), Stretch(750, 1000)]


def test_a_unit_longer_than_the_largest_request_is_a_request():
    assert plan([Stretch(5, 6)], unit=100, end=1000, gap=0, largest=10) == [Stretch(0, 100)]


@pytest.mark.parametrize("name", ["requests", "piece", "window"])
def test_numbers_that_would_read_nothing_are_refused(name):
    with pytest.raises(ConfigurationError, match=name):
        Reading(**{name: 0})


@pytest.mark.parametrize("name", ["gap", "ahead", "tail", "windows"])
def test_numbers_below_zero_are_refused(name):
    assert getattr(Reading(**{name: 0}), name) == 0
    with pytest.raises(ConfigurationError, match=name):
        Reading(**{name: -1})


def test_numbers_are_read_from_text():
    assert Reading.parse("") == Reading()
    assert Reading.parse("requests=16,windows=0") == Reading(requests=16, windows=0)


@pytest.mark.parametrize("text", ["request=1", "requests=many", "requests", "requests=-1", "requests=0", "requests=1;gap=2"])
def test_text_that_gives_no_such_number_is_refused_with_those_there_are(text):
    with pytest.raises(ConfigurationError, match="requests"):
        Reading.parse(text)
