"""A second implementation of docs/spec/sealed-names.md: AES-SIV from CMAC and CTR, as RFC 5297, section 2, spells it."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.cmac import CMAC

ALPHABET = "0123456789abcdefghijklmnopqrstuv"


def siv_encrypt(key: bytes, associated: list[bytes], plaintext: bytes) -> bytes:
    half = len(key) // 2
    siv = s2v(key[:half], [*associated, plaintext])
    counter = int.from_bytes(siv, "big") & ~(1 << 63) & ~(1 << 31)
    stream = Cipher(AES(key[half:]), CTR(counter.to_bytes(16, "big"))).encryptor()
    return siv + stream.update(plaintext)


def s2v(key: bytes, strings: list[bytes]) -> bytes:
    digest = cmac(key, bytes(16))
    for string in strings[:-1]:
        digest = xor(double(digest), cmac(key, string))
    last = strings[-1]
    if len(last) >= 16:
        return cmac(key, last[:-16] + xor(last[-16:], digest))
    return cmac(key, xor(double(digest), last + b"\x80" + bytes(15 - len(last))))


def cmac(key: bytes, data: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(data)
    return mac.finalize()


def double(block: bytes) -> bytes:
    doubled = int.from_bytes(block, "big") << 1
    return ((doubled ^ 0x87) & ((1 << 128) - 1) if doubled >> 128 else doubled).to_bytes(16, "big")


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def names_key(secret: bytes, volume_id: bytes) -> bytes:
    extracted = hmac.digest(volume_id, secret, hashlib.sha512)
    return hmac.digest(extracted, b"portable/v1/names\x01", hashlib.sha512)


def base32hex(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(ALPHABET[int(bits[start : start + 5], 2)] for start in range(0, len(bits), 5))


def seal(key: bytes, name: str) -> str:
    parent, stored = bytes(16), []
    for segment in name.split("/"):
        message = siv_encrypt(key, [parent], segment.encode())
        parent = message[:16]
        stored.append(base32hex(message))
    return "/".join(stored)
