"""The header's bytes, built and parsed.

Big-endian; lengths are u16 unless said otherwise::

    body   02 | 0478 | message id[32] | length|context | 0001 | EDK | 02 | frame length u32 | commitment[32]
    tag    [16]

    context  count | (length|name length|value)*      UTF-8, names ascending by bytes; nothing at all where empty
    EDK      length|namespace | length|(key name | 00000080 | 0000000c | iv[12]) | 0030|(wrapped data key[32] tag[16])

Leading 02: format version 2. Second 02: framed. 0478: AES-256-GCM, HKDF-SHA-512, key commitment, no signature.
EDK: the encrypted data key, as the Raw AES keyring writes it (00000080: tag bits; 0000000c: IV bytes).

Source: AWS Encryption SDK specification, "Message header" and "Raw AES keyring". The parser takes this profile alone, in its
one canonical encoding, and reads no more than `MAX_HEADER_LENGTH` bytes whatever they claim.
"""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, NoReturn

from typing_extensions import Buffer

from portable.errors import MalformedMessage
from portable.format.derive import IV_LENGTH, KEY_LENGTH, SUITE, TAG_LENGTH

MESSAGE_ID_LENGTH: Final = 32
MESSAGE_ID: Final = slice(3, 3 + MESSAGE_ID_LENGTH)
"""Where the message id stands in a message."""
MIN_FRAME_LENGTH: Final = 4 * 1024
MAX_FRAME_LENGTH: Final = 16 * 1024 * 1024
FRAME_LENGTHS: Final = range(MIN_FRAME_LENGTH, MAX_FRAME_LENGTH + 1)
"""The frame lengths, in bytes, that a volume may have."""

MAX_CONTEXT_LENGTH: Final = 8 * 1024
MAX_NAME_LENGTH: Final = 256
"""Bytes: of the namespace and of the key name, each."""

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_VERSION = b"\x02"
_FRAMED = b"\x02"
_ONE_KEY = b"\x00\x01"
_GCM_PARAMETERS = _U32.pack(TAG_LENGTH * 8) + _U32.pack(IV_LENGTH)
_WRAPPED_LENGTH = KEY_LENGTH + TAG_LENGTH


def header_length(context_length: int, namespace_length: int, name_length: int) -> int:
    """Return the length in bytes of a header (tag included) whose context, namespace and key name have these lengths."""
    return 166 + context_length + namespace_length + name_length


MIN_HEADER_LENGTH: Final = header_length(0, 0, 0)
MAX_HEADER_LENGTH: Final = header_length(MAX_CONTEXT_LENGTH, MAX_NAME_LENGTH, MAX_NAME_LENGTH)


class WrappedDataKey(NamedTuple):
    """A data key as it stands in a header (the EDK)."""

    namespace: bytes
    key_name: bytes
    """Names the wrapping key to whoever holds it."""
    iv: bytes
    ciphertext: bytes
    """32 bytes and the tag."""


class Header(NamedTuple):
    """A parsed header: nothing in it is authentic before `tag` and `commitment` have been checked."""

    message_id: bytes
    context: Mapping[str, str]
    """The encryption context."""
    context_bytes: bytes
    wrapped: WrappedDataKey
    frame_length: int
    commitment: bytes
    body: bytes
    """The bytes that `tag` authenticates, exactly as they were read."""
    tag: bytes

    @property
    def length(self) -> int:
        """Bytes, tag included: where the frames begin."""
        return len(self.body) + len(self.tag)

    def serialize(self) -> bytes:
        """Return the bytes that were parsed."""
        return self.body + self.tag


def encode_context(context: Mapping[str, str]) -> bytes:
    """Return the context's one serialization.

    Raises: ValueError (longer than `MAX_CONTEXT_LENGTH`, or not expressible in UTF-8).
    """
    if not context:
        return b""
    entries = sorted((name.encode(), value.encode()) for name, value in context.items())
    length = 2 + sum(4 + len(name) + len(value) for name, value in entries)
    if length > MAX_CONTEXT_LENGTH:
        raise ValueError(f"the encryption context takes {length} bytes; {MAX_CONTEXT_LENGTH} are allowed")
    return _U16.pack(len(entries)) + b"".join(_prefixed(text) for entry in entries for text in entry)


def encode_body(message_id: bytes, context: bytes, wrapped: WrappedDataKey, frame_length: int, commitment: bytes) -> bytes:
    """Return the header without its tag; `context` is what `encode_context` returned.

    Raises: ValueError (namespace or key name longer than `MAX_NAME_LENGTH`).
    """
    if max(len(wrapped.namespace), len(wrapped.key_name)) > MAX_NAME_LENGTH:
        raise ValueError(f"the namespace or the name of the wrapping key is longer than {MAX_NAME_LENGTH} bytes")
    return b"".join((
        _VERSION + SUITE + message_id,
        _prefixed(context),
        _ONE_KEY,
        _prefixed(wrapped.namespace),
        _prefixed(wrapped.key_name + _GCM_PARAMETERS + wrapped.iv),
        _prefixed(wrapped.ciphertext),
        _FRAMED + _U32.pack(frame_length) + commitment,
    ))  # fmt: skip


def needed(prefix: Buffer) -> int:
    """Return how many bytes from the message's start must be at hand to say more about its header.

    Where `prefix` holds that many, the answer is the header's length, tag included. So a reader that does not know the length
    fetches until `len(prefix) >= needed(prefix)`.

    Raises: MalformedMessage (as soon as the bytes at hand cannot begin a message of the profile).
    """
    cursor = _Cursor(_bounded(prefix))
    try:
        return _read(cursor).length
    except _Short:
        return cursor.least


def parse(data: Buffer, *, frame_lengths: range = FRAME_LENGTHS) -> Header:
    """Parse the header that `data` begins with; bytes after it are not looked at.

    `frame_lengths`: those to accept; wider than the default only to read what other writers made.

    Raises: MalformedMessage.
    """
    cursor = _Cursor(_bounded(data))
    try:
        header = _read(cursor)
    except _Short:
        missing = cursor.least - cursor.length
        raise MalformedMessage(f"the header is cut: {missing} bytes or more are missing behind byte {cursor.length}") from None
    if header.frame_length not in frame_lengths:
        allowed = f"{frame_lengths.start} to {frame_lengths.stop - 1}"
        raise MalformedMessage(f"frames of {header.frame_length} bytes; {allowed} are accepted")
    return header


def _read(cursor: "_Cursor") -> Header:
    cursor.expect(_VERSION, "message format version")
    cursor.expect(SUITE, "algorithm suite")
    message_id = cursor.take(MESSAGE_ID_LENGTH)
    context_bytes = cursor.take_prefixed("encryption context", 0, MAX_CONTEXT_LENGTH)
    context = _decode_context(context_bytes)
    cursor.expect(_ONE_KEY, "number of wrapped data keys")
    wrapped = _read_wrapped(cursor)
    cursor.expect(_FRAMED, "content type")
    (frame_length,) = _U32.unpack(cursor.take(_U32.size))
    commitment = cursor.take(KEY_LENGTH)
    body = cursor.taken()
    tag = cursor.take(TAG_LENGTH)
    return Header(message_id, MappingProxyType(context), context_bytes, wrapped, frame_length, commitment, body, tag)


def _read_wrapped(cursor: "_Cursor") -> WrappedDataKey:
    namespace = cursor.take_prefixed("namespace of the wrapping key", 0, MAX_NAME_LENGTH)
    fixed = len(_GCM_PARAMETERS) + IV_LENGTH
    information = cursor.take_prefixed("name of the wrapping key", fixed, fixed + MAX_NAME_LENGTH)
    name, parameters, iv = information[:-fixed], information[-fixed:-IV_LENGTH], information[-IV_LENGTH:]
    if parameters != _GCM_PARAMETERS:
        _malformed("the data key is not wrapped with a 128-bit tag and a 12-byte IV")
    return WrappedDataKey(namespace, name, iv, cursor.take_prefixed("wrapped data key", _WRAPPED_LENGTH, _WRAPPED_LENGTH))


def _decode_context(raw: bytes) -> dict[str, str]:
    if not raw:
        return {}
    cursor = _Cursor(raw)
    context: dict[str, str] = {}
    last: bytes | None = None
    try:
        (count,) = _U16.unpack(cursor.take(_U16.size))
        for _ in range(count):
            name = cursor.take_prefixed("entry of the encryption context", 0, len(raw))
            value = cursor.take_prefixed("entry of the encryption context", 0, len(raw))
            if last is not None and name <= last:
                _malformed("the encryption context repeats a name or is not in order")
            context[name.decode()] = value.decode()
            last = name
    except _Short:
        _malformed("the encryption context is shorter than its entries")
    except UnicodeDecodeError:
        _malformed("the encryption context is not UTF-8")
    if not context or cursor.taken() != raw:
        _malformed("the encryption context has no entries, or bytes behind them")
    return context


class _Short(Exception):
    """The bytes at hand end inside a field."""


class _Cursor:
    """Reads fields off the front of `data` and never past its end."""

    __slots__ = ("_at", "_data", "least", "length")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.length = len(data)
        self.least = MIN_HEADER_LENGTH
        """How long the header is, going by the lengths read so far; never too much."""

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > self.length:
            raise _Short
        field = self._data[self._at : end]
        self._at = end
        return field

    def take_prefixed(self, what: str, least: int, most: int) -> bytes:
        start = self._at + _U16.size
        if start > self.length:
            raise _Short
        (length,) = _U16.unpack_from(self._data, self._at)
        if not least <= length <= most:
            _malformed(f"{what}: {length} bytes, {least} to {most} are accepted")
        self.least += length - least
        end = start + length
        if end > self.length:
            raise _Short
        self._at = end
        return self._data[start:end]

    def expect(self, value: bytes, what: str) -> None:
        end = self._at + len(value)
        if end > self.length:
            raise _Short
        if (found := self._data[self._at : end]) != value:
            _malformed(f"{what}: 0x{found.hex()}, only 0x{value.hex()} is accepted")
        self._at = end

    def taken(self) -> bytes:
        return self._data[: self._at]


def _bounded(data: Buffer) -> bytes:
    return bytes(memoryview(data).cast("B")[:MAX_HEADER_LENGTH])


def _prefixed(field: bytes) -> bytes:
    return _U16.pack(len(field)) + field


def _malformed(reason: str) -> NoReturn:
    raise MalformedMessage(f"not an encrypted object of this format: {reason}")
