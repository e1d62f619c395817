"""Catalogs for tests: a keyring with one volume of each kind, and entries of volumes at any store."""

import json
from pathlib import Path
from typing import Any

from portable.catalog.entry import Entry, Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring

PASSPHRASE = "correct horse battery staple"
"""In the environment of every test, and wanted nowhere: identity files open the keyrings, because a passphrase takes long."""

KINDS = {"clear": None, "sealed": "plain-names", "named": "sealed-names"}
"""How a volume keeps its objects: in clear, encrypted, encrypted under encrypted names; and its volume in the keyring."""


class Catalog:
    """A catalog in a folder, its authority and its keyring."""

    def __init__(self, folder: Path, *, lease: float = 3600.0) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.lease = lease
        self.authority = Authority.generate()
        self.keyring = folder / "keyring.json"
        identity = IdentityFile.generate()
        self.identity = folder / "identity.json"
        identity.save(self.identity)
        recipient = IdentityFileRecipient(identity.public_key)
        self.unlocked = Keyring.create(self.authority, recipients=[recipient])
        self.unlocked.add_volume("plain-names")
        self.unlocked.add_volume("sealed-names", names="sealed")
        self.unlocked.save(self.keyring, self.authority)
        self.local = LocalCatalog(folder / "catalog.json")
        self.local.create()

    @property
    def options(self) -> dict[str, str]:
        """What `storage_options` name this catalog."""
        return {"catalog": str(self.local.path), "state": str(self.folder / "state")}

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a process opens the keyring."""
        return {"PORTABLE_IDENTITY": str(self.identity), "PORTABLE_PASSPHRASE": PASSPHRASE}

    @property
    def secrets(self) -> list[str]:
        """What nothing may repeat: the passphrase, and the identity's seed as its file holds it."""
        return [PASSPHRASE, json.loads(self.identity.read_text())["seed"]]

    def home(self, url: str, kind: str, **where: Any) -> Home:
        """Describe a store whose objects are kept in one of `KINDS`."""
        volume = KINDS[kind]
        if volume is None:
            return Home(url=url, mode="clear", **where)
        volume_id = self.unlocked.volume(volume).volume_id.hex()
        return Home(url=url, mode="sealed", keyring=self.keyring.name, volume=volume, volume_id=volume_id, **where)

    def add(self, name: str, home: Home, **fields: Any) -> Entry:
        """Put a first entry of the volume `name` into the catalog."""
        entry = first_entry(name, home, lease=self.lease, authority=self.authority.fingerprint)
        return self.swap(entry, **fields)

    def swap(self, entry: Entry, *, expected: str | None = None) -> Entry:
        """Sign an entry and put it in the place of the one with the write id `expected`."""
        self.local.compare_and_swap(entry.name, expected, sign_entry(entry, self.authority), self.authority.fingerprint)
        return entry
