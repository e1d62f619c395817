"""Sealed names: what a host sees of the keys in a volume whose `names` are "sealed" (docs/spec/sealed-names.md). No I/O.

Each segment of a key, which is what stands between its slashes, is encrypted with AES-SIV (RFC 5297) under the volume's names
key. The associated data is the SIV of the segment before, so a stored segment opens under its own parent alone, and equal
segments under different parents look unrelated. AES-SIV is deterministic: one key has one stored name, found without an index.
"""

import base64
import re
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from portable.errors import IntegrityError, InvalidKey
from portable.keys.secrecy import KeepsSecrets

STORED_BYTES: Final = 1024
"""Bytes of a stored name with its store's prefix, at most: what every host allows."""
SEGMENT_BYTES: Final = 143
"""Bytes of UTF-8 in a segment, at most: its 16 more bytes of SIV then take 255 characters, which is what file systems allow."""

_SIV: Final = 16
_ROOT: Final = bytes(_SIV)
"""Associated data of a first segment."""
_FOLDERS: Final = 1024
"""Folders whose names are kept, so that a listing opens one segment an object and not the whole path."""
_STORED_SEGMENT: Final = r"[0-9a-v]{26,255}"
_STORED: Final = re.compile(rf"{_STORED_SEGMENT}(?:/{_STORED_SEGMENT})*")


def stored_length(key: str) -> int:
    """Return the length of the stored name of `key`, in bytes, all of them ASCII."""
    segments = key.encode().split(b"/")
    return sum(_encoded(_SIV + len(segment)) for segment in segments) + len(segments) - 1


def obstacle(key: str, room: int = STORED_BYTES) -> str | None:
    """Say why `key` has no stored name of at most `room` bytes, or None where it has."""
    try:
        segments = key.encode().split(b"/")
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if (longest := max(map(len, segments))) > SEGMENT_BYTES:
        return f"has a segment of {longest} bytes, and {SEGMENT_BYTES} can be sealed"
    if (length := stored_length(key)) > room:
        return f"takes {length} bytes sealed, and the store has room for {room}"
    return None


class SealedNames(KeepsSecrets):
    """Seals and unseals the names of one volume. Safe to share between threads."""

    __slots__ = ("_opened_folder", "_sealed_folder", "_siv")

    def __init__(self, names_key: bytes) -> None:
        """`names_key` has 64 bytes: half of them authenticate, half encrypt (AES-256)."""
        self._siv = AESSIV(names_key)
        self._sealed_folder = lru_cache(_FOLDERS)(self._seal)
        self._opened_folder = lru_cache(_FOLDERS)(self._open)

    def seal(self, key: str) -> str:
        """Return the stored name of `key`. Raises: InvalidKey (too long, or not Unicode)."""
        if reason := obstacle(key):
            raise InvalidKey(f"the key {key[:40]!r} {reason}")
        return self._seal(key)[0]

    def seal_folder(self, prefix: str) -> str | None:
        """Return the stored prefix that is shared by all keys starting with `prefix`, or None where there can be no such key.

        It covers the whole segments of `prefix`. What stands behind the last slash has no stored form until its segment is
        complete, so keys below the stored prefix are still to be compared with `prefix`.
        """
        folder, slash, _ = prefix.rpartition("/")
        if not slash:
            return ""
        return None if obstacle(folder) else f"{self._sealed_folder(folder)[0]}/"

    def unseal(self, stored: str) -> str:
        """Return the key whose stored name this is.

        Raises: IntegrityError for a name that this volume did not make: another volume's or a clear one, an altered one, a
        segment under another parent.
        """
        key = self._path(stored)
        if not key:  # no object has the empty key
            raise _foreign(stored)
        return key

    def unseal_folder(self, stored: str) -> str:
        """Return the prefix whose stored prefix this is; both end in a slash. Raises: IntegrityError, as `unseal`."""
        return f"{self._path(stored.removesuffix('/'))}/"

    def _path(self, stored: str) -> str:
        if len(stored) > STORED_BYTES or not _STORED.fullmatch(stored):
            raise _foreign(stored)
        try:
            path, _ = self._open(stored)
        except (InvalidTag, ValueError):
            raise _foreign(stored) from None
        if path.count("/") != stored.count("/"):  # no writer makes it: `seal` splits at every slash
            raise _foreign(stored)
        return path

    def _seal(self, path: str) -> tuple[str, bytes]:
        """Return the stored name of a path, and the SIV of its last segment."""
        folder, slash, segment = path.rpartition("/")
        above, parent = self._sealed_folder(folder) if slash else ("", _ROOT)
        message = self._siv.encrypt(segment.encode(), [parent])
        return f"{above}{slash}{_encode(message)}", message[:_SIV]

    def _open(self, stored: str) -> tuple[str, bytes]:
        """Return the path of a stored name, and the SIV of its last segment. Raises: InvalidTag, ValueError."""
        folder, slash, encoded = stored.rpartition("/")
        above, parent = self._opened_folder(folder) if slash else ("", _ROOT)
        message = _decode(encoded)
        return f"{above}{slash}{self._siv.decrypt(message, [parent]).decode()}", message[:_SIV]


def _encoded(length: int) -> int:
    """Return how many characters of base32 encode `length` bytes: five bits each."""
    return -(-length * 8 // 5)


def _encode(message: bytes) -> str:
    """Encode in base32hex (RFC 4648, section 7), lower case, without padding."""
    return base64.b32hexencode(message).decode().rstrip("=").lower()


def _decode(encoded: str) -> bytes:
    """Decode what `_encode` gives: base32hex in lower case is a number in base 32, as `int` reads it. Raises: ValueError."""
    length, spare = divmod(len(encoded) * 5, 8)
    number = int(encoded, 32)
    # Were the bits behind the last byte, or whole characters, ignored, one key would have several stored names.
    if spare > 4 or number & ((1 << spare) - 1):
        raise ValueError("not the one spelling of these bytes")
    return (number >> spare).to_bytes(length)


def _foreign(stored: str) -> IntegrityError:
    return IntegrityError(f"{stored!r} is not a name that this volume made")
