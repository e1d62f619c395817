"""One sealed object: a message of the object format, bound to its key and carrying its metadata. No I/O.

The context binds the object to its place (volume and key); the metadata slot of the header carries what the host must not see
and cannot be trusted with: content type, headers, user metadata, modification time, the ETag at the source. Metadata that does
not fit the slot lies in an object of its own (the *overflow*), named by the message id, its SHA-256 in the slot.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from typing_extensions import Buffer

from portable.backends.protocol import Attributes
from portable.errors import IntegrityError, MalformedMessage
from portable.format import context, metadata
from portable.format.layout import Body
from portable.format.message import Decryptor, Encryptor
from portable.keys.fields import MALFORMED
from portable.keys.volume_keys import VolumeKeys

RESERVED_PREFIX: Final = ".portable/"
"""Keys under it are this package's own, never a user's."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a sealed object says of itself."""

    attributes: Attributes = field(default_factory=Attributes)
    modified: datetime | None = None
    """The original modification time, in UTC."""
    source_etag: str | None = None
    """The ETag of the object that this one was copied from."""


_SLOT_NAMES = {
    "modified": "m",
    "content_type": "t",
    "cache_control": "c",
    "content_disposition": "d",
    "content_encoding": "e",
    "content_language": "l",
    "source_etag": "s",
    "metadata": "u",
    "overflow": "o",
}
"""One-letter names in the JSON, because 162 bytes must do for most objects."""


class _Document(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename=_SLOT_NAMES, kw_only=True):
    """What the slot, or the overflow in its place, says."""

    modified: int | None = None
    """Microseconds since 1970 in UTC."""
    content_type: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    source_etag: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    overflow: bytes | None = None
    """SHA-256 of the overflow, which then holds the document; no other field is set beside it."""


def overflow_key(message_id: bytes) -> str:
    """Return the key of the overflow object of a message."""
    return f"{RESERVED_PREFIX}meta/{message_id.hex()}"


def header_length(keys: VolumeKeys) -> int:
    """Return the length of every header in the volume, in bytes."""
    return context.volume_header_length(len(keys.key_name(keys.active_epoch)))


def listed_size(keys: VolumeKeys, stored: int) -> int:
    """Return the plaintext length that a listing's `stored` bytes suggest: a hint until the object is opened."""
    return Body.hint(stored - header_length(keys), keys.frame_length)


def overflow_length(described: Metadata) -> int:
    """Return how many bytes of metadata would lie in an overflow object, or 0 where they fit the slot."""
    length = len(msgspec.json.encode(_pack(described)))
    return length if length > metadata.SLOT_CAPACITY else 0


class Sealing(NamedTuple):
    """A message about to be written."""

    encryptor: Encryptor
    overflow: bytes | None
    """What must stand at `overflow_key` before the message becomes visible, or None."""


def seal(keys: VolumeKeys, key: str, described: Metadata) -> Sealing:
    """Start the message of the object at `key`, under the volume's active epoch.

    Every call makes a new message with a new data key, so an object that must be written anew is sealed anew.
    """
    document = msgspec.json.encode(_pack(described))
    overflow: bytes | None = None
    if len(document) > metadata.SLOT_CAPACITY:
        overflow, document = document, msgspec.json.encode(_Document(overflow=hashlib.sha256(document).digest()))

    def context_for(message_id: bytes, metadata_key: bytes) -> dict[str, str]:
        return context.build(
            place=context.place(keys.context_key, keys.volume_id, key),
            slot=metadata.seal_slot(metadata_key, message_id, document),
        )

    name = keys.key_name(keys.active_epoch)
    encryptor = Encryptor.create(keys.wrapping_cipher_for(name), name, keys.frame_length, context_for)
    return Sealing(encryptor, overflow)


def open_header(keys: VolumeKeys, key: str, head: Buffer) -> Decryptor:
    """Authenticate the header of the object at `key` and return what decrypts its frames.

    `head` starts at the message's first byte and holds the whole header. Raises: MalformedMessage (a clear object, another
    format, another frame length than the volume's), IntegrityError, ContextMismatch (another key or volume), UnknownEpoch.
    """
    decryptor = Decryptor.open(head, keys.wrapping_cipher_for)
    context.verify_place(decryptor.context, keys.context_key, keys.volume_id, key)
    if decryptor.frame_length != keys.frame_length:
        raise MalformedMessage(
            f"the object at {key!r} has frames of {decryptor.frame_length} bytes, and the volume's have {keys.frame_length}"
        )
    return decryptor


def read_metadata(decryptor: Decryptor, fetch_overflow: Callable[[str], bytes]) -> Metadata:
    """Return the metadata of an opened message. `fetch_overflow` gives the plaintext of the overflow object at a key.

    Raises: IntegrityError when the slot or the overflow is not what was written.
    """
    document = _decode(decryptor.open_slot())
    if document.overflow is not None:
        overflow = fetch_overflow(overflow_key(decryptor.header.message_id))
        if not hmac.compare_digest(hashlib.sha256(overflow).digest(), document.overflow):
            raise IntegrityError("the metadata object of a message is not the one that was written with it")
        document = _decode(overflow)
    return _unpack(document)


def _decode(data: bytes) -> _Document:
    try:
        return msgspec.json.decode(data, type=_Document)
    except MALFORMED as error:
        raise MalformedMessage(f"the metadata of a message is of no form that this version knows: {error}") from None


def _pack(described: Metadata) -> _Document:
    attributes = described.attributes
    return _Document(
        modified=None if described.modified is None else (described.modified - _EPOCH) // _MICROSECOND,
        content_type=attributes.content_type,
        cache_control=attributes.cache_control,
        content_disposition=attributes.content_disposition,
        content_encoding=attributes.content_encoding,
        content_language=attributes.content_language,
        source_etag=described.source_etag,
        metadata=dict(attributes.metadata),
    )


def _unpack(document: _Document) -> Metadata:
    try:
        modified = None if document.modified is None else _EPOCH + document.modified * _MICROSECOND
    except OverflowError:
        raise MalformedMessage("the modification time of a message is out of range") from None
    attributes = Attributes(
        content_type=document.content_type,
        cache_control=document.cache_control,
        content_disposition=document.content_disposition,
        content_encoding=document.content_encoding,
        content_language=document.content_language,
        metadata=document.metadata,
    )
    return Metadata(attributes, modified, document.source_etag)
