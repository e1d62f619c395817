"""The public AWS Encryption SDK for Python, as a writer and a reader that is not our code.

It opens with the epoch key alone, as anyone would who left this project. It says nothing of strictness: it accepts bytes behind
the final frame.
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import aws_encryption_sdk  # type: ignore[import-untyped] # here and below: the SDK has no types
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy, EncryptionKeyType, WrappingAlgorithm  # type: ignore[import-untyped] # see above
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey  # type: ignore[import-untyped] # see above
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider  # type: ignore[import-untyped] # see above

from tests.format.samples import KEY_NAME, WRAPPING_KEY

_CLIENT = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


class _Provider(RawMasterKeyProvider):  # type: ignore[misc] # see above
    provider_id = "portable"

    def _get_raw_key(self, key_id: bytes) -> WrappingKey:
        assert key_id == KEY_NAME
        return WrappingKey(
            wrapping_algorithm=WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
            wrapping_key=WRAPPING_KEY,
            wrapping_key_type=EncryptionKeyType.SYMMETRIC,
        )


def _provider() -> _Provider:
    provider = _Provider()
    provider.add_master_key(KEY_NAME)
    return provider


def encrypt(plaintext: bytes, frame_length: int, context: Mapping[str, str]) -> bytes:
    message, _ = _CLIENT.encrypt(
        source=plaintext,
        key_provider=_provider(),
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        frame_length=frame_length,
        encryption_context=dict(context),
    )
    return bytes(message)


def decrypt(message: bytes | bytearray) -> tuple[bytes, dict[str, str]]:
    """Return the plaintext and the encryption context."""
    plaintext, header = _CLIENT.decrypt(source=bytes(message), key_provider=_provider())
    return plaintext, header.encryption_context


def encrypt_stream(plaintext: BinaryIO, frame_length: int) -> Iterator[bytes]:
    """Yield a message piece by piece."""
    with _CLIENT.stream(
        mode="e",
        source=plaintext,
        key_provider=_provider(),
        algorithm=AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        frame_length=frame_length,
        encryption_context={},
    ) as stream:
        yield from stream


def decrypt_stream(message: BinaryIO) -> Iterator[bytes]:
    """Yield the plaintext frame by frame."""
    with _CLIENT.stream(mode="d", source=message, key_provider=_provider()) as stream:
        yield from stream
