"""Messages as their writers and readers see them."""

import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import UnknownEpoch
from portable.format import context, derive
from portable.format.frames import FrameSealer
from portable.format.layout import Body
from portable.format.message import Decryptor, Encryptor, decrypt, encrypt
from tests.format import public_sdk
from tests.format.samples import (
    ANY_LENGTH,
    CONTEXT_KEY,
    KEY,
    KEY_NAME,
    PAYLOAD,
    VOLUME_ID,
    WRAPPING_KEY,
    context_for,
    data_key,
    encryptor,
    key_for,
    message,
    pattern,
)


def read(stored: bytes | bytearray) -> bytearray:
    return decrypt(stored, key_for, frame_lengths=ANY_LENGTH)


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 20))
def test_a_stream_in_any_pieces_is_the_message_of_the_whole(pieces: list[bytes], frame_length: int) -> None:
    writer = encryptor(frame_length)
    stored = writer.header + b"".join(writer.update(piece) for piece in pieces) + writer.finish()
    plaintext = b"".join(pieces)

    assert read(stored) == plaintext
    assert len(stored) == len(writer.header) + Body.of_plaintext(len(plaintext), frame_length).stored_length
    assert len(stored) == len(message(plaintext, frame_length))


@given(st.binary(max_size=100), st.integers(1, 20), st.data())
def test_a_range_equals_the_slice_and_needs_only_the_frames_of_its_cover(
    plaintext: bytes, frame_length: int, data: st.DataObject
) -> None:
    stored = message(plaintext, frame_length)
    start = data.draw(st.integers(0, len(plaintext)))
    stop = data.draw(st.integers(start, len(plaintext)))
    decryptor = Decryptor.open(stored, key_for, frame_lengths=ANY_LENGTH)
    body, header_length = decryptor.body(len(stored)), decryptor.header_length
    cover = body.cover(start, stop)
    # What the cover leaves out is not at hand.
    for seq in set(range(1, body.frames + 1)) - set(cover.regular):
        span = slice(*body.span(seq, seq, header_length))
        stored[span] = os.urandom(frame_length + 32)

    tail = decryptor.final(stored[slice(*body.final_span(header_length))], body)
    held = bytearray()
    if cover.regular:
        first, last = cover.regular[0], cover.regular[-1]
        held += decryptor.frames(first, stored[slice(*body.span(first, last, header_length))])
    held += tail if cover.final else b""

    assert held[start - cover.origin : stop - cover.origin] == plaintext[start:stop]


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: memoryview(data).cast("H")])
def test_any_contiguous_buffer_is_read_and_written(wrap: Callable[[bytes], bytes]) -> None:
    plaintext = pattern(5000)
    writer = encryptor(4096)
    stored = writer.header + writer.update(wrap(plaintext)) + writer.finish()
    for sent in (stored, encrypt(wrap(plaintext), WRAPPING_KEY, KEY_NAME, 4096, context_for)):
        assert decrypt(wrap(bytes(sent)), key_for) == plaintext


def test_the_callers_buffer_may_change_once_update_has_returned() -> None:
    writer, buffer = encryptor(16), bytearray(b"a" * 20)
    stored = writer.header + writer.update(buffer)
    buffer[:] = b"b" * 20
    stored += writer.update(buffer)
    buffer[:] = b"c" * 20

    assert read(stored + writer.finish()) == b"a" * 20 + b"b" * 20


@pytest.mark.parametrize("frames", [0, 2])
def test_a_final_frame_that_another_writer_filled_is_read(frames: int) -> None:
    """Some public SDKs end an exact multiple of the frame length with a full final frame; our writer with an empty one."""
    writer = Encryptor.create(WRAPPING_KEY, KEY_NAME, 16, lambda *_: {}, frame_lengths=ANY_LENGTH)
    keys = derive.message_keys(data_key(writer.header), writer.message_id)
    sealer = FrameSealer(AESGCM(keys.content), writer.message_id, 16)
    plaintext = memoryview(pattern(frames * 16 + 16))
    body = bytearray(frames * 48 + 56)
    sealer.run(plaintext[:-16], memoryview(body)[:-56])
    sealer.final(plaintext[-16:], memoryview(body)[-56:])

    assert Body.of_stored(len(body), 16) == Body(16, frames, 16)
    assert read(writer.header + body) == plaintext
    assert public_sdk.decrypt(writer.header + body)[0] == plaintext


@pytest.mark.parametrize("finish", [True, False])
def test_a_writer_is_dead_after_its_end(finish: bool) -> None:  # noqa: FBT001 -- a case of the test
    writer = encryptor()
    if finish:
        writer.finish()
    else:
        with pytest.raises(TypeError):
            writer.update("text")  # type: ignore[arg-type] # the failure that is tried
    with pytest.raises(RuntimeError, match="finished or has failed"):
        writer.update(b"more")
    with pytest.raises(RuntimeError, match="finished or has failed"):
        writer.finish()


def test_a_writer_that_failed_while_it_finished_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = encryptor()
    monkeypatch.setattr("portable.format.encryptor.FINAL_OVERHEAD", 3)
    with pytest.raises(Exception, match="buffer"):
        writer.finish()
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="finished or has failed"):
        writer.finish()


def test_the_profile_is_enforced_when_a_message_begins() -> None:
    for frame_length in (0, 4095, 2**24 + 1):
        with pytest.raises(ValueError, match="4096 to 16777216 are allowed"):
            Encryptor.create(WRAPPING_KEY, KEY_NAME, frame_length, context_for)
    with pytest.raises(ValueError, match="a wrapping key has 32 bytes, this one 16"):
        Encryptor.create(bytes(16), KEY_NAME, 4096, context_for)


def test_a_reader_is_given_the_metadata_and_the_place() -> None:
    decryptor = Decryptor.open(message(b"x"), key_for, frame_lengths=ANY_LENGTH)

    assert decryptor.open_slot() == PAYLOAD
    context.verify_place(decryptor.context, CONTEXT_KEY, VOLUME_ID, KEY)
    assert decryptor.header_length == context.volume_header_length(len(KEY_NAME)) == 554


def test_the_error_of_whoever_holds_the_keys_comes_through() -> None:
    def unknown(name: bytes) -> bytes:
        raise UnknownEpoch("use a later keyring")

    with pytest.raises(UnknownEpoch, match="later keyring"):
        decrypt(message(b"x"), unknown, frame_lengths=ANY_LENGTH)
    with pytest.raises(ValueError, match="a wrapping key has 32 bytes"):
        decrypt(message(b"x"), lambda _: b"short", frame_lengths=ANY_LENGTH)


def test_an_upload_goes_on_behind_the_frames_that_were_sent() -> None:
    plaintext = pattern(100)
    first = encryptor(16)
    sent = first.update(plaintext[:48])

    second = Encryptor.resume(first.header, key_for, frames_before=3, frame_lengths=ANY_LENGTH)

    assert second.header == first.header
    assert second.message_id == first.message_id
    assert read(first.header + sent + second.update(plaintext[48:]) + second.finish()) == plaintext


def test_a_message_is_resumed_only_within_what_it_can_hold() -> None:
    header = encryptor(16).header
    for frames in (-1, 2**32 - 1):
        with pytest.raises(ValueError, match="regular frames"):
            Encryptor.resume(header, key_for, frames, frame_lengths=ANY_LENGTH)
    last = Encryptor.resume(header, key_for, 2**32 - 2, frame_lengths=ANY_LENGTH)
    with pytest.raises(ValueError, match="use longer frames"):
        last.update(bytes(16))
    with pytest.raises(RuntimeError, match="finished or has failed"):
        last.finish()


@given(st.binary(max_size=100), st.integers(1, 20))
def test_a_message_made_at_once_has_the_length_that_was_said_and_opens(plaintext: bytes, frame_length: int) -> None:
    writer = encryptor(frame_length)
    expected = writer.stored_length(len(plaintext))
    stored = writer.whole(memoryview(plaintext))

    assert len(stored) == expected
    assert stored.startswith(writer.header)
    assert decrypt(stored, key_for, frame_lengths=ANY_LENGTH) == plaintext


@pytest.mark.parametrize("begun", [b"x", bytes(16)])
def test_a_message_that_was_begun_in_pieces_is_not_made_at_once(begun: bytes) -> None:
    writer = encryptor(16)
    writer.update(begun)
    resumed = Encryptor.resume(writer.header, key_for, frames_before=1, frame_lengths=ANY_LENGTH)
    for attempt in (writer, resumed):
        with pytest.raises(RuntimeError, match="has been given to `update`"):
            attempt.whole(b"y")
        with pytest.raises(RuntimeError, match="finished or has failed"):
            attempt.finish()


def test_an_encryptor_that_made_its_message_at_once_is_dead() -> None:
    writer = encryptor()
    writer.whole(b"x")
    for again in (lambda: writer.whole(b"x"), lambda: writer.update(b"x"), writer.finish):
        with pytest.raises(RuntimeError, match="finished or has failed"):
            again()
