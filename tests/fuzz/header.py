"""The header's parser, its authentication, and what stands in its context."""

from typing import Final

from portable.errors import PortableError
from portable.format import context
from portable.format.header import Header, encode_body, encode_context, needed, parse
from portable.format.message import Decryptor, Encryptor
from tests.format.samples import ANY_LENGTH, KEY, key_for
from tests.fuzz.forging import CONTEXT_KEY, SECRETS, forged_header
from tests.fuzz.script import Script

FIRST_CHECK: Final = "the header parses, its data key unwraps, commitment and tag fit"
SEEDS: Final = (b"", bytes([2, 3, 4, 0, 1]), bytes([0, 200, 7, 1, 2, 3]), bytes([1, 1, 0, 1, 96]))


def run(data: bytes) -> bool:
    script = Script(data)
    raw = script.byte() >= 240
    stored = script.rest() if raw else forged_header(script)[0]
    try:
        header = parse(stored, frame_lengths=ANY_LENGTH)
    except PortableError:
        return False
    _check_parsed(header, stored, script.below(len(stored) + 1))
    try:
        decryptor = Decryptor.open(stored, key_for, frame_lengths=ANY_LENGTH)
    except PortableError:
        return False
    assert decryptor.header == header
    assert Encryptor.resume(stored, key_for, frame_lengths=ANY_LENGTH).header == header.serialize()
    try:
        decryptor.open_slot()
        context.verify_place(decryptor.context, CONTEXT_KEY, SECRETS.volume_id, KEY)
    except PortableError:
        return True
    assert header.context["portable"].encode() == SECRETS.place(KEY)
    return True


def _check_parsed(header: Header, stored: bytes, at: int) -> None:
    """One encoding, and no reader is sent for more bytes than the header has."""
    assert stored.startswith(header.serialize())
    encoded = encode_context(header.context)
    assert encode_body(header.message_id, encoded, header.wrapped, header.frame_length, header.commitment) == header.body
    asked = needed(stored[:at])
    assert min(at, header.length) <= asked <= header.length
    assert at < header.length or asked == header.length
    assert at >= header.length or asked > at
