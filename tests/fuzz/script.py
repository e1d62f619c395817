"""Fuzzed bytes, read as decisions: what to edit, and how."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

BOUNDARIES: Final = (
    0,
    1,
    2,
    15,
    16,
    17,
    127,
    128,
    255,
    256,
    257,
    4095,
    4096,
    32767,
    32768,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 2,
    2**32 - 1,
)
"""Values of a length or a count that are worth a try; all fit an u32."""


class Script:
    """Reads decisions off the front of `data`; behind the end every decision is 0, and 0 always means: change nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """Return one of 0 to 255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, bound: int) -> int:
        """Return one of 0 to `bound` - 1; `bound` is at most 65,536."""
        return (self.byte() | (self.byte() << 8 if bound > 256 else 0)) % bound

    def rarely(self) -> bool:
        """Return True in one of 16 cases."""
        return self.byte() & 15 == 15

    def some(self, most: int = 255) -> bytes:
        """Return up to `most` bytes."""
        length = self.below(most + 1)
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def rest(self) -> bytes:
        """Return all that is left."""
        taken = self._data[self._at :]
        self._at = len(self._data)
        return taken


def edited(field: bytes, script: Script) -> bytes:
    """Return `field` after one edit."""
    at = script.below(len(field) + 1)
    edit = _EDITS[script.byte() % len(_EDITS)]
    return edit(field, at, script)


def _flip(field: bytes, at: int, script: Script) -> bytes:
    if at == len(field):
        return field
    return field[:at] + bytes([field[at] ^ 1 << script.byte() % 8]) + field[at + 1 :]


def _insert(field: bytes, at: int, script: Script) -> bytes:
    return field[:at] + script.some(32) + field[at:]


def _overwrite(field: bytes, at: int, script: Script) -> bytes:
    new = script.some(32)
    return field[:at] + new + field[at + len(new) :]


def _delete(field: bytes, at: int, script: Script) -> bytes:
    return field[:at] + field[at + 1 + script.byte() :]


def _repeat(field: bytes, at: int, script: Script) -> bytes:
    return field[:at] + field[at : at + 64] * (script.byte() % 8) + field[at:]


def _boundary(field: bytes, at: int, script: Script) -> bytes:
    width = 2 if script.byte() % 2 else 4
    value = BOUNDARIES[script.byte() % len(BOUNDARIES)] % (1 << 8 * width)
    return field[:at] + value.to_bytes(width, "big") + field[at + width :]


_EDITS: Final[tuple[Callable[[bytes, int, Script], bytes], ...]] = (_flip, _insert, _overwrite, _delete, _repeat, _boundary)


_ODD: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1, 2, 63, 64, 65, 2048, 2049, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**400,
    0.5, 1e308, float("nan"), float("inf"),
    "", "A", "AA==", "AB==", "\ud800", "\0", "é" * 300, "A" * 70000, "sealed", "clear", "passphrase", "identity-file",
    "1970-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59", "2031-01-01T00:00:00",
    [], {}, [[[[[[[[]]]]]]]],
)  # fmt: skip
"""Values to put in the place of another in JSON."""


def edited_json(value: Any, script: Script) -> Any:
    """Return a JSON value after one edit somewhere in it; what is not edited is shared with `value`."""
    if isinstance(value, dict) and value and (step := script.byte()) >= 32:
        name = sorted(value)[step % len(value)]
        return {**value, name: edited_json(value[name], script)}
    if isinstance(value, list) and value and (step := script.byte()) >= 32:
        at = step % len(value)
        return [*value[:at], edited_json(value[at], script), *value[at + 1 :]]
    return _edited_value(value, script)


def _edited_value(value: Any, script: Script) -> Any:
    choice = script.byte()
    if choice >= 128 and isinstance(value, str):
        return _edited_text(value, script)
    if choice >= 128 and isinstance(value, dict) and value:
        name = sorted(value)[script.byte() % len(value)]
        return {other: value[other] for other in value if other != name} | ({} if choice % 2 else {name + "2": value[name]})
    if choice >= 128 and isinstance(value, list):
        return value[:-1] if choice % 2 else value * (script.byte() % 4)
    if choice >= 128 and isinstance(value, int):
        return value + script.byte() - 128
    return _ODD[script.byte() % len(_ODD)]


def _edited_text(value: str, script: Script) -> str:
    """Edit the bytes that a text of base64 stands for, or the text itself."""
    try:
        inner = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return edited(value.encode(errors="surrogatepass"), script).decode(errors="surrogateescape")
    return base64.b64encode(edited(inner, script)).decode()
