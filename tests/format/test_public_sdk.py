"""Messages go both ways between this codec and the public SDK."""

import pytest

from portable.format.layout import Body
from portable.format.message import Decryptor, Encryptor, decrypt, encrypt
from tests.format import public_sdk
from tests.format.samples import KEY_NAME, WRAPPING_KEY, context_for, key_for, pattern

FRAME_LENGTHS = [4096, 65536]
CONTEXTS = [{}, {"a": "1"}, {"portable-é": "ü", "portable": "x", "portable-meta": "", "\U0001f511": "\uffff", "\uffff": "z"}]


def lengths(frame_length: int) -> list[int]:
    return [0, 1, frame_length - 1, frame_length, frame_length + 1, 2 * frame_length, 5 * frame_length + 7]


CASES = [(frame_length, length) for frame_length in FRAME_LENGTHS for length in lengths(frame_length)]


@pytest.mark.parametrize(("frame_length", "length"), CASES)
def test_the_public_sdk_opens_our_messages(frame_length: int, length: int) -> None:
    plaintext = pattern(length)
    message = encrypt(plaintext, WRAPPING_KEY, KEY_NAME, frame_length, context_for)

    opened, context = public_sdk.decrypt(message)

    assert opened == plaintext
    assert context == Decryptor.open(message, key_for).context
    assert context.keys() == {"portable", "portable-meta"}


def test_the_public_sdk_opens_a_message_made_by_two_passes() -> None:
    frame_length, plaintext = 4096, pattern(5 * 4096 + 7)
    first = Encryptor.create(WRAPPING_KEY, KEY_NAME, frame_length, context_for)
    part = first.update(plaintext[: 3 * frame_length])
    second = Encryptor.resume(first.header, key_for, frames_before=3)

    message = first.header + part + second.update(plaintext[3 * frame_length :]) + second.finish()

    assert public_sdk.decrypt(message)[0] == plaintext


@pytest.mark.parametrize(("frame_length", "length"), CASES)
def test_we_open_messages_of_the_public_sdk(frame_length: int, length: int) -> None:
    plaintext, context = pattern(length), {"portable": "somewhere", "autre": "été"}
    message = public_sdk.encrypt(plaintext, frame_length, context)

    assert decrypt(message, key_for) == plaintext
    assert Decryptor.open(message, key_for).context == context


@pytest.mark.parametrize(("frame_length", "length"), CASES)
def test_our_layout_is_the_public_sdks(frame_length: int, length: int) -> None:
    message = public_sdk.encrypt(pattern(length), frame_length, {})
    decryptor = Decryptor.open(message, key_for)

    assert decryptor.body(len(message)) == Body.of_plaintext(length, frame_length)
    assert decryptor.header_length + Body.of_plaintext(length, frame_length).stored_length == len(message)


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_context_is_encoded_as_the_public_sdk_does(context: dict[str, str]) -> None:
    theirs = public_sdk.encrypt(b"x", 4096, context)
    ours = encrypt(b"x", WRAPPING_KEY, KEY_NAME, 4096, lambda *_: context)

    assert Decryptor.open(theirs, key_for).context == context
    assert public_sdk.decrypt(ours)[1] == context
    assert Decryptor.open(theirs, key_for).header.context_bytes == Decryptor.open(ours, key_for).header.context_bytes


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (4095, 4097), (8192, 12288), (20480, 20487), (12000, 20484), (0, 20487)])
def test_ranges_of_the_public_sdks_messages_are_read(start: int, stop: int) -> None:
    plaintext = pattern(5 * 4096 + 7)
    message = public_sdk.encrypt(plaintext, 4096, {})
    decryptor = Decryptor.open(message[:1024], key_for)
    body = decryptor.body(len(message))
    tail = decryptor.final(message[slice(*body.final_span(decryptor.header_length))], body)
    cover = body.cover(start, stop)
    held = bytearray()
    if cover.regular:
        span = body.span(cover.regular[0], cover.regular[-1], decryptor.header_length)
        held += decryptor.frames(cover.regular[0], message[slice(*span)])
    held += tail if cover.final else b""

    assert held[start - cover.origin : stop - cover.origin] == plaintext[start:stop]
