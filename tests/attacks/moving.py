"""A sealed volume of a catalog that moves between two hosts, as a client on this machine sees it."""

import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portable import open_volume, opening
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry, successor
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.leased import LeasedVolume
from tests.attacks.host import MaliciousHost

LEASE = 0.3


@dataclass
class Moving:
    """Two homes at hosts that may lie, the catalog, and the authority that says where the volume is."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    authority: Authority = field(default_factory=Authority.generate)

    def __post_init__(self) -> None:
        word = os.urandom(8).hex()
        recipient = PassphraseRecipient(word, Argon2Parameters(64, 3))
        unlocked = Keyring.create(self.authority, recipients=[recipient], volumes=["lake"])
        unlocked.save(self.folder / "keyring.json", self.authority)
        self._identity, self.keys = PassphraseIdentity(word), unlocked.volume("lake")
        self.hosts = {f"memory://{uuid.uuid4().hex}": MaliciousHost() for _ in range(2)}
        self.old, self.new = self.hosts.values()
        self.monkeypatch.setattr(opening, "open_backend", lambda location, **_: self.hosts[location.url])
        self.catalog = LocalCatalog(self.folder / "catalog.json")
        self.catalog.create()
        self._entry = first_entry("lake", self._home(0), lease=LEASE, authority=self.authority.fingerprint)
        self._sign(None)

    def client(self) -> LeasedVolume:
        """Return the volume as a program opens it."""
        opened = open_volume("portable://lake", catalog=self.catalog.path, identity=self._identity, patience=5.0)
        assert isinstance(opened, LeasedVolume)
        return opened

    def move(self) -> None:
        """Make the other host the home, by every step of a cutover."""
        for phase in ("announced", "frozen", "flipped", "active"):
            before = self._entry
            self._entry = successor(before, phase, lease=LEASE, other=self._home(1) if phase == "announced" else before.other)
            self._sign(before.write_id)

    def _home(self, number: int) -> Home:
        url, volume_id = list(self.hosts)[number], self.keys.volume_id.hex()
        return Home(url=url, mode="sealed", keyring="keyring.json", volume="lake", volume_id=volume_id)

    def _sign(self, expected: str | None) -> None:
        document = sign_entry(self._entry, self.authority)
        self.catalog.compare_and_swap("lake", expected, document, self.authority.fingerprint)
