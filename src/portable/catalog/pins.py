"""Pins: what this machine has seen of authorities and entries, so that nothing older or foreign is believed later.

One small JSON file in the state folder, changed under a lock.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from portable.catalog.entry import Entry, Mode
from portable.errors import ConfigurationError, UntrustedSignature
from portable.keys.durable import exclusive, may_write, replace_durably
from portable.keys.fields import MALFORMED


class _Seen(msgspec.Struct, forbid_unknown_fields=True):
    generation: int
    write_id: str
    mode: Mode


class _Pinned(msgspec.Struct, forbid_unknown_fields=True):
    authorities: dict[str, str] = msgspec.field(default_factory=dict)
    """Address of a catalog or keyring to the fingerprint of its authority."""
    entries: dict[str, _Seen] = msgspec.field(default_factory=dict)
    """`<fingerprint>/<volume name>` to the newest entry seen."""
    keyrings: dict[str, int] = msgspec.field(default_factory=dict)
    """Keyring id (hexadecimal) to the highest generation seen."""


class Pins:
    """The pins of one state folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.expanduser() / "pins.json"
        self._newest: dict[str, _Seen] = {}

    def authority(self, address: str) -> str | None:
        """Return the fingerprint pinned for a catalog or keyring, or None when it was never used here."""
        return self._load().authorities.get(address)

    def pin_authority(self, address: str, fingerprint: str) -> None:
        """Trust this authority, and no other, for the catalog or keyring from now on."""
        with self._changing() as pinned:
            pinned.authorities[address] = fingerprint

    def check(self, entry: Entry) -> None:
        """Remember the entry as the newest seen of its volume.

        Raises: UntrustedSignature when a newer one was seen, another one of the same generation, or a sealed home where this
        one is clear and the authority has not consented.
        """
        name = f"{entry.authority}/{entry.name}"
        new = _Seen(entry.generation, entry.write_id, entry.home.mode)
        if self._newest.get(name) == new:
            return
        with self._changing() as pinned:
            seen = pinned.entries.get(name)
            if seen is not None:
                _refuse_older(entry, seen)
            pinned.entries[name] = new
        self._newest[name] = new

    def compare(self, entry: Entry) -> None:
        """Raise what `check` would, and remember nothing."""
        seen = self._load().entries.get(f"{entry.authority}/{entry.name}")
        if seen is not None:
            _refuse_older(entry, seen)

    def keyring_generation(self, identifier: str) -> int:
        """Return the highest generation seen of the keyring with this id (hexadecimal); 0 for none."""
        return self._load().keyrings.get(identifier, 0)

    def check_keyring(self, identifier: str, generation: int) -> None:
        """Remember the keyring's generation. Raises: UntrustedSignature when a higher one was seen."""
        with self._changing() as pinned:
            seen = pinned.keyrings.get(identifier, 0)
            if generation < seen:
                raise UntrustedSignature(
                    f"keyring {identifier} is generation {generation}, but {seen} was seen here before: an old copy was put "
                    "back; restore the newest one"
                )
            pinned.keyrings[identifier] = generation

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Pinned]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the state folder {self._path.parent} cannot be made: {error.strerror}; set PORTABLE_STATE"
            ) from None
        if not may_write(self._path.parent):
            raise ConfigurationError(
                f"this process may not write in the state folder {self._path.parent}, where it keeps what it has seen of "
                "authorities and entries: set PORTABLE_STATE to a folder of its own"
            )
        with exclusive(self._path):
            pinned = self._load()
            before = msgspec.json.encode(pinned)
            yield pinned
            after = msgspec.json.encode(pinned)
            if after != before:
                replace_durably(self._path, after)

    def _load(self) -> _Pinned:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Pinned)
        except FileNotFoundError:
            return _Pinned()
        except (OSError, *MALFORMED) as error:
            raise ConfigurationError(f"the pins in {self._path} cannot be read: {error}") from None


def _refuse_older(entry: Entry, seen: _Seen) -> None:
    if entry.generation < seen.generation:
        raise UntrustedSignature(
            f"the catalog entry of {entry.name!r} is generation {entry.generation}, but {seen.generation} was seen here "
            "before: an old entry was put back"
        )
    if entry.generation == seen.generation and entry.write_id != seen.write_id:
        raise UntrustedSignature(f"two different catalog entries of {entry.name!r} claim generation {entry.generation}")
    if seen.mode == "sealed" and entry.home.mode == "clear" and not entry.allow_clear:
        raise UntrustedSignature(
            f"volume {entry.name!r} was encrypted, and its new home is not: the authority has not consented"
        )
