"""The identity of the person or job at the command line: asked for only when a keyring or an authority must be opened."""

import os
from collections.abc import Sequence
from pathlib import Path

from portable.cli.passphrase import passphrase
from portable.keys.at_hand import IDENTITY_VARIABLE, AnyOf, identity_files, service_identities
from portable.keys.passphrase import VARIABLE, PassphraseIdentity, PassphraseProtector, passphrase_from
from portable.keys.recipient import Identity, Protector
from portable.keys.secrecy import KeepsSecrets

AUTHORITY_VARIABLE = "PORTABLE_AUTHORITY_PASSPHRASE"
"""Without it, the authority's passphrase is the keyring's."""


class AskedPassphrase(KeepsSecrets):
    """Takes the passphrase from a file, a descriptor or the environment, or asks at the terminal, when it is first needed.

    `word` is the passphrase once it is known.
    """

    def __init__(self, prompt: str, *, file: Path | None = None, fd: int | None = None, variable: str = VARIABLE) -> None:
        self._prompt = prompt
        self._file = file
        self._fd = fd
        self._variable = variable
        self.word: str | None = None

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """See `Identity.seed`."""
        if not isinstance(protector, PassphraseProtector):
            return None
        if self.word is None:
            self.word = passphrase(self._prompt, file=self._file, fd=self._fd, variable=self._variable)
        return PassphraseIdentity(self.word).seed(protector, binding)


class AskedIdentity(KeepsSecrets):
    """Whoever is at hand: identity files, a service, a token, a passphrase.

    Nobody is asked for a passphrase where an identity file is given and a passphrase is not.
    """

    def __init__(self, files: Sequence[Path] = (), *, file: Path | None = None, fd: int | None = None) -> None:
        self._files = files
        self._passphrase = AskedPassphrase("Passphrase of the keyring", file=file, fd=fd)
        self._passphrase_given = (
            file is not None or fd is not None or any(f"{VARIABLE}{end}" in os.environ for end in ("", "_FILE"))
        )
        self._identity: Identity | None = None

    @property
    def word(self) -> str | None:
        """The passphrase of the keyring, where one was needed."""
        return self._passphrase.word

    @classmethod
    def of_authority(cls) -> AskedPassphrase:
        """Return the identity that opens the authority file."""
        own = passphrase_from(os.environ, variable=AUTHORITY_VARIABLE) is not None
        return AskedPassphrase("Passphrase of the authority", variable=AUTHORITY_VARIABLE if own else VARIABLE)

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """See `Identity.seed`."""
        if self._identity is None:
            identities = [*identity_files(os.environ, self._files), *service_identities(os.environ)]
            alone = self._files or os.environ.get(IDENTITY_VARIABLE)
            if self._passphrase_given or not alone:
                identities.append(self._passphrase)
            self._identity = AnyOf(identities)
        return self._identity.seed(protector, binding)
