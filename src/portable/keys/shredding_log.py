"""The file beside a keyring that records its shreddings: one signed document a line, each naming the one before."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from portable.errors import UntrustedSignature
from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.durable import exclusive, read_within, replace_durably
from portable.keys.fields import MALFORMED
from portable.keys.shredding import Shredding

PURPOSE: Final = "shredding"


class ShreddingLog:
    """The shreddings of one keyring, whose authority has this fingerprint.

    Records that were cut off at the end of the file cannot be missed; anything else that is altered, removed or moved is.
    """

    def __init__(self, keyring: Path, authority: str) -> None:
        self.file = keyring.with_name(f"{keyring.name}.shreddings")
        self.authority = authority

    def records(self) -> tuple[Shredding, ...]:
        """Return every record, oldest first. Raises: UntrustedSignature, ConfigurationError."""
        return tuple(record for record, _ in self._read())

    def latest(self, volume: str) -> Shredding | None:
        """Return the newest record of a volume of this name, or None. Raises: as `records`."""
        return _latest(self.records(), volume)

    def record(self, volume: str, change: Callable[[Shredding | None], Shredding], authority: Authority) -> Shredding:
        """Append what `change` makes of the newest record of the volume, signed; nothing where it changes nothing.

        Nobody else appends meanwhile. Raises: what `records` and `change` raise.
        """
        with exclusive(self.file):
            lines = self._read()
            before = _latest((record for record, _ in lines), volume)
            after = change(before)
            if after == before:
                return after
            after = replace(after, previous_sha256=lines[-1][1] if lines else None)
            document = signed.sign(msgspec.json.encode(after), authority, PURPOSE)
            old = read_within(self.file, signed.DOCUMENT_LIMIT) if lines else b""
            replace_durably(self.file, old + msgspec.json.format(document, indent=-1) + b"\n")
        return after

    def _read(self) -> list[tuple[Shredding, bytes]]:
        """Return every record with the SHA-256 of its payload."""
        if not self.file.exists():
            return []
        found: list[tuple[Shredding, bytes]] = []
        for number, line in enumerate(read_within(self.file, signed.DOCUMENT_LIMIT).splitlines(), start=1):
            try:
                payload, _ = signed.verify(line, PURPOSE, self.authority)
                record = msgspec.json.decode(payload, type=Shredding)
            except UntrustedSignature as error:
                raise UntrustedSignature(f"{self.file}, line {number}: {error}") from None
            except MALFORMED as error:
                raise UntrustedSignature(f"{self.file}, line {number}: signed, but of another shape: {error}") from None
            if record.previous_sha256 != (found[-1][1] if found else None):
                raise UntrustedSignature(
                    f"{self.file}, line {number}: does not follow the line before: one is missing or moved"
                )
            found.append((record, hashlib.sha256(payload).digest()))
        return found


def _latest(records: Iterable[Shredding], volume: str) -> Shredding | None:
    newest = None
    for record in records:
        if record.volume == volume:
            newest = record
    return newest
