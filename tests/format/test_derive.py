"""Keys from keys, against another implementation of HKDF."""

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from portable.format import derive

LENGTH_32 = st.binary(min_size=32, max_size=32)


@given(LENGTH_32, LENGTH_32)
def test_the_keys_of_a_message_are_hkdf_outputs(data_key: bytes, message_id: bytes) -> None:
    def hkdf(info: bytes) -> bytes:
        return HKDF(algorithm=SHA512(), length=32, salt=message_id, info=info).derive(data_key)

    keys = derive.message_keys(data_key, message_id)

    assert keys.content == hkdf(b"\x04\x78DERIVEKEY")
    assert keys.commitment == hkdf(b"COMMITKEY")
    assert keys.metadata == hkdf(b"portable/v1/metadata")


@given(LENGTH_32, LENGTH_32, LENGTH_32)
def test_a_data_key_opens_only_under_its_wrapping_key_and_context(wrapping_key: bytes, data_key: bytes, context: bytes) -> None:
    wrapped = derive.wrap(wrapping_key, bytes(12), data_key, context)

    assert len(wrapped) == 48
    assert derive.unwrap(wrapping_key, bytes(12), wrapped, context) == data_key
