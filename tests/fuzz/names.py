"""Sealed names: what stands in a listing of the host."""

import base64
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from portable.errors import PortableError
from portable.names import SealedNames
from tests.fuzz.script import Script, edited

FIRST_CHECK: Final = "every segment's SIV"
SEEDS: Final = (b"", b"\x01\x00\x00", b"\x03\x02a\x00\x02b\x00\x02c\x00")

_KEY: Final = bytes(range(64))
_SIV: Final = AESSIV(_KEY)
_NAMES: Final = SealedNames(_KEY)


def run(data: bytes) -> bool:
    script = Script(data)
    stored, sound = _forged(script)
    try:
        key = _NAMES.unseal(stored)
    except PortableError:
        # What is left of the first check is a name whose segments all decrypt, and which no writer makes.
        return sound
    assert _NAMES.seal(key) == stored, "two stored names of one key"
    _check_prefix(key, script)
    return True


def _forged(script: Script) -> tuple[str, bool]:
    """Return a stored name, and whether each segment was sealed under the one before."""
    segments, parent = [], bytes(16)
    for _ in range(1 + script.byte() % 5):
        choice = script.byte()
        clear = script.some(160) if choice >= 64 else b"records"
        message = _SIV.encrypt(clear, [parent])
        parent = message[:16]
        segments.append(base64.b32hexencode(message).decode().rstrip("=").lower())
    choice = script.byte()
    if choice < 160:
        return "/".join(segments), True
    if choice < 192:
        segments[0], segments[-1] = segments[-1], segments[0]
        return "/".join(segments), len(segments) == 1
    altered = edited("/".join(segments).encode(), script).decode(errors="surrogateescape")
    return altered, altered == "/".join(segments)


def _check_prefix(key: str, script: Script) -> None:
    prefix = key[: script.below(len(key) + 1)]
    folder = _NAMES.seal_folder(prefix)
    assert folder is not None
    assert _NAMES.seal(key).startswith(folder)
