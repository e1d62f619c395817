"""Recipients that cost nothing to open: machines with an identity file."""

from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring, UnlockedKeyring


class Machine:
    """An identity, and the recipient that it is."""

    def __init__(self) -> None:
        self.identity = IdentityFile.generate()
        self.recipient = IdentityFileRecipient(self.identity.public_key)

    def id_in(self, keyring: Keyring | UnlockedKeyring) -> bytes:
        """Return the recipient's id in a keyring."""
        return next(each.id for each in keyring.recipients if each.public_key == self.identity.public_key)
