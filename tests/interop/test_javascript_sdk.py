"""Messages go both ways between this project and the public SDK for JavaScript."""

import pytest

from portable import sealed
from portable.errors import PortableError
from portable.format.message import Decryptor, decrypt
from portable.keys.volume_keys import VolumeKeys
from portable.sealed import Metadata
from tests.format.samples import pattern
from tests.interop.exported import in_javascript, stored

LENGTHS = (0, 1, 4095, 4096, 4097, 3 * 4096, 5 * 4096 + 7)


def test_it_opens_objects_of_a_volume_with_the_exported_key(keys: VolumeKeys) -> None:
    messages = [stored(keys, f"records/{length}", pattern(length)) for length in LENGTHS]

    opened, _ = in_javascript(keys, messages)

    assert [answer["plaintext"] for answer in opened] == [pattern(length) for length in LENGTHS]
    for message, answer in zip(messages, opened, strict=True):
        assert answer["context"] == Decryptor.open(message, keys.wrapping_key_for).context


def test_it_opens_a_message_of_two_passes_whose_frame_ivs_are_no_counters(keys: VolumeKeys) -> None:
    first = sealed.seal(keys, "key", Metadata()).encryptor
    part = bytes(first.update(pattern(2 * 4096)))
    second = type(first).resume(first.header, keys.wrapping_key_for, frames_before=2)
    message = first.header + part + bytes(second.update(pattern(4096))) + bytes(second.finish())

    assert in_javascript(keys, [message])[0][0]["plaintext"] == pattern(2 * 4096) + pattern(4096)


@pytest.mark.parametrize("length", LENGTHS)
def test_we_open_its_messages(keys: VolumeKeys, made: dict[int, bytes], length: int) -> None:
    assert decrypt(made[length], keys.wrapping_key_for) == pattern(length)
    assert Decryptor.open(made[length], keys.wrapping_key_for).context == {"é": "\U0001f511", "portable": "elsewhere"}


def test_it_refuses_what_we_refuse(keys: VolumeKeys) -> None:
    message = stored(keys, "key", pattern(3 * 4096))
    offsets = [*range(0, len(message), 97), *range(500, 554), len(message) - 1]
    altered = [message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :] for at in offsets]

    for answer, forged in zip(in_javascript(keys, altered)[0], altered, strict=True):
        assert "error" in answer
        with pytest.raises(PortableError):
            decrypt(forged, keys.wrapping_key_for)


@pytest.fixture(scope="module")
def made(keys: VolumeKeys) -> dict[int, bytes]:
    """Messages of each length, made by the SDK."""
    context = {"é": "\U0001f511", "portable": "elsewhere"}
    messages = in_javascript(keys, make=[(pattern(length), context, 4096) for length in LENGTHS])[1]
    return dict(zip(LENGTHS, messages, strict=True))
