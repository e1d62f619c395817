"""Messages written into and read from buffers that the caller made and uses again."""

import mmap
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import Buffer

from portable.errors import IntegrityError, MalformedMessage
from portable.format.message import Decryptor, Encryptor, decrypt
from tests.format import public_sdk
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, context_for, encryptor, key_for, message, pattern

FRAME = 16
STORED = FRAME + 32
PLAINTEXT = pattern(4 * FRAME + 5)
MESSAGE = bytes(message(PLAINTEXT, FRAME))
SENTINEL = b"\xa5" * 200


def opened(stored: Buffer = MESSAGE) -> Decryptor:
    decryptor = Decryptor.open(stored, key_for, frame_lengths=ANY_LENGTH)
    body = decryptor.body(len(MESSAGE))
    decryptor.final(memoryview(stored)[slice(*body.final_span(decryptor.header_length))], body)
    return decryptor


def frames(first: int, last: int) -> bytes:
    return MESSAGE[slice(*opened().body(len(MESSAGE)).span(first, last, opened().header_length))]


def altered(data: bytes, offset: int) -> bytes:
    changed = bytearray(data)
    changed[offset] ^= 1
    return bytes(changed)


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 20))
def test_one_buffer_used_again_and_again_carries_the_whole_message(pieces: list[bytes], frame_length: int) -> None:
    writer = encryptor(frame_length)
    buffer = bytearray(writer.room(max(map(len, pieces), default=0)))
    stored = bytearray(writer.header)
    for piece in pieces:
        stored += buffer[: writer.update_into(piece, buffer)]
    stored += buffer[: writer.finish_into(buffer)]

    assert decrypt(stored, key_for, frame_lengths=ANY_LENGTH) == b"".join(pieces)


def test_the_public_sdk_opens_a_message_written_through_one_buffer() -> None:
    plaintext = pattern(5 * 4096 + 7)
    writer = Encryptor.create(WRAPPING_KEY, KEY_NAME, 4096, context_for)
    buffer = mmap.mmap(-1, writer.room(10_000))
    sent = [writer.header]
    for start in range(0, len(plaintext), 10_000):
        length = writer.update_into(plaintext[start : start + 10_000], buffer)
        sent.append(buffer[:length])
    length = writer.finish_into(buffer)
    sent.append(buffer[:length])

    assert public_sdk.decrypt(b"".join(sent))[0] == plaintext


def test_what_lies_behind_the_frames_in_a_buffer_is_left_alone() -> None:
    buffer = bytearray(SENTINEL)
    assert encryptor(FRAME).update_into(bytes(2 * FRAME + 3), buffer) == 2 * STORED
    assert buffer[2 * STORED :] == SENTINEL[2 * STORED :]

    buffer = bytearray(SENTINEL)
    assert opened().frames_into(2, frames(2, 3), buffer) == 2 * FRAME
    assert buffer == PLAINTEXT[FRAME : 3 * FRAME] + SENTINEL[2 * FRAME :]

    buffer = bytearray(SENTINEL)
    assert opened().whole_into(MESSAGE, buffer) == len(PLAINTEXT)
    assert buffer == PLAINTEXT + SENTINEL[len(PLAINTEXT) :]


@pytest.mark.parametrize("offset", [0, 5, 20, -1, STORED, STORED + 20, 3 * STORED - 1])
def test_no_plaintext_stays_in_a_buffer_when_a_run_of_frames_fails(offset: int) -> None:
    buffer = bytearray(SENTINEL)
    with pytest.raises(IntegrityError):
        opened().frames_into(1, altered(frames(1, 3), offset), buffer)
    assert buffer == bytes(3 * FRAME) + SENTINEL[3 * FRAME :]


@pytest.mark.parametrize("offset", [-1, -6, -46, -46 - 3 * STORED])
def test_no_plaintext_stays_in_a_buffer_when_a_whole_message_fails(offset: int) -> None:
    buffer = bytearray(SENTINEL)
    with pytest.raises(IntegrityError):
        opened().whole_into(altered(MESSAGE, offset), buffer)
    assert buffer == bytes(len(PLAINTEXT)) + SENTINEL[len(PLAINTEXT) :]


def test_a_buffer_does_not_spare_the_final_frame() -> None:
    decryptor = Decryptor.open(MESSAGE, key_for, frame_lengths=ANY_LENGTH)
    buffer = bytearray(SENTINEL)
    with pytest.raises(RuntimeError, match="final frame comes first"):
        decryptor.frames_into(1, frames(1, 1), buffer)
    with pytest.raises(ValueError, match="not regular frames"):
        opened().frames_into(4, frames(3, 4), buffer)
    with pytest.raises(MalformedMessage, match="not whole frames"):
        opened().frames_into(1, frames(1, 1)[:-1], buffer)
    assert buffer == SENTINEL


def shorter(length: int) -> Buffer:
    return bytearray(length - 1)


def read_only(length: int) -> Buffer:
    return bytes(length)


@pytest.mark.parametrize(("make", "reason"), [(shorter, "a buffer of"), (read_only, "read-only")])
def test_a_buffer_that_cannot_hold_the_result_is_refused(make: Callable[[int], Buffer], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        opened().frames_into(1, frames(1, 2), make(2 * FRAME))
    with pytest.raises(ValueError, match=reason):
        opened().whole_into(MESSAGE, make(len(PLAINTEXT)))
    for fail in (lambda writer: writer.update_into(bytes(FRAME), make(STORED)), lambda writer: writer.finish_into(make(40))):
        writer = encryptor(FRAME)
        with pytest.raises(ValueError, match=reason):
            fail(writer)
        with pytest.raises(RuntimeError, match="finished or has failed"):
            writer.update(b"")


def test_a_cipher_does_not_read_the_buffer_that_it_writes() -> None:
    memory = bytearray(2 * len(MESSAGE))
    for out in (memory, memoryview(memory), memoryview(memory)[20:]):
        with pytest.raises(ValueError, match="the one that is read"):
            encryptor(FRAME).update_into(memoryview(memory)[:FRAME], out)
        with pytest.raises(ValueError, match="the one that is read"):
            opened().frames_into(1, memoryview(memory)[:STORED], out)
    memory[: len(MESSAGE)] = MESSAGE
    with pytest.raises(ValueError, match="the one that is read"):
        opened().whole_into(memoryview(memory)[: len(MESSAGE)], memory)
