"""A header, authenticated: the wrapped data key opens, the commitment fits, the tag fits."""

import hmac
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import Buffer

from portable.errors import MalformedMessage
from portable.format import derive
from portable.format.context import NAMESPACE
from portable.format.header import Header, parse

KeyFor = Callable[[bytes], derive.WrappingKey]
"""Name of a wrapping key -> the key; raises UnknownEpoch where there is none."""

HEADER_IV: Final = bytes(derive.IV_LENGTH)
"""Constant by specification: why a content key authenticates one header in its life."""


def unlock(data: Buffer, key_for: KeyFor, frame_lengths: range) -> tuple[Header, AESGCM, bytes]:
    """Authenticate the header that `data` begins with; return it, the content key's cipher and the metadata key.

    Raises: MalformedMessage, IntegrityError (one error for whatever fails), and what `key_for` raises.
    """
    header = parse(data, frame_lengths=frame_lengths)
    wrapped = header.wrapped
    if wrapped.namespace != NAMESPACE:
        raise MalformedMessage(f"the data key is wrapped for the namespace {wrapped.namespace!r}, not {NAMESPACE!r}")
    data_key = derive.unwrap(key_for(wrapped.key_name), wrapped.iv, wrapped.ciphertext, header.context_bytes)
    content_key, commitment, metadata_key = derive.message_keys(data_key, header.message_id)
    if not hmac.compare_digest(commitment, header.commitment):
        raise derive.altered()
    cipher = AESGCM(content_key)
    try:
        cipher.decrypt(HEADER_IV, header.tag, header.body)
    except InvalidTag:
        raise derive.altered() from None
    return header, cipher, metadata_key
