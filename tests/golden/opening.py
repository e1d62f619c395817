"""Opens golden files, each kind by what a user of the library would call."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.catalog.entry import open_entry
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring, UnlockedKeyring
from portable.keys.recipient import Identity
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.golden import PASSPHRASE
from tests.golden.manifest import Item, Manifest
from tests.keys.identities import Remembering

IDENTITY = Remembering(PASSPHRASE)


class Golden:
    """A folder of golden files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.read(folder)
        self._keyring = self._unlocked(folder / self.manifest.keyring, IDENTITY)

    def open(self, item: Item) -> dict[str, Any]:
        """Return what there is to say of a file, in the words of the manifest. Raises: what the library raises."""
        how: dict[str, Callable[[Item], dict[str, Any]]] = {
            "authority": self._authority,
            "keyring": self._keyring_facts,
            "entry": self._entry,
            "object": self._object,
            "metadata": self._metadata,
            "export": self._export,
        }
        return how[item.kind](item)

    def keys(self, volume: str) -> VolumeKeys:
        return self._keyring.volume(volume)

    def volume(self, item: Item) -> Volume:
        """Return a volume whose store holds the item, and what belongs beside it."""
        backend = MemoryBackend(Location(url=f"memory://golden-{id(item)}"))
        assert item.volume
        assert item.key
        for key, file in {**item.beside, item.stored or item.key: item.file}.items():
            backend.put(key, (self.folder / file).read_bytes())
        return Volume(backend, self.keys(item.volume))

    def _identity(self, item: Item) -> Identity:
        if item.identity is None:
            return IDENTITY
        with tempfile.TemporaryDirectory() as private:
            file = Path(private) / "identity.json"
            shutil.copyfile(self.folder / item.identity, file)
            file.chmod(0o600)  # which a checkout does not keep
            return IdentityFile.read(file)

    def _unlocked(self, path: Path, identity: Identity) -> UnlockedKeyring:
        pinned, seen = self.manifest.authority, self.manifest.generation
        return Keyring.read(path, authority=pinned, minimum_generation=seen).unlock(identity)

    def _authority(self, item: Item) -> dict[str, Any]:
        return {"fingerprint": Authority.load(self.folder / item.file, IDENTITY).fingerprint}

    def _keyring_facts(self, item: Item) -> dict[str, Any]:
        unlocked = self._unlocked(self.folder / item.file, self._identity(item))
        return {
            "generation": unlocked.generation,
            "volumes": {keys.name: keys.volume_id.hex() for keys in unlocked.volumes},
            "epochs": {keys.name: [epoch.state for epoch in keys.epochs] for keys in unlocked.volumes},
        }

    def _entry(self, item: Item) -> dict[str, Any]:
        entry = open_entry((self.folder / item.file).read_bytes(), "lake", self.manifest.authority)
        return {"generation": entry.generation, "phase": entry.phase, "home": entry.home.url, "mode": entry.home.mode}

    def _object(self, item: Item) -> dict[str, Any]:
        volume = self.volume(item)
        plaintext = volume.read(item.key or "")
        middle = volume.read(item.key or "", len(plaintext) // 3, len(plaintext) // 2)
        assert middle == plaintext[len(plaintext) // 3 : len(plaintext) // 2]
        return {"sha256": hashlib.sha256(plaintext).hexdigest(), "length": len(plaintext), **self._metadata(item)}

    def _metadata(self, item: Item) -> dict[str, Any]:
        info = self.volume(item).info(item.key or "")
        assert info.attributes is not None
        return {
            "content_type": info.attributes.content_type,
            "metadata": dict(info.attributes.metadata),
            "modified": info.modified.isoformat(),
            "message_id": info.message_id.hex() if info.message_id else None,
        }

    def _export(self, item: Item) -> dict[str, Any]:
        return {"sha256": hashlib.sha256((self.folder / item.file).read_bytes()).hexdigest()}
