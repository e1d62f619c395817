"""Signed documents: the envelope of keyrings and catalog entries.

    {"version": 1, "authority": {"ed25519", "mldsa65"}, "payload": base64, "signatures": {"ed25519", "mldsa65"}}

Both signatures are over `portable/v1/signed/` PURPOSE 0x00, the authority's digest (32 bytes) and the payload. So a document
of one purpose never passes for another, and a signature belongs to this pair of public keys and no other pair.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from portable.errors import ConfigurationError, UntrustedSignature
from portable.keys.authority import Authority, AuthorityPublic, Signatures
from portable.keys.derivation import LABEL
from portable.keys.fields import MALFORMED

DOCUMENT_LIMIT: Final = 16 << 20
"""Bytes: no larger document is parsed."""

_VERSION: Final = 1
_FINGERPRINT: Final = re.compile(r"sha256:[0-9a-f]{64}")


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int = _VERSION
    authority: AuthorityPublic
    payload: bytes
    signatures: Signatures


class _Versioned(Struct):
    version: int


def sign(payload: bytes, authority: Authority, purpose: str) -> bytes:
    """Return the signed document (JSON) of a payload. `purpose` is a constant of the program, such as `keyring`."""
    message, context = _message(payload, authority.public, purpose)
    envelope = _Envelope(authority=authority.public, payload=payload, signatures=authority.sign(message, context))
    return msgspec.json.format(msgspec.json.encode(envelope)) + b"\n"


def verify(document: bytes, purpose: str, pinned: str | None = None) -> tuple[bytes, AuthorityPublic]:
    """Return the payload and the authority that signed it, after both signatures have been checked.

    `pinned` is the fingerprint of the only authority to trust. With None any authority's signatures pass, and the caller
    decides whether to trust the one returned.

    Raises: UntrustedSignature (unsigned, altered, signed for another purpose, by another authority, or not a signed document
    that this version reads), ConfigurationError (`pinned` is not a fingerprint).
    """
    if pinned is not None and not _FINGERPRINT.fullmatch(pinned):
        raise ConfigurationError(f"{pinned!r} is not an authority's fingerprint: sha256: and 64 lower-case hexadecimal digits")
    envelope = _parse(document, purpose)
    if pinned is not None and envelope.authority.fingerprint != pinned:
        raise UntrustedSignature(
            f"the {purpose} is signed by {envelope.authority.fingerprint}, and the pinned authority is {pinned}"
        )
    message, context = _message(envelope.payload, envelope.authority, purpose)
    try:
        envelope.authority.verify(envelope.signatures, message, context)
    except UntrustedSignature as error:
        raise UntrustedSignature(f"the {purpose} is not trusted: {error}") from None
    return envelope.payload, envelope.authority


def _parse(document: bytes, purpose: str) -> _Envelope:
    if len(document) > DOCUMENT_LIMIT:
        raise UntrustedSignature(f"a {purpose} of {len(document)} bytes is refused: at most {DOCUMENT_LIMIT} are read")
    try:
        version = msgspec.json.decode(document, type=_Versioned).version
        if version != _VERSION:
            raise UntrustedSignature(f"the {purpose} has version {version}; this program reads version {_VERSION}")
        return msgspec.json.decode(document, type=_Envelope)
    except MALFORMED as error:
        raise UntrustedSignature(f"not a signed {purpose}: {error}") from None


def _message(payload: bytes, authority: AuthorityPublic, purpose: str) -> tuple[bytes, bytes]:
    context = LABEL + b"signed/" + purpose.encode()
    return context + b"\0" + authority.digest + payload, context
