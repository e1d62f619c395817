"""What a keyring file holds: the payload that the authority signs, and the body that the root key seals."""

import os
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from portable.errors import KeysError, UnlockFailed
from portable.keys.derivation import derive
from portable.keys.fields import MALFORMED, Bytes16, Bytes32
from portable.keys.recipient import RecipientRecord
from portable.keys.secrecy import KeepsSecrets
from portable.keys.volume_keys import VolumeRecord

PURPOSE: Final = "keyring"
RECIPIENTS_LIMIT: Final = 256

_NONCE: Final = 12
_TAG: Final = 16


class Payload(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The signed part, readable without any secret. `body` is nonce, ciphertext and tag."""

    id: Bytes16
    generation: Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
    previous_sha256: Bytes32 | None
    root_id: Bytes16
    recipients: Annotated[tuple[RecipientRecord, ...], Meta(min_length=1, max_length=RECIPIENTS_LIMIT)]
    body: Annotated[bytes, Meta(min_length=_NONCE + _TAG)]


class Body(KeepsSecrets, Struct, frozen=True, forbid_unknown_fields=True):
    """The sealed part: the secrets of the volumes."""

    volumes: tuple[VolumeRecord, ...]

    def __post_init__(self) -> None:
        for field in ("name", "id"):
            if len({getattr(volume, field) for volume in self.volumes}) != len(self.volumes):
                raise ValueError(f"two volumes have the same {field}")


def parse_payload(payload: bytes) -> Payload:
    """Read a payload whose signatures have been checked. Raises: KeysError."""
    try:
        return msgspec.json.decode(payload, type=Payload)
    except MALFORMED as error:
        raise KeysError(f"the keyring is signed, but this program cannot read it; a newer one may: {error}") from None


def seal_body(body: Body, root: bytes, *, keyring: bytes, generation: int) -> bytes:
    """Encrypt the body under the root key, for this generation of the keyring with this id (16 bytes)."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(root, keyring).encrypt(nonce, msgspec.json.encode(body), _place(keyring, generation))


def open_body(payload: Payload, root: bytes) -> Body:
    """Decrypt the body. Raises: UnlockFailed (sealed under another root key, or altered), KeysError (of another shape)."""
    nonce, sealed = payload.body[:_NONCE], payload.body[_NONCE:]
    try:
        plain = _cipher(root, payload.id).decrypt(nonce, sealed, _place(payload.id, payload.generation))
    except InvalidTag:
        raise UnlockFailed("the body of the keyring does not open under its root key") from None
    try:
        return msgspec.json.decode(plain, type=Body)
    except MALFORMED:
        # Neither the decoder's words nor its exception go on: both could quote the body.
        raise KeysError("the body of the keyring is of another shape than this program reads; a newer one may") from None


def _cipher(root: bytes, keyring: bytes) -> AESGCM:
    return AESGCM(derive(root, salt=keyring, purpose=b"keyring/body"))


def _place(keyring: bytes, generation: int) -> bytes:
    return keyring + generation.to_bytes(8, "big")
