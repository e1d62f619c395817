"""Keyed digests of plaintext, built from leaves.

A leaf is the SHA-256 of up to 8 MiB of an object's bytes as they were read; leaves can be taken apart and in any order, so a
digest never needs a hash state that cannot be saved. What is kept is keyed, because the bare hash of a small record can be
guessed::

    HMAC-SHA256(digest key of the volume, domain || size u64 || leaf digests in order)

The domain ends in a zero byte, and the size is fixed in length and tells how many leaves follow, so no two objects give the
HMAC the same input.
"""

import hashlib
import hmac
from typing import Final

from typing_extensions import Buffer

from portable.errors import ConfigurationError
from portable.keys.volume_keys import VolumeKeys

LEAF: Final = 8 * 1024 * 1024
"""Bytes of plaintext in every leaf but the last."""

_DOMAIN: Final = b"portable/v1/object-digest\0"


class LeafDigest:
    """Takes the bytes of one object in order, in chunks of any size."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes taken so far."""
        self._leaves = bytearray()
        self._leaf = hashlib.sha256()

    def update(self, chunk: Buffer) -> None:
        """Take the next bytes."""
        view = memoryview(chunk).cast("B")
        while view:
            taken = view[: LEAF - self.size % LEAF]
            self._leaf.update(taken)
            self.size += len(taken)
            view = view[len(taken) :]
            if self.size % LEAF == 0:
                self._leaves += self._leaf.digest()
                self._leaf = hashlib.sha256()

    def keyed(self, digest_key: bytes) -> bytes:
        """Return the keyed digest (32 bytes) of what was taken so far, under the volume's digest key (32 bytes)."""
        last = self._leaf.digest() if self.size % LEAF else b""
        return hmac.digest(digest_key, b"".join((_DOMAIN, self.size.to_bytes(8, "big"), self._leaves, last)), "sha256")


def digest_key(target: VolumeKeys | None, source: VolumeKeys | None) -> bytes:
    """Return the key of a migration's digests: the target volume's, or the source's where the target is clear.

    Raises: ConfigurationError when neither is sealed.
    """
    keys = target or source
    if keys is None:
        raise ConfigurationError("a migration between two clear volumes has no key for its digests: encrypt the target")
    return keys.digest_key


def equal(one: bytes, other: bytes) -> bool:
    """Compare two keyed digests in constant time."""
    return hmac.compare_digest(one, other)
