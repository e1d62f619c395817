"""What a host can do to stored bytes, and that it is noticed before any plaintext leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import IntegrityError, MalformedMessage, UnknownEpoch
from portable.format.header import parse
from portable.format.layout import Body
from portable.format.message import Decryptor, decrypt
from tests.format.samples import ANY_LENGTH, KEY_NAME, key_for, message, pattern

FRAME = 16
STORED = FRAME + 32
PLAINTEXT = pattern(4 * FRAME + 5)
MESSAGE = bytes(message(PLAINTEXT, FRAME))
HEADER_LENGTH = parse(MESSAGE, frame_lengths=ANY_LENGTH).length
HEADER, FINAL = MESSAGE[:HEADER_LENGTH], MESSAGE[-45:]
FRAMES = [MESSAGE[start : start + STORED] for start in range(HEADER_LENGTH, len(MESSAGE) - 45, STORED)]


def read(stored: bytes) -> bytearray:
    return decrypt(stored, key_for, frame_lengths=ANY_LENGTH)


def read_first_frame(stored: bytes) -> bytearray:
    """Read the first frame alone, as a ranged read does."""
    decryptor = Decryptor.open(stored, key_for, frame_lengths=ANY_LENGTH)
    body = decryptor.body(len(stored))
    decryptor.final(stored[slice(*body.final_span(decryptor.header_length))], body)
    return decryptor.frames(1, stored[slice(*body.span(1, 1, decryptor.header_length))])


def test_the_message_that_the_attacks_start_from_is_sound() -> None:
    assert HEADER + b"".join(FRAMES) + FINAL == MESSAGE
    assert read(MESSAGE) == PLAINTEXT
    assert read_first_frame(MESSAGE) == PLAINTEXT[:FRAME]


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_any_altered_byte_of_a_message_is_noticed(bit: int) -> None:
    for offset in range(len(MESSAGE)):
        altered = bytearray(MESSAGE)
        altered[offset] ^= bit
        # A changed name of the wrapping key is asked for, and nobody has it.
        with pytest.raises((IntegrityError, UnknownEpoch)):
            read(bytes(altered))


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255))
def test_no_altered_byte_gets_past_the_tags(offset: int, change: int) -> None:
    altered = bytearray(MESSAGE)
    altered[offset] ^= change
    with pytest.raises((IntegrityError, UnknownEpoch)):
        read(bytes(altered))


def test_a_truncated_message_is_refused_wherever_it_is_cut() -> None:
    for length in range(len(MESSAGE)):
        with pytest.raises(IntegrityError):
            read(MESSAGE[:length])


@pytest.mark.parametrize("frames", range(5))
def test_a_ranged_read_refuses_a_message_cut_at_a_frame_boundary(frames: int) -> None:
    with pytest.raises(IntegrityError):
        read_first_frame(MESSAGE[: HEADER_LENGTH + frames * STORED])


@pytest.mark.parametrize(
    "extension",
    [b"\0", bytes(STORED), FINAL, FRAMES[0], MESSAGE, bytes(1000)],
    ids=["a zero", "a frame of zeros", "a final frame", "a frame", "a message", "zeros"],
)
def test_a_message_with_bytes_behind_it_is_refused(extension: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(MESSAGE + extension)
    with pytest.raises(IntegrityError):
        read_first_frame(MESSAGE + extension)


@given(st.lists(st.sampled_from(range(4)), max_size=6).filter(lambda order: order != [0, 1, 2, 3]))
def test_frames_reordered_repeated_or_dropped_are_refused(order: list[int]) -> None:
    with pytest.raises(IntegrityError):
        read(HEADER + b"".join(FRAMES[index] for index in order) + FINAL)


def test_a_regular_frame_passed_off_at_another_place_is_refused() -> None:
    renumbered = (2).to_bytes(4, "big") + FRAMES[0][4:]
    with pytest.raises(IntegrityError):
        read(HEADER + FRAMES[0] + renumbered + b"".join(FRAMES[2:]) + FINAL)


def test_a_frame_of_another_message_is_refused() -> None:
    other = bytes(message(PLAINTEXT, FRAME))
    spliced = MESSAGE[:HEADER_LENGTH] + other[HEADER_LENGTH : HEADER_LENGTH + STORED] + MESSAGE[HEADER_LENGTH + STORED :]
    with pytest.raises(IntegrityError):
        read(spliced)
    with pytest.raises(IntegrityError):
        read(MESSAGE[:-45] + other[-45:])


def test_a_header_over_the_frames_of_another_message_is_refused() -> None:
    other = bytes(message(PLAINTEXT, FRAME))
    with pytest.raises(IntegrityError):
        read(other[:HEADER_LENGTH] + MESSAGE[HEADER_LENGTH:])


def test_a_wrapped_data_key_of_another_message_is_refused() -> None:
    other = bytes(message(PLAINTEXT, FRAME))
    start = MESSAGE.index(KEY_NAME) + len(KEY_NAME)
    stop = start + 8 + 12 + 2 + 48
    with pytest.raises(IntegrityError):
        read(MESSAGE[:start] + other[start:stop] + MESSAGE[stop:])


def test_the_wrong_wrapping_key_and_every_alteration_give_one_and_the_same_error() -> None:
    said = set()
    for key, offset in [(bytes(32), 0), *((key_for(KEY_NAME), offset) for offset in (5, 100, 540, -60, -10, -300))]:
        altered = bytearray(MESSAGE)
        altered[offset] ^= offset != 0
        with pytest.raises(IntegrityError) as caught:
            decrypt(altered, {KEY_NAME: key}.__getitem__, frame_lengths=ANY_LENGTH)
        said.add((type(caught.value), str(caught.value)))
        assert caught.value.__cause__ is None
    assert len(said) == 1


def test_frames_are_not_opened_before_the_final_frame_was() -> None:
    decryptor = Decryptor.open(MESSAGE, key_for, frame_lengths=ANY_LENGTH)
    with pytest.raises(RuntimeError, match="final frame comes first"):
        decryptor.frames(1, FRAMES[0])
    with pytest.raises(IntegrityError):
        decryptor.final(FINAL[:-1] + bytes([FINAL[-1] ^ 1]), decryptor.body(len(MESSAGE)))
    with pytest.raises(RuntimeError, match="final frame comes first"):
        decryptor.frames(1, FRAMES[0])


def test_a_run_with_one_bad_frame_gives_nothing() -> None:
    decryptor = Decryptor.open(MESSAGE, key_for, frame_lengths=ANY_LENGTH)
    decryptor.final(FINAL, decryptor.body(len(MESSAGE)))
    assert decryptor.frames(2, FRAMES[1] + FRAMES[2]) == PLAINTEXT[FRAME : 3 * FRAME]
    for bad in (FRAMES[3], FRAMES[2][:-1] + bytes([FRAMES[2][-1] ^ 1]), bytes(STORED)):
        with pytest.raises(IntegrityError):
            decryptor.frames(2, FRAMES[1] + bad)


def test_a_run_of_other_frames_than_asked_for_is_refused() -> None:
    decryptor = Decryptor.open(MESSAGE, key_for, frame_lengths=ANY_LENGTH)
    decryptor.final(FINAL, decryptor.body(len(MESSAGE)))
    with pytest.raises(IntegrityError):
        decryptor.frames(1, FRAMES[1])
    for short in (b"", FRAMES[0][:-1], FRAMES[0] + b"\0"):
        with pytest.raises(MalformedMessage, match="not whole frames"):
            decryptor.frames(1, short)
    with pytest.raises(ValueError, match="not regular frames"):
        decryptor.frames(4, FRAMES[3] + FRAMES[3])


def test_a_final_frame_proves_one_length_only() -> None:
    decryptor = Decryptor.open(MESSAGE, key_for, frame_lengths=ANY_LENGTH)
    for wrong in (Body(FRAME, 3, 5), Body(FRAME, 5, 5)):
        with pytest.raises(IntegrityError):
            decryptor.final(FINAL, wrong)
    with pytest.raises(MalformedMessage, match="a final frame"):
        decryptor.final(FINAL, Body(FRAME, 4, 6))
    with pytest.raises(ValueError, match="in frames of 8 bytes"):
        decryptor.final(FINAL, Body(8, 4, 5))
    assert decryptor.final(FINAL, Body(FRAME, 4, 5)) == PLAINTEXT[-5:]


def test_a_message_for_another_kind_of_keyring_is_refused() -> None:
    assert MESSAGE.count(b"\x00\x08portable\x00") == 2  # the context's entry, then the namespace
    start = MESSAGE.rindex(b"\x00\x08portable\x00") + 2
    with pytest.raises(MalformedMessage, match="namespace"):
        read(MESSAGE[:start] + b"aws-kms!" + MESSAGE[start + 8 :])


def test_a_clear_object_is_not_passed_through() -> None:
    for clear in (b"", b"PAR1", b"PAR1" * 1000, b"\x02\x04\x78" + bytes(1000)):
        with pytest.raises(MalformedMessage):
            read(clear)
