"""Secrets stay where they are: not in texts, not in pickles, not in copies."""

import copy
import pickle

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import IntegrityError
from portable.format import derive
from portable.format.frames import FrameOpener, FrameSealer
from portable.format.message import Decryptor, Encryptor, decrypt
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, data_key, encryptor, key_for, message


def holders() -> list[object]:
    return [
        encryptor(),
        Decryptor.open(message(b"x"), key_for, frame_lengths=ANY_LENGTH),
        FrameSealer(AESGCM(bytes(32)), bytes(32), 16),
        FrameOpener(AESGCM(bytes(32)), bytes(32), 16),
        derive.message_keys(bytes(32), bytes(32)),
    ]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_what_holds_keys_is_neither_pickled_nor_copied(holder: object) -> None:
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            duplicate(holder)


def test_no_text_of_a_message_in_the_making_shows_a_key() -> None:
    writer = Encryptor.create(WRAPPING_KEY, KEY_NAME, 4096, lambda *_: {})
    own = data_key(writer.header)
    keys = derive.message_keys(own, writer.message_id)
    writer.update(b"a plaintext")
    stored = writer.header
    final = writer.finish()
    reader = Decryptor.open(stored, key_for)
    with pytest.raises(IntegrityError) as caught:
        decrypt(stored + final[:-1] + bytes([final[-1] ^ 1]), key_for)

    shown = (writer, reader, keys, reader.header, reader.context, caught.value)
    texts = [text(value) for text in (repr, str) for value in shown]
    for secret in (WRAPPING_KEY, own, keys.content, keys.metadata, b"a plaintext"):
        for spelled in (secret.hex(), repr(secret)[2:-1]):
            assert not any(spelled in text for text in texts)
