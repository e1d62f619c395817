"""Make the golden files of this version: `python -m tests.golden.make`. Writes a new folder, and never into one that exists."""

import hashlib
import shutil
import sys
from pathlib import Path

import portable
from portable import Attributes
from portable.catalog.entry import Entry, Home, sign_entry
from portable.keys.authority import Authority
from portable.keys.export import export_volume_key
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from tests.format.independent import write
from tests.format.samples import pattern
from tests.golden import FILES, PASSPHRASE, refused
from tests.golden.making import Making, described, secrets_of
from tests.golden.manifest import Item, Manifest
from tests.golden.opening import Golden

FRAME = 4096
CHEAPEST = Argon2Parameters(memory_mib=64, passes=3)


def make(folder: Path) -> None:
    """Fill a new folder."""
    folder.mkdir(parents=True)
    authority = Authority.generate()
    making = Making(folder, authority)
    authority.save(folder / "authority.json", PASSPHRASE, CHEAPEST)
    making.items.append(
        Item(file="authority.json", kind="authority", what="the authority", expect={"fingerprint": authority.fingerprint})
    )
    unlocked, first, compromised = _keyring(making)
    _objects(making, unlocked, first)
    _catalog(making)
    lost = making.object("compromised-epoch", "an object of an epoch that is compromised now", compromised, b"id,value\n")
    lost.expect, lost.error, lost.says = {}, "KeysError", "compromised"
    refused.add(making, unlocked)
    Manifest(
        version=portable.__version__,
        authority=authority.fingerprint,
        keyring="keyring.json",
        generation=unlocked.generation,
        items=making.items,
    ).write(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)  # what a checkout makes of it


def _keyring(making: Making) -> tuple[UnlockedKeyring, VolumeKeys, VolumeKeys]:
    """Make a keyring of three generations; return it, and the keys of "lake" in its first and its compromised epoch."""
    path = making.folder / "keyring.json"
    unlocked = Keyring.create(making.authority, recipients=[PassphraseRecipient(PASSPHRASE, CHEAPEST)])
    first = unlocked.add_volume("lake", FRAME)
    unlocked.save(path, making.authority)
    making.add(
        path.read_bytes(),
        Item(
            file="refused/keyring-older-generation.json", kind="keyring", what="generation 1, after generation 3 was seen",
            error="UntrustedSignature", says="generation 1, and generation 3 has been seen",
        ),
    )  # fmt: skip
    compromised = unlocked.rotate("lake")
    unlocked.add_volume("other", FRAME)
    unlocked.add_volume("names", FRAME, names="sealed")
    unlocked.save(path, making.authority)
    unlocked.rotate("lake", [compromised.active_epoch.id])
    machine, stranger = IdentityFile.generate(), IdentityFile.generate()
    machine.save(making.folder / "identity.json")
    unlocked.add_recipient(IdentityFileRecipient(machine.public_key), "machine")
    unlocked.save(path, making.authority, keep_previous=False)
    for lock in making.folder.glob(".*"):
        lock.unlink()
    expect = {
        "generation": 3,
        "volumes": {keys.name: keys.volume_id.hex() for keys in unlocked.volumes},
        "epochs": {"lake": ["readable", "compromised", "active"], "other": ["active"], "names": ["active"]},
    }
    making.items.append(Item(file="keyring.json", kind="keyring", what="the keyring, in generation 3", expect=expect))
    making.items.append(
        Item(
            file="keyring.json",
            kind="keyring",
            what="the keyring, opened by a machine",
            identity="identity.json",
            expect=expect,
        )
    )
    stranger.save(making.folder / "refused" / "identity-stranger.json")
    making.items.append(
        Item(
            file="keyring.json", kind="keyring", what="the keyring, and a machine that is no recipient",
            identity="refused/identity-stranger.json", error="UnlockFailed", says="wrong passphrase or identity",
        )
    )  # fmt: skip
    exported = export_volume_key(unlocked.volume("lake"))
    digest = {"sha256": hashlib.sha256(exported).hexdigest()}
    making.add(
        exported, Item(file="exported.json", kind="export", what="the epoch keys of lake, for public SDKs", expect=digest)
    )
    return unlocked, first, compromised


def _objects(making: Making, unlocked: UnlockedKeyring, first: VolumeKeys) -> None:
    lake = unlocked.volume("lake")
    full = Attributes(content_type="text/csv", content_encoding="identity", metadata={"study": "ECG", "é": "\U0001f511"})
    making.object("empty", "no plaintext", lake, b"")
    making.object("small", "less than a frame", lake, b"id,value\n1,2\n", full)
    making.object("exact", "a whole number of frames", lake, pattern(FRAME))
    making.object("long", "two frames and a part", lake, pattern(2 * FRAME + 100))
    making.object("first-epoch", "an object of the first epoch", first, b"id,value\n3,4\n")
    much = Attributes(content_type="text/csv", metadata={f"name-{number}": "value " * 4 for number in range(8)})
    making.object("overflow", "metadata in an object of its own", lake, b"id\n", much)
    making.object("sealed-name", "an object whose name is sealed, too", unlocked.volume("names"), b"id\n5\n")
    plaintext, key = pattern(FRAME), "records/filled.csv"
    message = write(secrets_of(lake), key, b'{"m":1925089445678901,"t":"text/csv"}', plaintext, fill=True)
    making.add(
        message,
        Item(
            file="objects/filled", kind="object", what="a full final frame, as some public SDKs write it",
            volume="lake", key=key, expect=described(plaintext, Attributes(content_type="text/csv"), message[3:35]),
        ),
    )  # fmt: skip


def _catalog(making: Making) -> None:
    entry = Entry(
        name="lake",
        generation=4,
        write_id="0" * 32,
        previous="1" * 32,
        phase="active",
        home=Home(url="s3://lake-eu", mode="sealed", endpoint="https://s3.example", keyring="keyring.json", volume="lake"),
        other=Home(url="az://lake", mode="clear", account="lake"),
        lease=30.0,
        authority=making.authority.fingerprint,
    )
    expect = {"generation": 4, "phase": "active", "home": "s3://lake-eu", "mode": "sealed"}
    making.add(
        sign_entry(entry, making.authority), Item(file="entry.json", kind="entry", what="a catalog entry", expect=expect)
    )


def main() -> int:
    folder = FILES / portable.__version__
    if folder.exists():
        sys.stderr.write(f"{folder} exists, and golden files are never written again\n")
        return 1
    try:
        make(folder)
        Golden(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    sys.stdout.write(f"{folder}: {sum(1 for path in folder.rglob('*') if path.is_file())} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
