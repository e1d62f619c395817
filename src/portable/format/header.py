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
from functools import lru_cache
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
_FIXED = len(_GCM_PARAMETERS) + IV_LENGTH
"""Bytes behind the key name, in one field with it."""
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
    # The order of code points is the order of their UTF-8 bytes.
    entries = [(name.encode(), value.encode()) for name, value in sorted(context.items())]
    length = _U16.size + sum([2 * _U16.size + len(name) + len(value) for name, value in entries])
    if length > MAX_CONTEXT_LENGTH:
        raise ValueError(f"the encryption context takes {length} bytes; {MAX_CONTEXT_LENGTH} are allowed")
    count = _U16.pack
    fields = [count(len(entries))]
    for name, value in entries:
        fields += (count(len(name)), name, count(len(value)), value)
    return b"".join(fields)


def encode_body(message_id: bytes, context: bytes, wrapped: WrappedDataKey, frame_length: int, commitment: bytes) -> bytes:
    """Return the header without its tag; `context` is what `encode_context` returned.

    Raises: ValueError (namespace or key name longer than `MAX_NAME_LENGTH`).
    """
    if max(len(wrapped.namespace), len(wrapped.key_name)) > MAX_NAME_LENGTH:
        raise ValueError(f"the namespace or the name of the wrapping key is longer than {MAX_NAME_LENGTH} bytes")
    return b"".join((
        _VERSION + SUITE, message_id,
        _U16.pack(len(context)), context,
        _ONE_KEY,
        _U16.pack(len(wrapped.namespace)), wrapped.namespace,
        _U16.pack(len(wrapped.key_name) + _FIXED), wrapped.key_name, _GCM_PARAMETERS, wrapped.iv,
        _U16.pack(len(wrapped.ciphertext)), wrapped.ciphertext,
        _FRAMED, _U32.pack(frame_length), commitment,
    ))  # fmt: skip


def needed(prefix: Buffer) -> int:
    """Return how many bytes from the message's start must be at hand to say more about its header.

    Where `prefix` holds that many, the answer is the header's length, tag included. So a reader that does not know the length
    fetches until `len(prefix) >= needed(prefix)`.

    Raises: MalformedMessage (as soon as the bytes at hand cannot begin a message of the profile).
    """
    try:
        return _read(_bounded(prefix)).length
    except _Short as short:
        return short.least


def parse(data: Buffer, *, frame_lengths: range = FRAME_LENGTHS) -> Header:
    """Parse the header that `data` begins with; bytes after it are not looked at.

    `frame_lengths`: those to accept; wider than the default only to read what other writers made.

    Raises: MalformedMessage.
    """
    held = _bounded(data)
    try:
        header = _read(held)
    except _Short as short:
        missing = short.least - len(held)
        raise MalformedMessage(f"the header is cut: {missing} bytes or more are missing behind byte {len(held)}") from None
    if header.frame_length not in frame_lengths:
        allowed = f"{frame_lengths.start} to {frame_lengths.stop - 1}"
        raise MalformedMessage(f"frames of {header.frame_length} bytes; {allowed} are accepted")
    return header


class _Short(Exception):
    """The bytes at hand end inside a field; the header has `least` bytes or more, going by the lengths read so far."""

    def __init__(self, least: int) -> None:
        self.least = least


def _read(data: bytes) -> Header:
    """Check lengths and constants from front to back, then take all fields at once."""
    least = MIN_HEADER_LENGTH
    _expect(data, 0, _VERSION, "message format version", least)
    _expect(data, len(_VERSION), SUITE, "algorithm suite", least)
    context_length = _length(data, MESSAGE_ID.stop, "encryption context", 0, MAX_CONTEXT_LENGTH, least)
    least += context_length
    start = MESSAGE_ID.stop + _U16.size
    at = start + context_length
    if at > len(data):
        raise _Short(least)
    context_bytes = data[start:at]
    context = _decode_context(context_bytes)
    _expect(data, at, _ONE_KEY, "number of wrapped data keys", least)
    at += len(_ONE_KEY)
    namespace_length = _length(data, at, "namespace of the wrapping key", 0, MAX_NAME_LENGTH, least)
    least += namespace_length
    at += _U16.size + namespace_length
    name_length = _length(data, at, "name of the wrapping key", _FIXED, _FIXED + MAX_NAME_LENGTH, least) - _FIXED
    least += name_length
    at += _U16.size + name_length
    _expect(data, at, _GCM_PARAMETERS, "128-bit tag and 12-byte IV of the wrapped data key", least)
    at += _FIXED
    _length(data, at, "wrapped data key", _WRAPPED_LENGTH, _WRAPPED_LENGTH, least)
    at += _U16.size + _WRAPPED_LENGTH
    _expect(data, at, _FRAMED, "content type", least)
    if len(data) < least:
        raise _Short(least)
    message_id, namespace, name, iv, ciphertext, frame_length, commitment = _fields(
        context_length, namespace_length, name_length
    ).unpack_from(data)
    wrapped = WrappedDataKey(namespace, name, iv, ciphertext)
    end = least - TAG_LENGTH
    return Header(
        message_id, MappingProxyType(context), context_bytes, wrapped, frame_length, commitment, data[:end], data[end:least]
    )


@lru_cache(64)
def _fields(context_length: int, namespace_length: int, name_length: int) -> struct.Struct:
    """Return where the fields stand that are neither lengths nor constants, nor the context, in a header of these lengths."""
    return struct.Struct(
        f">3x {MESSAGE_ID_LENGTH}s 2x{context_length}x 2x 2x{namespace_length}s 2x{name_length}s {len(_GCM_PARAMETERS)}x "
        f"{IV_LENGTH}s 2x{_WRAPPED_LENGTH}s x I {KEY_LENGTH}s"
    )


def _expect(data: bytes, at: int, value: bytes, what: str, least: int) -> None:
    if not data.startswith(value, at):
        found = data[at : at + len(value)]
        if len(found) < len(value):
            raise _Short(least)
        _malformed(f"{what}: 0x{found.hex()}, only 0x{value.hex()} is accepted")


def _length(data: bytes, at: int, what: str, shortest: int, longest: int, least: int) -> int:
    """Return the u16 at `at`, the length of a field."""
    if at + _U16.size > len(data):
        raise _Short(least)
    length: int = _U16.unpack_from(data, at)[0]
    if not shortest <= length <= longest:
        _malformed(f"{what}: {length} bytes, {shortest} to {longest} are accepted")
    return length


def _decode_context(raw: bytes) -> dict[str, str]:
    if not raw:
        return {}
    context: dict[str, str] = {}
    last: bytes | None = None
    prefix = _U16.size
    try:
        (count,) = _U16.unpack_from(raw)
        end = prefix
        for _ in range(count):
            (length,) = _U16.unpack_from(raw, end)
            start, end = end + prefix, end + prefix + length
            name = raw[start:end]
            (length,) = _U16.unpack_from(raw, end)
            start, end = end + prefix, end + prefix + length
            if last is not None and name <= last:
                _malformed("the encryption context repeats a name or is not in order")
            context[name.decode()] = raw[start:end].decode()
            last = name
    except struct.error:
        _malformed("the encryption context is shorter than its entries")
    except UnicodeDecodeError:
        _malformed("the encryption context is not UTF-8")
    if end > len(raw):
        _malformed("the encryption context is shorter than its entries")
    if not context or end < len(raw):
        _malformed("the encryption context has no entries, or bytes behind them")
    return context


def _bounded(data: Buffer) -> bytes:
    if isinstance(data, bytes):
        return data[:MAX_HEADER_LENGTH]
    return bytes(memoryview(data).cast("B")[:MAX_HEADER_LENGTH])


def _malformed(reason: str) -> NoReturn:
    raise MalformedMessage(f"not an encrypted object of this format: {reason}")
