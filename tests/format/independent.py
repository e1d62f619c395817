"""A second implementation of sealed objects, from docs/spec/object-format.md and header-metadata.md and nothing else.

Small, slow, and without a line of the package: what it opens, and what the package opens of it, is what the pages say.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEADER_LENGTH = 554
REGULAR, FINAL = b"AWSKMSEncryptionClient Frame", b"AWSKMSEncryptionClient Final Frame"


class Refused(Exception):
    pass


@dataclass(frozen=True)
class Secrets:
    """What a keyring says of one volume, for one epoch."""

    volume_id: bytes
    volume_secret: bytes
    epoch_id: bytes
    epoch_key: bytes
    frame_length: int

    @property
    def key_name(self) -> bytes:
        return f"{self.volume_id.hex()}/{self.epoch_id.hex()}".encode()

    def place(self, key: str) -> bytes:
        context_key = hkdf(self.volume_secret, self.volume_id, b"portable/v1/context")
        return base64.b64encode(hmac.digest(context_key, self.volume_id + key.encode(), "sha256"))


@dataclass(frozen=True)
class Keys:
    """What comes from a data key and a message id."""

    content: bytes
    commitment: bytes
    metadata: bytes


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA512(), length=32, salt=salt, info=info).derive(secret)


def derived(data_key: bytes, message_id: bytes) -> Keys:
    return Keys(
        content=hkdf(data_key, message_id, b"\x04\x78DERIVEKEY"),
        commitment=hkdf(data_key, message_id, b"COMMITKEY"),
        metadata=hkdf(data_key, message_id, b"portable/v1/metadata"),
    )


def prefixed(field: bytes) -> bytes:
    return len(field).to_bytes(2, "big") + field


def aad(message_id: bytes, name: bytes, seq: int, length: int) -> bytes:
    return message_id + name + seq.to_bytes(4, "big") + length.to_bytes(8, "big")


def write(
    secrets: Secrets, key: str, document: bytes, plaintext: bytes, *, fill: bool = False, uncommitted: bool = False
) -> bytes:
    """Return a message. `fill`: end an exact multiple with a full final frame. `uncommitted`: commit to another data key."""
    message_id, data_key = os.urandom(32), os.urandom(32)
    keys = derived(data_key, message_id)
    nonce = os.urandom(12)
    padded = (len(document).to_bytes(2, "big") + document).ljust(164, b"\0")
    slot = nonce + AESGCM(keys.metadata).encrypt(nonce, padded, message_id)
    entries = ((b"portable", secrets.place(key)), (b"portable-meta", base64.b64encode(slot)))
    context = b"\x00\x02" + b"".join(prefixed(name) + prefixed(value) for name, value in entries)
    iv = os.urandom(12)
    wrapped = AESGCM(secrets.epoch_key).encrypt(iv, data_key, context)
    commitment = derived(os.urandom(32), message_id).commitment if uncommitted else keys.commitment
    body = b"\x02\x04\x78" + message_id + prefixed(context) + b"\x00\x01" + prefixed(b"portable")
    body += prefixed(secrets.key_name + bytes.fromhex("00000080 0000000c") + iv) + prefixed(wrapped)
    body += b"\x02" + secrets.frame_length.to_bytes(4, "big") + commitment
    message = body + AESGCM(keys.content).encrypt(bytes(12), b"", body)
    frames, tail = divmod(len(plaintext), secrets.frame_length)
    if fill and frames and not tail:
        frames, tail = frames - 1, secrets.frame_length
    r = os.urandom(8)
    for seq in range(1, frames + 2):
        number = seq.to_bytes(4, "big")
        start = (seq - 1) * secrets.frame_length
        part = plaintext[start : start + secrets.frame_length] if seq <= frames else plaintext[start:]
        name = REGULAR if seq <= frames else FINAL
        sealed = AESGCM(keys.content).encrypt(r + number, part, aad(message_id, name, seq, len(part)))
        if seq <= frames:
            message += number + r + number + sealed
        else:
            message += b"\xff\xff\xff\xff" + number + r + number + len(part).to_bytes(4, "big") + sealed
    return message


def read(secrets: Secrets, key: str, message: bytes) -> tuple[bytes, bytes]:
    """Return the plaintext and the document of the metadata slot. Raises: Refused."""
    try:
        return _read(secrets, key, message)
    except InvalidTag:
        raise Refused("does not authenticate") from None


def _read(secrets: Secrets, key: str, message: bytes) -> tuple[bytes, bytes]:
    header, message_id, context = message[:HEADER_LENGTH], message[3:35], message[37:368]
    fixed = [
        (0, "02 0478"),
        (35, "014b 0002 0008" + b"portable".hex() + "002c"),
        (95, "000d" + b"portable-meta".hex() + "0100"),
        (368, "0001 0008" + b"portable".hex() + "0045" + secrets.key_name.hex() + "00000080 0000000c"),
        (451, "0030"),
        (501, "02" + secrets.frame_length.to_bytes(4, "big").hex()),
    ]
    for offset, digits in fixed:
        if not header[offset:].startswith(bytes.fromhex(digits)):
            raise Refused(f"not a message of the profile: byte {offset}")
    data_key = AESGCM(secrets.epoch_key).decrypt(header[439:451], header[453:501], context)
    keys = derived(data_key, message_id)
    if not hmac.compare_digest(keys.commitment, header[506:538]):
        raise Refused("commits to another data key")
    AESGCM(keys.content).decrypt(bytes(12), header[538:], header[:538])
    if not hmac.compare_digest(header[51:95], secrets.place(key)):
        raise Refused("belongs elsewhere")
    frames, tail = divmod(len(message) - HEADER_LENGTH - 40, secrets.frame_length + 32)
    if frames < 0 or tail > secrets.frame_length:
        raise Refused("cut or extended")
    last = HEADER_LENGTH + frames * (secrets.frame_length + 32)
    expected = b"\xff\xff\xff\xff" + (frames + 1).to_bytes(4, "big")
    if message[last : last + 8] != expected or message[last + 20 : last + 24] != tail.to_bytes(4, "big"):
        raise Refused("the final frame is of another message, or of another length")
    cipher = AESGCM(keys.content)
    end = cipher.decrypt(message[last + 8 : last + 20], message[last + 24 :], aad(message_id, FINAL, frames + 1, tail))
    plaintext = b""
    for seq in range(1, frames + 1):
        start = HEADER_LENGTH + (seq - 1) * (secrets.frame_length + 32)
        frame = message[start : start + secrets.frame_length + 32]
        if frame[:4] != seq.to_bytes(4, "big"):
            raise Refused("a frame is not in its place")
        plaintext += cipher.decrypt(frame[4:16], frame[16:], aad(message_id, REGULAR, seq, secrets.frame_length))
    return plaintext + end, open_slot(keys.metadata, message_id, base64.b64decode(header[112:368], validate=True))


def open_slot(metadata_key: bytes, message_id: bytes, slot: bytes) -> bytes:
    padded = AESGCM(metadata_key).decrypt(slot[:12], slot[12:], message_id)
    stop = 2 + int.from_bytes(padded[:2], "big")
    if stop > 164 or any(padded[stop:]):
        raise Refused("the slot holds more than its length says")
    return padded[2:stop]


def overflow_fits(document: bytes, digest: bytes) -> bool:
    """Tell whether an overflow object's plaintext is the one that the slot means."""
    return hmac.compare_digest(hashlib.sha256(document).digest(), digest)
