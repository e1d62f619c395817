"""A migration at work: its declaration bound to journal, source and target, each opened when first needed."""

import contextlib
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from migrate.declaration import Declaration
from migrate.journal import Journal, Side
from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.errors import UnknownEpoch
from portable.keys.at_hand import somebody_at_hand
from portable.keys.authority import AuthorityPublic
from portable.keys.keyring import Keyring
from portable.keys.recipient import Identity
from portable.keys.volume_keys import VolumeKeys
from portable.opening import backend_at, identity_from_environment, read_keyring
from portable.volume import Volume

Wrap = Callable[[Side, Backend], Backend]
Closable = TypeVar("Closable", Journal, Backend)


class Migration:
    """A declaration, its journal and its two stores. Use it in a `with` block; not for several threads at once.

    `identity` unlocks the target's keyring; by default the environment names it. `wrap` is given each backend as it is opened
    ("source" or "target" first) and returns what is used in its place.
    """

    def __init__(self, declaration: Declaration, *, identity: Identity | None = None, wrap: Wrap | None = None) -> None:
        self.declaration = declaration
        self._identity = identity
        self._wrap = wrap
        self._opened = contextlib.ExitStack()
        self._journal: Journal | None = None

    @classmethod
    def open(cls, path: str | Path, *, identity: Identity | None = None, wrap: Wrap | None = None) -> "Migration":
        """Bind the migration file at `path`; opens nothing else yet. Raises: ConfigurationError."""
        return cls(Declaration.load(path), identity=identity, wrap=wrap)

    def open_journal(self, *, create: bool = False) -> Journal:
        """Return the journal, which this process owns until `close`. Raises: RefusedError (none yet, or in use)."""
        if self._journal is None:
            self._journal = self._closed_at_end(Journal.open(self.declaration.journal, create=create))
        return self._journal

    @property
    def journal(self) -> Journal:
        """The journal of a migration that has a plan. Raises: RefusedError (none yet, or in use)."""
        return self.open_journal()

    @cached_property
    def source(self) -> Volume:
        """The source volume, in clear. Raises: ConfigurationError."""
        return Volume(self._open("source", self.declaration.source.location), None)

    @cached_property
    def target_backend(self) -> Backend:
        """The target's stored objects, which need no keys to be listed. Raises: ConfigurationError."""
        return self._open("target", self.declaration.target.location)

    @cached_property
    def keyring(self) -> Keyring:
        """The target's keyring, its signatures checked against the authority file, still locked.

        Raises: ConfigurationError (no such files), UntrustedSignature.
        """
        authority = AuthorityPublic.read(self.declaration.authority_key)
        return read_keyring(self.declaration.keyring, authority=authority.fingerprint)

    @cached_property
    def can_unlock(self) -> bool:
        """Whether an identity is at hand; whether it opens the keyring, `keys` tells."""
        return self._identity is not None or somebody_at_hand(os.environ)

    @cached_property
    def keys(self) -> VolumeKeys:
        """The keys of the target volume; unlocks the keyring. Raises: ConfigurationError, KeysError."""
        unlocked = self.keyring.unlock(self._identity or identity_from_environment())
        name = self.declaration.target.encryption.volume
        try:
            return unlocked.volume(name)
        except UnknownEpoch:
            path = self.declaration.keyring
            raise UnknownEpoch(
                f"the keyring {path} has no volume {name!r}: add it with `portable keys add-volume {path} {name}`"
            ) from None

    @cached_property
    def target(self) -> Volume:
        """The target volume, sealed; unlocks the keyring. Raises: ConfigurationError, KeysError."""
        return Volume(self.target_backend, self.keys)

    def close(self) -> None:
        """Close what was opened. The migration cannot be used afterwards."""
        self._opened.close()

    def __enter__(self) -> "Migration":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Migration {self.declaration.name!r}: {self.declaration.source.url} to {self.declaration.target.url}>"

    def _open(self, side: Side, location: Location) -> Backend:
        backend = backend_at(location)
        return self._closed_at_end(self._wrap(side, backend) if self._wrap else backend)

    def _closed_at_end(self, opened: Closable) -> Closable:
        self._opened.callback(opened.close)
        return opened
