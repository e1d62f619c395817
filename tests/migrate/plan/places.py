"""Migrations to plan: a keyring, a migration file, and hosts that list what a test wants them to list."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migrate.engine import Migration
from migrate.journal import Side
from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import Attributes, Backend, Stat
from portable.backends.recording import RecordingBackend
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient

PASSPHRASE = "a passphrase of the tests"
ARGON2 = Argon2Parameters(memory_mib=64, passes=3)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_keyring(folder: Path) -> Authority:
    """Put `keyring.json`, with the volume `lake`, and `authority.json` into the folder."""
    authority = Authority.generate()
    authority.save(folder / "authority.json", PASSPHRASE, ARGON2)
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, ARGON2)], volumes=["lake"])
    unlocked.save(folder / "keyring.json", authority)
    return authority


def entry(key: str, size: int = 1, *, attributes: Any = None, **details: str) -> Stat:
    """One entry of an inventory."""
    return Stat(key, size, NOW, f'"{key}-{sorted(details)}"', attributes or Attributes(), details)


class ListingBackend(MemoryBackend):
    """A store whose inventory is what a test says, with details that no other store has."""

    def __init__(self, entries: Iterable[Stat]) -> None:
        super().__init__(Location(url=f"memory://{uuid.uuid4().hex}"))
        self.entries = list(entries)

    def inventory(self) -> Iterator[Stat]:
        return iter(self.entries)


@dataclass
class Site:
    """A folder with a migration file in it, and its two hosts."""

    folder: Path
    source: str = field(default_factory=lambda: f"memory://source-{uuid.uuid4().hex}")
    target: str = field(default_factory=lambda: f"memory://target-{uuid.uuid4().hex}")
    hosts: dict[Side, RecordingBackend] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.folder / "lake-exit.toml"

    def declare(
        self, extra: str = "", *, source: Mapping[str, str] | None = None, target: Mapping[str, str] | None = None
    ) -> Path:
        """Write the migration file."""
        tables = {
            "source": {"url": self.source} | dict(source or {}),
            "target": {"url": self.target} | dict(target or {}),
            "target.encryption": {"keyring": "keyring.json", "volume": "lake"},
            "catalog": {"url": "catalog.json", "name": "lake"},
            "rollback": {"mode": "never"},
        }
        lines = ['name = "lake-exit"']
        for table, fields in tables.items():
            lines += [f"[{table}]", *(f'{name} = "{value}"' for name, value in fields.items())]
        self.file.write_text("\n".join(lines) + f"\n{extra}\n")
        return self.file

    def migration(self, *entries: Stat, source: Backend | None = None, unlocked: bool = False) -> Migration:
        """Open the migration. Its source lists `entries` where there are any; both hosts refuse to be written."""
        if not self.file.exists():
            self.declare()
        given = source or (ListingBackend(entries) if entries else None)

        def wrap(side: Side, backend: Backend) -> Backend:
            inner = given if given is not None and side == "source" else backend
            self.hosts[side] = RecordingBackend(inner, url=side)
            return self.hosts[side]

        identity = PassphraseIdentity(PASSPHRASE) if unlocked else None
        return Migration.open(self.file, identity=identity, wrap=wrap)

    def put(self, side: Side, key: str, data: bytes = b"x") -> Stat:
        """Put an object on a host in memory, behind the migration's back."""
        return MemoryBackend(Location(url=getattr(self, side))).put(key, data)
