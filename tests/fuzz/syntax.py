"""The header's parser alone, which meets bytes before anything is authenticated; cheap, so that many are tried."""

from typing import Final

from portable.errors import PortableError
from portable.format.header import encode_body, encode_context, needed, parse
from tests.format.samples import ANY_LENGTH
from tests.fuzz.forging import forged_header
from tests.fuzz.script import Script

FIRST_CHECK: Final = "the header parses"
SEEDS: Final = (b"", bytes([0, 120, 7]), bytes([1, 115, 255, 0, 36, 1, 1, 1]))

_SOUND: Final = forged_header(Script(b""))[0]
_RAW: Final = 240


def run(data: bytes) -> bool:
    stored, at = (data[1:], 0) if data and data[0] >= _RAW else _overwritten(data)
    try:
        header = parse(stored, frame_lengths=ANY_LENGTH)
    except PortableError:
        _check_needed(stored, None, at)
        return False
    assert stored.startswith(header.serialize())
    context = encode_context(header.context)
    assert encode_body(header.message_id, context, header.wrapped, header.frame_length, header.commitment) == header.body
    _check_needed(stored, header.length, at)
    return True


def _overwritten(data: bytes) -> tuple[bytes, int]:
    """Return the sound header after up to two edits, perhaps cut, and an offset.

    An edit is: offset u16 from the last one, how, bytes. Most edits change the low bits alone, which leaves text what it was.
    """
    stored, at = bytearray(_SOUND), 0
    for position in (0, 8):
        if position + 3 < len(data):
            at = (at + data[position] * 256 + data[position + 1]) % len(stored)
            how = data[position + 2]
            for index, byte in enumerate(data[position + 3 : position + 4 + how % 4], at):
                if index < len(stored):
                    stored[index] = byte if how >= 192 else stored[index] ^ byte & 0x1F
    return bytes(stored[: at if len(data) % 8 == 7 else None]), at


def _check_needed(stored: bytes, length: int | None, at: int) -> None:
    """No reader is sent for more bytes than the header has, and each answer asks for more than is there until it is whole."""
    try:
        asked = needed(stored[:at])
    except PortableError:
        assert length is None
        return
    if length is not None:
        assert asked == length if at >= length else at < asked <= length
