"""Secrets stay where they are: not in texts, not in pickles, not in copies."""

import copy
import pickle

import pytest

from portable.errors import IntegrityError
from portable.format import derive
from portable.format.frames import FrameOpener, FrameSealer
from portable.format.message import Decryptor, Encryptor, decrypt
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, encryptor, key_for, message


def holders() -> list[object]:
    return [
        encryptor(),
        Decryptor.open(message(b"x"), key_for, frame_lengths=ANY_LENGTH),
        FrameSealer(bytes(32), bytes(32), 16),
        FrameOpener(bytes(32), bytes(32), 16),
    ]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_what_holds_keys_is_neither_pickled_nor_copied(holder: object) -> None:
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            duplicate(holder)


def test_no_text_of_a_message_in_the_making_shows_a_key() -> None:
    kept: list[bytes] = []

    def keep(message_id: bytes, data_key: bytes) -> dict[str, str]:
        kept.extend((data_key, derive.content_key(data_key, message_id), derive.metadata_key(data_key, message_id)))
        return {}

    writer = Encryptor.create(WRAPPING_KEY, KEY_NAME, 4096, keep)
    writer.update(b"a plaintext")
    stored = writer.header
    final = writer.finish()
    reader = Decryptor.open(stored, key_for)
    with pytest.raises(IntegrityError) as caught:
        decrypt(stored + final[:-1] + b"\0", key_for)

    texts = [text(value) for text in (repr, str) for value in (writer, reader, reader.header, reader.context, caught.value)]
    for secret in (WRAPPING_KEY, *kept, b"a plaintext"):
        for spelled in (secret.hex(), repr(secret)[2:-1]):
            assert not any(spelled in text for text in texts)
