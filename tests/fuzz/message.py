"""Whole messages, and single frames of them, against the second implementation."""

import binascii
from typing import Final

from cryptography.exceptions import InvalidTag

from portable.errors import PortableError
from portable.format import context
from portable.format.message import Decryptor
from tests.format import independent
from tests.format.samples import ANY_LENGTH, KEY, key_for
from tests.fuzz.forging import CONTEXT_KEY, SECRETS, forged_frames, forged_header
from tests.fuzz.script import Script, edited

FIRST_CHECK: Final = "the header parses, its data key unwraps, commitment and tag fit"
SEEDS: Final = (b"", bytes([0, 40]), bytes([0, 64, 15]), bytes([0, 33, 0, 1, 1, 0, 3, 4]))


def run(data: bytes) -> bool:
    script = Script(data)
    header, message_id = forged_header(script if script.byte() >= 192 else Script(b""))
    stored = header + forged_frames(script, message_id)
    if script.byte() >= 240:
        stored = edited(stored, script)
    try:
        decryptor = Decryptor.open(stored, key_for, frame_lengths=ANY_LENGTH)
    except PortableError:
        _none_from_the_other(stored)
        return False
    ours = _opened(decryptor, stored)
    theirs = _opened_by_the_other(stored)
    assert ours == theirs, f"two readers of one format: {ours!r} and {theirs!r}"
    _check_buffer(decryptor, stored)
    _check_single_frames(decryptor, stored, None if ours is None else ours[0])
    return True


def _opened(decryptor: Decryptor, stored: bytes) -> tuple[bytes, bytes] | None:
    try:
        context.verify_place(decryptor.context, CONTEXT_KEY, SECRETS.volume_id, KEY)
        if decryptor.frame_length != SECRETS.frame_length:
            return None
        return bytes(decryptor.whole(stored)), decryptor.open_slot()
    except PortableError:
        return None


def _opened_by_the_other(stored: bytes) -> tuple[bytes, bytes] | None:
    try:
        return independent.read(SECRETS, KEY, stored)
    except (independent.Refused, InvalidTag, ValueError, binascii.Error):
        return None


def _none_from_the_other(stored: bytes) -> None:
    assert _opened_by_the_other(stored) is None, "the other reader opens what this one refuses"


def _check_buffer(decryptor: Decryptor, stored: bytes) -> None:
    """A buffer holds the whole plaintext or nothing of it."""
    out = bytearray(len(stored))
    try:
        length = decryptor.whole_into(stored, out)
    except PortableError:
        assert not any(out)
        return
    assert out[:length] == decryptor.whole(stored)
    assert not any(out[length:])


def _check_single_frames(decryptor: Decryptor, stored: bytes, plaintext: bytes | None) -> None:
    """What a ranged read returns is of the plaintext, and nothing comes before the final frame or of a wrong length."""
    start, size = decryptor.header_length, decryptor.frame_length
    try:
        body = decryptor.body(len(stored))
        tail = decryptor.final(stored[slice(*body.final_span(start))], body)
    except PortableError:
        assert plaintext is None
        return
    assert len(tail) == body.tail
    assert plaintext is None or (len(plaintext) == body.plaintext_length and plaintext.endswith(tail))
    for seq in range(1, min(body.frames, 6) + 1):
        try:
            frame = decryptor.frames(seq, stored[slice(*body.span(seq, seq, start))])
        except PortableError:
            assert plaintext is None
            continue
        assert len(frame) == size
        assert plaintext is None or plaintext[(seq - 1) * size :].startswith(frame)
