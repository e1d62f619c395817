"""The metadata slot and the document in it, or in the overflow object."""

import base64
import hashlib
import json
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec

from portable import sealed
from portable.errors import PortableError
from portable.format.message import Decryptor
from tests.format.samples import ANY_LENGTH, key_for
from tests.fuzz.forging import MESSAGE_ID, forged_header, slot_with
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the slot's tag and padding (set aside in seven of eight executions)"
SEEDS: Final = (b"", bytes([1]), bytes([64, 200, 3]), bytes([130, 255, 1, 9]))

_FULL: Final[dict[str, Any]] = {
    "m": 1924905600000000, "t": "text/csv", "c": "no-cache", "d": "inline", "e": "gzip", "l": "fr", "s": '"0x8D"',
    "u": {"a": "b"},
}  # fmt: skip
_SHORT: Final[dict[str, Any]] = {"m": 1924905600000000, "t": "application/vnd.apache.parquet"}


class _Opened:
    """A message whose slot is open already, which most executions have no need to seal first."""

    header = SimpleNamespace(message_id=MESSAGE_ID)

    def __init__(self, payload: bytes) -> None:
        self._payload = payload

    def open_slot(self) -> bytes:
        return self._payload


def run(data: bytes) -> bool:
    script = Script(data)
    overflow = _document(script, _FULL)
    inner = _document(script, _SHORT)
    if script.byte() >= 160:
        digest = edited(hashlib.sha256(overflow).digest(), script) if script.rarely() else hashlib.sha256(overflow).digest()
        inner = json.dumps({"o": base64.b64encode(digest).decode()}).encode()
    payload = _through_the_slot(inner, script) if script.byte() & 7 == 7 else inner
    if payload is None:
        return False
    try:
        described = sealed.read_metadata(cast("Decryptor", _Opened(payload)), lambda _: overflow)
    except PortableError:
        return True
    again = sealed._unpack(sealed._decode(msgspec.json.encode(sealed._pack(described))))
    assert again == described, f"{described!r} is written as {again!r}"
    return True


def _document(script: Script, sound: dict[str, Any]) -> bytes:
    document: Any = sound
    for _ in range(script.byte() % 4):
        document = edited_json(document, script)
    encoded = json.dumps(document).encode(errors="surrogatepass")
    return edited(encoded, script) if script.byte() >= 224 else encoded


def _through_the_slot(inner: bytes, script: Script) -> bytes | None:
    """Return what the slot of a message gives when `inner`, or something wrong, was put in; None where it is refused."""
    length = script.below(65536) if script.rarely() else len(inner) % 65536
    padded = (length.to_bytes(2, "big") + inner).ljust(164, b"\0")[:164]
    if script.rarely():
        padded = edited(padded, script)
    stored = slot_with(padded)
    if script.rarely():
        stored = edited(stored, script)
    decryptor = Decryptor.open(forged_header(Script(b""), stored)[0], key_for, frame_lengths=ANY_LENGTH)
    try:
        payload = decryptor.open_slot()
    except PortableError:
        return None
    assert (len(payload).to_bytes(2, "big") + payload).ljust(164, b"\0") == padded
    return payload
