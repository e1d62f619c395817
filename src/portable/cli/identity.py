"""The identity of the person or job at the command line: asked for only when a keyring or an authority must be opened."""

import os

from portable.cli.passphrase import passphrase
from portable.keys.passphrase import VARIABLE, PassphraseIdentity, passphrase_from
from portable.keys.recipient import Identity, Protector

AUTHORITY_VARIABLE = "PORTABLE_AUTHORITY_PASSPHRASE"
"""Without it, the authority's passphrase is the keyring's."""


class AskedIdentity:
    """Takes the passphrase from the environment, or asks at the terminal, when it is first needed; once a process."""

    def __init__(self, prompt: str = "Passphrase of the keyring", variable: str = VARIABLE) -> None:
        self._prompt = prompt
        self._variable = variable
        self._identity: Identity | None = None

    @classmethod
    def of_authority(cls) -> "AskedIdentity":
        """Return the identity that opens the authority file."""
        own = passphrase_from(os.environ, variable=AUTHORITY_VARIABLE) is not None
        return cls("Passphrase of the authority", AUTHORITY_VARIABLE if own else VARIABLE)

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """See `Identity.seed`."""
        if self._identity is None:
            self._identity = PassphraseIdentity(passphrase(self._prompt, variable=self._variable))
        return self._identity.seed(protector, binding)
