"""The arithmetic of lengths and offsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import MalformedMessage
from portable.format.layout import MAX_REGULAR_FRAMES, Body

frame_lengths = st.integers(1, 2**24)
bodies = st.builds(
    lambda frame_length, frames, tail: Body(frame_length, frames, tail % (frame_length + 1)),
    frame_lengths,
    st.integers(0, MAX_REGULAR_FRAMES),
    st.integers(0, 2**24),
)


@given(bodies)
def test_a_stored_length_gives_its_body_back(body: Body) -> None:
    assert Body.of_stored(body.stored_length, body.frame_length) == body


@given(st.integers(0, 2**50), st.integers(2**19, 2**24))
def test_a_plaintext_length_survives_the_way_to_storage_and_back(length: int, frame_length: int) -> None:
    body = Body.of_plaintext(length, frame_length)

    assert body.plaintext_length == length
    assert body.tail < frame_length
    assert Body.of_stored(body.stored_length, frame_length) == body
    assert Body.hint(body.stored_length, frame_length) == length


@given(st.integers(-10, 5000), st.integers(1, 100))
def test_a_stored_length_has_one_body_or_is_refused(stored_length: int, frame_length: int) -> None:
    possible = [
        body
        for frames in range(5000 // (frame_length + 32) + 1)
        if 0 <= (tail := stored_length - 40 - frames * (frame_length + 32)) <= frame_length
        for body in [Body(frame_length, frames, tail)]
    ]
    if possible:
        assert [Body.of_stored(stored_length, frame_length)] == possible
    else:
        with pytest.raises(MalformedMessage):
            Body.of_stored(stored_length, frame_length)
        assert Body.hint(stored_length, frame_length) == 0


@given(st.integers(1, 40), st.integers(0, 9), st.data())
def test_frames_lie_one_behind_the_other_from_the_header_to_the_end(
    frame_length: int, frames: int, data: st.DataObject
) -> None:
    body = Body(frame_length, frames, data.draw(st.integers(0, frame_length)))
    header_length = data.draw(st.integers(0, 1000))
    spans = [body.span(seq, seq, header_length) for seq in range(1, frames + 1)] + [body.final_span(header_length)]

    assert spans[0].start == header_length
    assert [span.stop for span in spans[:-1]] == [span.start for span in spans[1:]]
    assert spans[-1].stop == header_length + body.stored_length
    if frames:
        assert body.span(1, frames, header_length) == (header_length, spans[-1].start)


@given(st.integers(1, 10), st.integers(0, 9), st.data())
def test_a_range_is_covered_by_the_frames_that_hold_its_bytes_and_no_others(
    frame_length: int, frames: int, data: st.DataObject
) -> None:
    body = Body(frame_length, frames, data.draw(st.integers(0, frame_length)))
    start = data.draw(st.integers(0, body.plaintext_length + 3))
    stop = data.draw(st.integers(start, body.plaintext_length + 3))
    # Oracle: the frame of every single byte.
    frame_of = [offset // frame_length + 1 for offset in range(frames * frame_length)] + [body.final_seq] * body.tail
    touched = set(frame_of[start:stop])

    cover = body.cover(start, stop)

    assert set(cover.regular) == touched - {body.final_seq}
    assert cover.final == (body.final_seq in touched)
    if touched:
        assert cover.origin == frame_of.index(min(touched))


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2)])
def test_what_is_not_a_range_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        Body(16, 2, 3).cover(start, stop)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 3), (2, 1), (3, 3)])
def test_frames_that_a_body_does_not_have_have_no_place(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not regular frames"):
        Body(16, 2, 3).span(first, last, 0)


def test_a_message_too_long_for_its_frames_is_refused_when_planned() -> None:
    longest = MAX_REGULAR_FRAMES * 4096 + 4095
    assert Body.of_plaintext(longest, 4096).final_seq == 2**32 - 1
    with pytest.raises(ValueError, match="use longer frames"):
        Body.of_plaintext(longest + 1, 4096)
    with pytest.raises(MalformedMessage):
        Body.of_stored((MAX_REGULAR_FRAMES + 1) * (4096 + 32) + 40, 4096)


@pytest.mark.parametrize(("frame_length", "frames", "tail"), [(0, 0, 0), (16, -1, 0), (16, 0, 17), (16, 0, -1)])
def test_numbers_that_no_message_has_make_no_body(frame_length: int, frames: int, tail: int) -> None:
    with pytest.raises(ValueError, match="frame"):
        Body(frame_length, frames, tail)
    with pytest.raises(ValueError, match="frames"):
        Body.of_plaintext(-1, 16)
