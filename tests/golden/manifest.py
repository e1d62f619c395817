"""What a folder of golden files says of them."""

from pathlib import Path
from typing import Any, Literal

import msgspec

Kind = Literal["authority", "keyring", "entry", "object", "metadata", "export"]
"""How the file is opened; `metadata` is an object that is only described."""


class Item(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One file, and what opening it gives."""

    file: str
    kind: Kind
    what: str
    volume: str | None = None
    key: str | None = None
    """The key that an object is read at."""
    stored: str | None = None
    """The name that it has at its host, where it is not the key."""
    identity: str | None = None
    """The identity file that opens a keyring, where not the passphrase does."""
    beside: dict[str, str] = msgspec.field(default_factory=dict)
    """Other objects of the same store: key at the host, file."""
    expect: dict[str, Any] = msgspec.field(default_factory=dict)
    error: str | None = None
    """The class of the error, where the file is refused."""
    says: str | None = None
    """A part of its message."""


class Manifest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A folder of golden files."""

    version: str
    """The version of this project that wrote them."""
    authority: str
    """Fingerprint of their authority."""
    keyring: str
    """The file whose keys open the objects."""
    generation: int
    """The generation of that keyring: no earlier one is accepted."""
    items: list[Item]

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=cls)

    def write(self, folder: Path) -> None:
        (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
