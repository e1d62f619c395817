"""Headers and frames with chosen faults, authenticated as somebody could who holds the epoch key.

Every message here has the same data key: only an attacker who knows it can do that, and what such a one may gain is nothing but
his own plaintext. What is wrong in a message is then for the code behind the tags to notice.
"""

import base64
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.format.independent import FINAL, REGULAR, Secrets, aad, derived, hkdf, prefixed
from tests.format.samples import KEY, PAYLOAD, pattern
from tests.fuzz.script import BOUNDARIES, Script, edited

SECRETS: Final = Secrets(bytes(range(16)), bytes(range(100, 132)), bytes(8), bytes(range(32)), 16)
DATA_KEY: Final = bytes(range(200, 232))
MESSAGE_ID: Final = bytes(range(32))
CONTEXT_KEY: Final = hkdf(SECRETS.volume_secret, SECRETS.volume_id, b"portable/v1/context")
WRAPPING_IV: Final = bytes(range(1, 13))


def slot_with(padded: bytes, message_id: bytes = MESSAGE_ID) -> bytes:
    """Return a sealed slot, whatever its 164 bytes should have been."""
    nonce = bytes(12)
    return nonce + AESGCM(derived(DATA_KEY, message_id).metadata).encrypt(nonce, padded, message_id)


@lru_cache(64)
def content_cipher(message_id: bytes) -> AESGCM:
    return AESGCM(derived(DATA_KEY, message_id).content)


@lru_cache(64)
def commitment(message_id: bytes) -> bytes:
    return derived(DATA_KEY, message_id).commitment


_WRAPPING: Final = AESGCM(SECRETS.epoch_key)
SLOT: Final = slot_with((len(PAYLOAD).to_bytes(2, "big") + PAYLOAD).ljust(164, b"\0"))
_NAMES: Final = ("version", "id", "keys", "namespace", "key name", "parameters", "iv", "type", "frame length")
_PREFIXES: Final = ("context", "namespace", "key", "wrapped")
_VALUES: Final = (
    b"\x02\x04\x78",
    MESSAGE_ID,
    b"\x00\x01",
    b"portable",
    SECRETS.key_name,
    bytes.fromhex("00000080 0000000c"),
    WRAPPING_IV,
    b"\x02",
    SECRETS.frame_length.to_bytes(4, "big"),
)


_PLACE: Final = SECRETS.place(KEY)


def forged_header(script: Script, slot: bytes = SLOT) -> tuple[bytes, bytes]:
    """Return a header and its message id."""
    fields = dict(zip(_NAMES, _VALUES, strict=True))
    for _ in range(max(0, script.byte() % 8 - 5)):
        name = _NAMES[script.byte() % len(_NAMES)]
        fields[name] = edited(fields[name], script)
    context = _context(script, slot)
    lie = {_PREFIXES[script.byte() % 4]: BOUNDARIES[script.byte() % len(BOUNDARIES)]} if script.rarely() else {}

    def counted(name: str, field: bytes) -> bytes:
        return (lie.get(name, len(field)) % 65536).to_bytes(2, "big") + field

    wrapped = _wrapped(fields["iv"], context)
    committed = commitment(fields["id"])
    if script.rarely():
        wrapped = edited(wrapped, script)
    if script.rarely():
        committed = edited(committed, script)
    body = b"".join((
        fields["version"] + fields["id"],
        counted("context", context),
        fields["keys"],
        counted("namespace", fields["namespace"]),
        counted("key", fields["key name"] + fields["parameters"] + fields["iv"]),
        counted("wrapped", wrapped),
        fields["type"] + fields["frame length"] + committed,
    ))  # fmt: skip
    tag = content_cipher(fields["id"]).encrypt(bytes(12), b"", body)
    return body + (edited(tag, script) if script.rarely() else tag), fields["id"]


def _context(script: Script, slot: bytes) -> bytes:
    entries = [[b"portable", _PLACE], [b"portable-meta", base64.b64encode(slot)]]
    choice = script.byte()
    if choice >= 128:
        half = entries[choice % 2]
        half[choice // 2 % 2] = edited(half[choice // 2 % 2], script)
    elif choice >= 96:
        entries.insert(choice % 3, [script.some(40), script.some(40)])
    elif choice >= 80:
        entries = entries[: choice % 3]
    elif choice >= 64:
        entries = entries * (choice % 8)
    count = BOUNDARIES[script.byte() % len(BOUNDARIES)] % 65536 if script.rarely() else len(entries)
    context = count.to_bytes(2, "big") + b"".join(prefixed(text[:65535]) for entry in entries for text in entry)
    return b"" if not entries and not script.rarely() else context


def _wrapped(iv: bytes, context: bytes) -> bytes:
    if not 8 <= len(iv) <= 128:  # what the library takes
        return bytes(48)
    return _WRAPPING.encrypt(iv, DATA_KEY, context)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame before it is encrypted: its fields, and what its tag will cover, which may be something else."""

    final: bool
    seq: int
    data: bytes
    iv: bytes
    length: int
    said_final: bool
    """Whether the tag is that of a final frame."""
    said_seq: int
    """The seq that the tag covers."""

    def sealed(self, cipher: AESGCM, message_id: bytes) -> bytes:
        name = FINAL if self.said_final else REGULAR
        ciphertext = cipher.encrypt(self.iv, self.data, aad(message_id, name, self.said_seq, len(self.data)))
        number = self.seq.to_bytes(4, "big")
        if self.final:
            return b"\xff\xff\xff\xff" + number + self.iv + self.length.to_bytes(4, "big") + ciphertext
        return number + self.iv + ciphertext


def forged_frames(script: Script, message_id: bytes) -> bytes:
    """Return the frames of a message of up to 70 bytes of plaintext, edited."""
    size, plaintext = SECRETS.frame_length, pattern(script.byte() % 71)
    full = len(plaintext) // size
    if script.rarely() and full and not len(plaintext) % size:
        full -= 1  # a full final frame
    parts = [plaintext[index * size : (index + 1) * size] for index in range(full)] + [plaintext[full * size :]]
    frames = [_frame(index + 1, part, final=index == full) for index, part in enumerate(parts)]
    for _ in range(script.byte() % 4):
        _edit_frames(frames, script)
    cipher = content_cipher(message_id)
    stored = b"".join(frame.sealed(cipher, message_id) for frame in frames)
    return edited(stored, script) if script.byte() % 8 == 7 else stored


def _frame(seq: int, data: bytes, *, final: bool) -> Frame:
    iv = bytes(8) + seq.to_bytes(4, "big")
    return Frame(final, seq, data, iv, len(data), said_final=final, said_seq=seq)


def _edit_frames(frames: list[Frame], script: Script) -> None:
    if not frames:
        return
    at, other, choice = script.byte() % len(frames), script.byte() % len(frames), script.byte() % 9
    value = BOUNDARIES[script.byte() % len(BOUNDARIES)]
    frame = frames[at]
    match choice:
        case 0:
            frames[at], frames[other] = frames[other], frame
        case 1:
            frames.insert(other, frame)
        case 2:
            del frames[at]
        case 3:
            frames[at] = replace(frame, seq=value, said_seq=value)
        case 4:
            frames[at] = replace(frame, seq=value)
        case 5:
            frames[at] = replace(frame, length=value)
        case 6:
            data = edited(frame.data, script)
            frames[at] = replace(frame, data=data, length=len(data))
        case 7:
            frames[at] = replace(frame, said_final=not frame.said_final, final=frame.final ^ bool(script.byte() % 2))
        case _:
            frames[at] = replace(frame, seq=frames[other].seq, said_seq=frames[other].seq, iv=bytes(12))
