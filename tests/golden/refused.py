"""Golden files that every version refuses, each with one fault."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.keyring import UnlockedKeyring
from portable.names import SealedNames
from tests.format.independent import derived, prefixed, write
from tests.golden.making import Making, secrets_of
from tests.golden.manifest import Item
from tests.keys.documents import edited, flipped, with_payload

HEADER, FRAME, STORED = 554, 4096, 4096 + 32
ALTERED: Final = ("IntegrityError", "does not authenticate")


class Fault(NamedTuple):
    """What is done to a sound object, and what is then said of it."""

    name: str
    spoil: Callable[[bytes], bytes]
    error: str
    says: str


def flip(offset: int) -> Callable[[bytes], bytes]:
    """Flip the lowest bit of the byte at `offset`, which is counted from the end where it is negative."""

    def spoil(message: bytes) -> bytes:
        spoilt = bytearray(message)
        spoilt[offset] ^= 1
        return bytes(spoilt)

    return spoil


def other_digit(offset: int) -> Callable[[bytes], bytes]:
    """Replace a hexadecimal digit by another one."""
    return lambda message: message[:offset] + (b"0" if message[offset] != ord("0") else b"1") + message[offset + 1 :]


def frames(*order: int) -> Callable[[bytes], bytes]:
    """Put the frames of an object of two regular ones in this order; 3 is the final one."""

    def spoil(message: bytes) -> bytes:
        parts = [message[HEADER + index * STORED :][: STORED if index < 2 else None] for index in range(3)]
        return message[:HEADER] + b"".join(parts[number - 1] for number in order)

    return spoil


SMALL: Final = (
    Fault("version", flip(0), "MalformedMessage", "message format version"),
    Fault("suite", flip(2), "MalformedMessage", "algorithm suite"),
    Fault("message-id", flip(3), *ALTERED),
    Fault("context-length", flip(36), "MalformedMessage", "encryption context"),
    Fault("context-count", flip(38), "MalformedMessage", "encryption context"),
    Fault("context-name", flip(41), "MalformedMessage", "encryption context"),
    Fault("place", flip(51), *ALTERED),
    Fault("metadata-slot", flip(112), *ALTERED),
    Fault("number-of-keys", flip(369), "MalformedMessage", "number of wrapped data keys"),
    Fault("namespace", flip(372), "MalformedMessage", "namespace"),
    Fault("volume-id", other_digit(382), "ContextMismatch", "belongs to volume"),
    Fault("epoch-id", other_digit(415), "UnknownEpoch", "has no epoch"),
    Fault("tag-length", flip(434), "MalformedMessage", "128-bit tag"),
    Fault("iv-length", flip(438), "MalformedMessage", "12-byte IV"),
    Fault("wrapping-iv", flip(439), *ALTERED),
    Fault("wrapped-length", flip(452), "MalformedMessage", "wrapped data key"),
    Fault("wrapped-key", flip(453), *ALTERED),
    Fault("wrapped-tag", flip(500), *ALTERED),
    Fault("content-type", flip(501), "MalformedMessage", "content type"),
    Fault("frame-length", flip(505), *ALTERED),
    Fault("commitment", flip(506), *ALTERED),
    Fault("header-tag", flip(538), *ALTERED),
    Fault("end-marker", flip(554), *ALTERED),
    Fault("final-seq", flip(561), *ALTERED),
    Fault("final-iv", flip(562), *ALTERED),
    Fault("final-length", flip(577), *ALTERED),
    Fault("final-ciphertext", flip(578), *ALTERED),
    Fault("final-tag", flip(-1), *ALTERED),
    Fault("cut-in-the-header", lambda message: message[:300], "MalformedMessage", "cut"),
    Fault("cut-in-the-final-frame", lambda message: message[:-1], *ALTERED),
    Fault("cut-behind-the-header", lambda message: message[:HEADER], "MalformedMessage", "cut"),
    Fault("one-byte-longer", lambda message: message + b"\0", *ALTERED),
    Fault("twice", lambda message: message * 2, *ALTERED),
    Fault("clear", lambda _: b"PAR1" * 200, "MalformedMessage", "not an encrypted object"),
    Fault("nothing", lambda _: b"", "MalformedMessage", "not an encrypted object|cut"),
)
LONG: Final = (
    Fault("seq", flip(HEADER + 3), *ALTERED),
    Fault("iv", flip(HEADER + 4), *ALTERED),
    Fault("ciphertext", flip(HEADER + 16), *ALTERED),
    Fault("tag", flip(HEADER + STORED - 1), *ALTERED),
    Fault("frames-in-another-order", frames(2, 1, 3), *ALTERED),
    Fault("frame-twice", frames(1, 1, 3), *ALTERED),
    Fault("frame-dropped", frames(1, 3), *ALTERED),
    Fault("frame-added", frames(1, 2, 2, 3), *ALTERED),
    Fault("cut-at-a-frame", frames(1, 2), *ALTERED),
    Fault("final-frame-first", frames(3, 1, 2), *ALTERED),
)


def add(making: Making, unlocked: UnlockedKeyring) -> None:
    """Add every file that is to be refused."""
    sound = {item.file: item for item in making.items}
    for file, faults in (("objects/small", SMALL), ("objects/long", LONG)):
        item = sound[file]
        message = (making.folder / file).read_bytes()
        for fault in faults:
            making.add(fault.spoil(message), _refused(item, fault.name, f"{file}: {fault.name}", fault.error, fault.says))
    _made_by_a_holder(making, unlocked, sound["objects/small"])
    _elsewhere(making, unlocked, sound)
    _keyrings(making)
    _entries(making)


def _refused(item: Item, name: str, what: str, error: str, says: str) -> Item:
    return Item(file=f"refused/{name}", kind=item.kind, what=what, volume=item.volume, key=item.key, error=error, says=says)


def _made_by_a_holder(making: Making, unlocked: UnlockedKeyring, item: Item) -> None:
    """What only a holder of the epoch key can make, and nobody may."""
    lake = unlocked.volume("lake")
    secrets, key = secrets_of(lake), item.key or ""
    small = (making.folder / item.file).read_bytes()

    def again(edit: Callable[[bytes], bytes]) -> bytes:
        """Make the header of the sound object again, edited, under the same data key: the attack that no API allows."""
        data_key = AESGCM(secrets.epoch_key).decrypt(small[439:451], small[453:501], small[37:368])
        body = edit(small[:538])
        return body + AESGCM(derived(data_key, small[3:35]).content).encrypt(bytes(12), b"", body) + small[HEADER:]

    wrapped_key = small[370:501]
    made = (
        (
            "two-keys",
            again(lambda body: body[:368] + b"\x00\x02" + wrapped_key * 2 + body[501:]),
            "number of wrapped data keys",
        ),
        ("signing-suite", again(lambda body: body[:1] + b"\x05\x78" + body[3:]), "algorithm suite"),
        ("uncommitted-suite", again(lambda body: body[:1] + b"\x01\x78" + body[3:]), "algorithm suite"),
        ("unframed", again(lambda body: body[:501] + b"\x01" + bytes(4) + body[506:]), "content type"),
        ("other-frame-length", again(lambda body: body[:502] + (8192).to_bytes(4, "big") + body[506:]), "frames of 8192 bytes"),
        ("no-context", again(lambda body: body[:35] + prefixed(b"") + body[368:]), None),
    )
    for name, message, says in made:
        error = "MalformedMessage" if says else ALTERED[0]
        making.add(message, _refused(item, name, f"{item.file}: {name}, authenticated again", error, says or ALTERED[1]))
    uncommitted = write(secrets, key, b"{}", b"id\n", uncommitted=True)
    making.add(uncommitted, _refused(item, "uncommitted", "a commitment to another data key", *ALTERED))
    unknown = _refused(item, "unknown-metadata", "metadata of a later version", "MalformedMessage", "metadata")
    unknown.kind = "metadata"
    making.add(write(secrets, key, b'{"z":1}', b"id\n"), unknown)
    not_utf8 = _refused(item, "metadata-not-utf-8", "metadata that is no text", "MalformedMessage", "metadata")
    not_utf8.kind = "metadata"
    making.add(write(secrets, key, b'{"t":"\xff"}', b"id\n"), not_utf8)


def _elsewhere(making: Making, unlocked: UnlockedKeyring, sound: dict[str, Item]) -> None:
    """Sound objects, in places where they do not belong."""
    small = sound["objects/small"]
    message = (making.folder / small.file).read_bytes()
    moved = _refused(small, "other-key", "an object under another key", "ContextMismatch", "for another key")
    moved.key = "records/other.csv"
    making.add(message, moved)
    volume = _refused(small, "other-volume", "an object in another volume", "ContextMismatch", "belongs to volume")
    volume.volume = "other"
    making.add(message, volume)
    overflow = sound["objects/overflow"]
    (key,) = overflow.beside
    swapped = _refused(overflow, "other-metadata", "the metadata object is another one", "ContextMismatch", "for another key")
    swapped.kind, swapped.beside = "metadata", {key: "objects/small"}
    making.add((making.folder / overflow.file).read_bytes(), swapped)
    gone = _refused(overflow, "no-metadata", "the metadata object is gone", "IntegrityError", "metadata")
    gone.kind = "metadata"
    making.add((making.folder / overflow.file).read_bytes(), gone)
    named = sound["objects/sealed-name"]
    renamed = _refused(
        named, "other-sealed-name", "an object under the sealed name of another", "ContextMismatch", "for another key"
    )
    renamed.key = "records/other.csv"
    renamed.stored = SealedNames(unlocked.volume("names").names_key).seal(renamed.key)
    making.add((making.folder / named.file).read_bytes(), renamed)


def _keyrings(making: Making) -> None:
    document = (making.folder / "keyring.json").read_bytes()
    payload = json.loads(base64.b64decode(json.loads(document)["payload"]))

    def signed_with(edit: Callable[[dict[str, Any]], None]) -> bytes:
        content = json.loads(json.dumps(payload))
        edit(content)
        return signed.sign(json.dumps(content).encode(), making.authority, "keyring")

    def cost(name: str, value: int) -> Callable[[dict[str, Any]], None]:
        return lambda content: content["recipients"][0]["protector"]["argon2"].update({name: value})

    plain = base64.b64decode(json.loads(document)["payload"])
    faults = (
        ("unsigned", edited(document, lambda content: content.pop("signatures")), "UntrustedSignature", "not a signed keyring"),
        (
            "half-signed",
            edited(document, lambda content: content["signatures"].pop("mldsa65")),
            "UntrustedSignature",
            "mldsa65",
        ),
        (
            "altered",
            edited(document, with_payload(lambda content: content.update(body=flipped(content["body"], 200)))),
            "UntrustedSignature",
            "not trusted",
        ),
        ("foreign", signed.sign(plain, Authority.generate(), "keyring"), "UntrustedSignature", "pinned authority"),
        ("of-another-purpose", signed.sign(plain, making.authority, "catalog-entry"), "UntrustedSignature", "not trusted"),
        ("of-a-later-version", edited(document, lambda content: content.update(version=2)), "UntrustedSignature", "version 2"),
        ("weak-memory", signed_with(cost("memory_mib", 63)), "KeysError", "63 MiB"),
        ("endless-memory", signed_with(cost("memory_mib", 2049)), "KeysError", "2049 MiB"),
        ("weak-passes", signed_with(cost("passes", 2)), "KeysError", "2 passes"),
        ("endless-passes", signed_with(cost("passes", 11)), "KeysError", "11 passes"),
        ("unknown-field", signed_with(lambda content: content.update(note="")), "KeysError", "a newer one may"),
        ("other-body", signed_with(lambda content: content.update(body=flipped(content["body"], 200))), "UnlockFailed", "body"),
        ("body-of-another-generation", signed_with(lambda content: content.update(generation=4)), "UnlockFailed", "body"),
        ("cut", document[: len(document) // 2], "UntrustedSignature", "not a signed keyring"),
    )
    for name, data, error, says in faults:
        making.add(data, Item(file=f"refused/keyring-{name}.json", kind="keyring", what=name, error=error, says=says))


def _entries(making: Making) -> None:
    document = (making.folder / "entry.json").read_bytes()
    plain = base64.b64decode(json.loads(document)["payload"])
    redirected = with_payload(lambda content: content["home"].update(url="s3://attacker"))
    renamed = signed.sign(plain.replace(b'"name":"lake"', b'"name":"pond"'), making.authority, "catalog-entry")
    faults = (
        ("redirected", edited(document, redirected), "not trusted"),
        ("foreign", signed.sign(plain, Authority.generate(), "catalog-entry"), "pinned authority"),
        ("of-another-purpose", signed.sign(plain, making.authority, "keyring"), "not trusted"),
        ("of-another-volume", renamed, "an entry of 'pond'"),
    )
    for name, data, says in faults:
        item = Item(file=f"refused/entry-{name}.json", kind="entry", what=name, error="UntrustedSignature", says=says)
        making.add(data, item)
