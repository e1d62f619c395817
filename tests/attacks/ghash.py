"""Ciphertexts that two keys open: what AES-GCM allows to whoever knows both keys, and a commitment takes back.

GHASH as NIST SP 800-38D, 6.3 and 6.4 have it; the collision as Dodis, Grubbs, Ristenpart and Woodage, "Fast Message Franking"
(2018), and Len, Grubbs and Ristenpart, "Partitioning Oracle Attacks" (2021).
"""

import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ORDER = 2**128 - 1
"""Of the multiplicative group of the field."""


def multiply(x: int, y: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        product ^= x if y >> bit & 1 else 0
        x = x >> 1 ^ (0xE1 << 120 if x & 1 else 0)
    return product


def inverse(x: int) -> int:
    result, exponent = 1 << 127, ORDER - 1
    while exponent:
        result = multiply(result, x) if exponent & 1 else result
        x, exponent = multiply(x, x), exponent >> 1
    return result


def under_two_keys(one: bytes, two: bytes, iv: bytes, aad: bytes) -> bytes:
    """Return 32 bytes of ciphertext and a tag that authenticate under both keys with this IV and associated data."""
    first = os.urandom(16)
    (tag1, h1), (tag2, h2) = (_tag(key, iv, aad, first + bytes(16)) for key in (one, two))
    # The last block of ciphertext counts with H squared: choose it so that both tags come out equal.
    free = multiply(tag1 ^ tag2, inverse(multiply(h1, h1) ^ multiply(h2, h2)))
    tag = tag1 ^ multiply(free, multiply(h1, h1))
    return first + free.to_bytes(16, "big") + tag.to_bytes(16, "big")


def _tag(key: bytes, iv: bytes, aad: bytes, ciphertext: bytes) -> tuple[int, int]:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - one block is the primitive of GCM
    h, mask = (int.from_bytes(encryptor.update(block), "big") for block in (bytes(16), iv + b"\0\0\0\1"))
    lengths = (len(aad) * 8 << 64) | len(ciphertext) * 8
    state = 0
    for data in (aad, ciphertext, lengths.to_bytes(16, "big")):
        for start in range(0, len(data), 16):
            state = multiply(state ^ int.from_bytes(data[start : start + 16].ljust(16, b"\0"), "big"), h)
    return state ^ mask, h
