"""Awkward keys, each class by itself: held byte for byte, refused, or silently altered."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from portable.errors import Unavailable
from portable.probe.answering import Check, Found, Scratch, either

LONGEST: Final = 1024
"""Bytes of UTF-8 that Amazon lets a key have."""
_FRENCH: Final = "d\u00e9j\u00e0-vu"

CLASSES: Final[Mapping[str, Sequence[str]]] = {
    "long-segments": ("x" * 300,),
    "unicode-keys": (_FRENCH, "\u6f22\u5b57/\u0436", "\N{GRINNING FACE}", "\U0010ffff"),
    "awkward-keys": ("a//b", "a/../b", "a b", "a+b"),
    "slash-keys": ("a//b", "/a", "a/"),
    "dot-keys": ("a/../b", "a/./b", "..", "."),
    "punctuated-keys": ("a b", " a ", "a+b", "a%2Fb", "100%", "a?b#c&d=e;f", "*:\"'<>|,$!~^`{}[]()@"),
    "backslash-keys": ("a\\b",),
    "control-keys": ("1/a\tb", "2/a\nb", "3/a\x01b", "4/a\x7fb"),
    "normal-form-keys": tuple(unicodedata.normalize(form, _FRENCH) for form in ("NFC", "NFD")),
    "case-keys": ("KEY", "key", "Key"),
    "folder-keys": ("a", "a/b", "c/d", "c"),
}
"""Keys of one class, written together, in this order: what one of them does to another shows too."""


def of_class(name: str) -> Check:
    """Return the check of a class of keys."""

    def check(scratch: Scratch) -> Found:
        return _judged(_fates(scratch, [scratch.key(key) for key in CLASSES[name]]), scratch.prefix)

    return check


def long(scratch: Scratch) -> Found:
    """Try the longest key that Amazon takes, and one byte more."""
    longest = _of_length(scratch.prefix, LONGEST)
    found = _judged(_fates(scratch, [longest]), "")
    over = scratch.raw.put(_of_length(scratch.prefix, LONGEST + 1), b"")
    held = "held" if found.answer == "yes" else found.evidence.rpartition(": ")[2]
    return either(found.answer == "yes", f"a key of {LONGEST} bytes is {held}; PUT of {LONGEST + 1} bytes answered {over}")


def _of_length(prefix: str, length: int) -> str:
    """Return a key of so many bytes, with no more than 100 between slashes."""
    room = length - len(prefix.encode())
    return prefix + "/".join(["k" * 99] * (room // 100 + 1))[: room - 1] + "z"


def _fates(scratch: Scratch, keys: Sequence[str]) -> dict[str, str]:
    """Write keys, read them and list them: what became of each, "" where it is held."""
    fates = dict.fromkeys(keys, "")
    for key in keys:
        reply = scratch.raw.put(key, _body(key))
        fates[key] = "" if reply.ok else f"refused with {reply}"
    for key in (key for key, fate in fates.items() if not fate):
        held = scratch.body(key)
        if held != _body(key):
            fates[key] = "taken and not read back" if held is None else "taken for another key"
    for key in (key for key, fate in fates.items() if not fate):
        # One key can make a listing unreadable: so each is listed with no more than its first segment asks for.
        listed = _listed(scratch, key[: key.find("/", len(scratch.prefix)) + 1] or scratch.prefix)
        if listed is None:
            fates[key] = "held, and makes the listing unreadable"
        elif key not in listed:
            fates[key] = "held, and not listed as it was written"
    return fates


def _listed(scratch: Scratch, prefix: str) -> set[str] | None:
    try:
        return set(scratch.raw.page(prefix).keys)
    except Unavailable:
        pass
    if scratch.raw.kind != "s3":
        return None
    try:
        return set(scratch.s3.page(prefix, encoded=True).keys)
    except Unavailable:
        return None


def _judged(fates: dict[str, str], prefix: str) -> Found:
    lost = [f"{key.removeprefix(prefix)[:40]!a}: {fate}" for key, fate in fates.items() if fate]
    held = len(fates) - len(lost)
    return either(not lost, "; ".join([f"{held} of {len(fates)} keys are held byte for byte", *lost]))


def _body(key: str) -> bytes:
    return key.encode() + b"!"
