"""Random messages go both ways between this codec and the public SDK for Python."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portable.format.header import MAX_CONTEXT_LENGTH
from portable.format.message import Decryptor, decrypt, encrypt
from portable.keys.volume_keys import VolumeKeys
from tests.format import public_sdk
from tests.format.samples import ANY_LENGTH, KEY_NAME, WRAPPING_KEY, key_for
from tests.interop.exported import opened_in_python, stored

TEXT = st.text(max_size=40)
# The SDK keeps the prefix for itself, and takes no empty name.
NAMES = TEXT.filter(lambda name: name and not name.startswith("aws-crypto-"))
CONTEXTS = st.dictionaries(NAMES, TEXT, max_size=8).filter(
    lambda context: sum(len((name + value).encode()) + 4 for name, value in context.items()) < MAX_CONTEXT_LENGTH
)
PLAINTEXTS = st.binary(max_size=600) | st.integers(0, 40_000).map(lambda length: bytes(range(256)) * (length // 256 + 1))
FRAME_LENGTHS = st.integers(1, 64) | st.integers(4096, 70_000)
THEIR_FRAME_LENGTHS = st.integers(1, 600).map(lambda blocks: 128 * blocks)
"""The SDK writes no others."""
MODERATE = settings(max_examples=60, deadline=None)


@MODERATE
@given(PLAINTEXTS, FRAME_LENGTHS, CONTEXTS)
def test_the_public_sdk_opens_what_we_write(plaintext: bytes, frame_length: int, context: dict[str, str]) -> None:
    plaintext = plaintext[: frame_length * 200]
    message = encrypt(plaintext, WRAPPING_KEY, KEY_NAME, frame_length, lambda *_: context, frame_lengths=ANY_LENGTH)

    assert public_sdk.decrypt(message) == (plaintext, context)


@MODERATE
@given(PLAINTEXTS, THEIR_FRAME_LENGTHS, CONTEXTS)
def test_we_open_what_the_public_sdk_writes(plaintext: bytes, frame_length: int, context: dict[str, str]) -> None:
    plaintext = plaintext[: frame_length * 200]
    message = public_sdk.encrypt(plaintext, frame_length, context)

    assert decrypt(message, key_for, frame_lengths=ANY_LENGTH) == plaintext
    assert Decryptor.open(message, key_for, frame_lengths=ANY_LENGTH).context == context


@settings(MODERATE, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plaintext=PLAINTEXTS, key=TEXT)
def test_the_public_sdk_opens_an_object_of_a_volume_with_the_exported_key(keys: VolumeKeys, plaintext: bytes, key: str) -> None:
    assert opened_in_python(keys, stored(keys, key, plaintext)) == plaintext
