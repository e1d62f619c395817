"""The encryption context of a volume's objects: two entries, opaque and of fixed length.

    portable       base64(HMAC-SHA256(context key, volume id[16] || key in UTF-8))     binds the object to its place
    portable-meta  base64(metadata slot[192])

Fixed lengths here and in the wrapping key's name make the header's length one constant for all volumes.
"""

import binascii
import functools
import hmac
from collections.abc import Mapping
from typing import Final

from portable.errors import ContextMismatch, InvalidKey, MalformedMessage
from portable.format.derive import KEY_LENGTH
from portable.format.header import encode_context, header_length
from portable.format.metadata import SLOT_LENGTH

PLACE: Final = "portable"
METADATA: Final = "portable-meta"
NAMESPACE: Final = b"portable"
"""Of the wrapping keys, in every header."""

_VOLUME_ID_LENGTH = 16
_DIGEST_LENGTH = 32


def place(context_key: bytes, volume_id: bytes, key: str) -> str:
    """Return the entry that binds a message to `key` (exact, never normalised) in the volume `volume_id`[16].

    `context_key` is the volume's, 32 bytes. Raises: InvalidKey (not expressible in UTF-8), ValueError (of another length).
    """
    _require_length("context key", context_key, KEY_LENGTH)
    _require_length("volume id", volume_id, _VOLUME_ID_LENGTH)
    try:
        exact = key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKey(f"the key {key!r} cannot be written in UTF-8 (character {error.start}); rename the object") from None
    return _encode(hmac.digest(context_key, volume_id + exact, "sha256"))


def build(*, place: str, slot: bytes) -> dict[str, str]:
    """Return the context of a message: its place, and its sealed metadata slot.

    Raises: ValueError (the slot is not `SLOT_LENGTH` bytes).
    """
    _require_length("metadata slot", slot, SLOT_LENGTH)
    return {PLACE: place, METADATA: _encode(slot)}


@functools.cache  # a listing asks for it at every key
def volume_header_length(name_length: int) -> int:
    """Return the length in bytes, tag included, of every header in a volume whose epoch keys have names this long.

    554 where a name is 49 bytes.
    """
    sample = build(place=_encode(bytes(_DIGEST_LENGTH)), slot=bytes(SLOT_LENGTH))
    return header_length(len(encode_context(sample)), len(NAMESPACE), name_length)


def slot(context: Mapping[str, str]) -> bytes:
    """Return the metadata slot, still sealed.

    Raises: MalformedMessage (not the context of a volume's object).
    """
    return _decode(context, METADATA, SLOT_LENGTH)


def verify_place(context: Mapping[str, str], context_key: bytes, volume_id: bytes, key: str) -> None:
    """Check, in constant time, that an authentic message was written for `key` in the volume `volume_id`.

    Raises: ContextMismatch, MalformedMessage (not the context of a volume's object), InvalidKey.
    """
    if context.keys() != {PLACE, METADATA}:
        raise MalformedMessage(f"not an object of a volume: its encryption context is not {PLACE} and {METADATA}")
    if not hmac.compare_digest(context[PLACE].encode(), place(context_key, volume_id, key).encode()):
        _decode(context, PLACE, _DIGEST_LENGTH)
        raise ContextMismatch(
            f"the object at {key!r} was written for another key or another volume: it was moved by its host, or the key is not "
            "relative to the volume's root (say with --root where the root ends)"
        )


def _encode(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode()


def _decode(context: Mapping[str, str], entry: str, length: int) -> bytes:
    text = context.get(entry, "")
    try:
        value = binascii.a2b_base64(text.encode(), strict_mode=True)
    except binascii.Error:
        value = b""
    # Encoding again refuses the spellings of the last digit that decode to the same bytes.
    if len(value) != length or _encode(value) != text:
        raise MalformedMessage(f"not an object of a volume: the context entry {entry} is not base64 of {length} bytes")
    return value


def _require_length(what: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise ValueError(f"a {what} has {length} bytes, this one {len(value)}")
