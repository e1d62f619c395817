"""A folder of golden files in the making."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portable import Attributes
from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.keys.authority import Authority
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from tests.format.independent import Secrets
from tests.golden.manifest import Item

WRITTEN = datetime(2031, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@dataclass
class Making:
    """The folder in the making."""

    folder: Path
    authority: Authority
    items: list[Item] = field(default_factory=list)

    def add(self, data: bytes, item: Item) -> None:
        path = self.folder / item.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.items.append(item)

    def object(self, name: str, what: str, keys: VolumeKeys, plaintext: bytes, attributes: Attributes | None = None) -> Item:
        """Write an object through a volume, and keep what the store then holds."""
        backend = MemoryBackend(Location(url=f"memory://making-{name}"))
        key = f"records/é {name}.csv"
        info = Volume(backend, keys).write(key, plaintext, attributes=attributes, modified=WRITTEN)
        beside, stored = {}, key
        for stat in backend.list():
            file = f"objects/{name}" + (".metadata" if stat.key.startswith(".portable/") else "")
            if file != f"objects/{name}":
                beside[stat.key] = file
            else:
                stored = stat.key
            (self.folder / file).parent.mkdir(exist_ok=True)
            (self.folder / file).write_bytes(bytes(backend.get(stat.key).data))
        expect = described(plaintext, info.attributes or Attributes(), info.message_id or b"")
        item = Item(
            file=f"objects/{name}", kind="object", what=what, volume=keys.name, key=key,
            stored=stored if stored != key else None, beside=beside, expect=expect,
        )  # fmt: skip
        self.items.append(item)
        return item


def described(plaintext: bytes, attributes: Attributes, message_id: bytes) -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(plaintext).hexdigest(),
        "length": len(plaintext),
        "content_type": attributes.content_type,
        "metadata": dict(attributes.metadata),
        "modified": WRITTEN.isoformat(),
        "message_id": message_id.hex(),
    }


def secrets_of(keys: VolumeKeys) -> Secrets:
    epoch = keys.active_epoch
    return Secrets(keys.volume_id, keys.record.secret, epoch.id, epoch.key, keys.frame_length)
