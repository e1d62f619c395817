"""Who a keyring's root key is wrapped to (recipients), and who can unwrap it (identities).

Every recipient has an HPKE key pair, so the root key can be wrapped anew with nobody present. A *protector* keeps the 32-byte
seed of that pair; each way to keep it is one module with a protector structure, a `Recipient` and an `Identity`.
"""

import hmac
import os
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct
from msgspec.structs import replace

from portable.errors import KeysError, UnlockFailed
from portable.keys.custody import CustodyProtector
from portable.keys.derivation import LABEL
from portable.keys.fields import Bytes16
from portable.keys.identity_file import IdentityFileProtector
from portable.keys.kem import OVERHEAD, PUBLIC_KEY_LENGTH, KeyPair, seal
from portable.keys.passphrase import PassphraseProtector
from portable.keys.pkcs11 import Pkcs11Protector
from portable.keys.transit import TransitProtector

ROOT_LENGTH: Final = 32

LABEL_PATTERN: Final = r"\A[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{0,100}\Z"
"""A recipient's label: up to 100 characters, none of which moves a terminal's cursor or turns its text."""

Protector = PassphraseProtector | IdentityFileProtector | TransitProtector | Pkcs11Protector | CustodyProtector
"""The union of all protector structures, told apart in JSON by their `type`."""


class Recipient(Protocol):
    """What a controller gives to be enrolled in a keyring."""

    def enroll(self, binding: bytes) -> tuple[bytes, Protector]:
        """Return the public key (1216 bytes) and a protector that opens only under the same `binding`."""


class Identity(Protocol):
    """Who may hold what a protector asks for."""

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """Return the seed (32 bytes); None where the protector is of another kind.

        Raises: UnlockFailed (this identity does not open this protector; another recipient may), and where a service or a token
        stands between, Denied (login), Unavailable (no answer) and ConfigurationError (how to reach it).
        """


class RecipientRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipient as the keyring's signed payload holds it."""

    id: Bytes16
    type: Literal["mlkem768-x25519"] = "mlkem768-x25519"
    label: Annotated[str, Meta(pattern=LABEL_PATTERN)] = ""
    """What the controller calls the recipient; whoever has the file reads it."""
    public_key: Annotated[bytes, Meta(min_length=PUBLIC_KEY_LENGTH, max_length=PUBLIC_KEY_LENGTH)]
    protector: Protector
    wrapped_root: Annotated[bytes, Meta(min_length=ROOT_LENGTH + OVERHEAD, max_length=ROOT_LENGTH + OVERHEAD)]

    @classmethod
    def enroll(cls, recipient: Recipient, *, keyring: bytes, root_id: bytes, root: bytes, label: str = "") -> "RecipientRecord":
        """Enroll a new recipient of the keyring with this id (16 bytes), and wrap the root key to it."""
        identifier = os.urandom(16)
        public_key, protector = recipient.enroll(_binding(keyring, identifier))
        wrapped = seal(root, public_key, _info(keyring, identifier, root_id))
        return cls(id=identifier, label=label, public_key=public_key, protector=protector, wrapped_root=wrapped)

    def wrapped_anew(self, *, keyring: bytes, root_id: bytes, root: bytes) -> "RecipientRecord":
        """Return the record with another root key, wrapped to the public key: nobody has to be present."""
        return replace(self, wrapped_root=seal(root, self.public_key, _info(keyring, self.id, root_id)))

    def unwrap(self, identity: Identity, *, keyring: bytes, root_id: bytes) -> bytes | None:
        """Return the root key (32 bytes); None where the identity is of another kind. Raises: UnlockFailed, KeysError."""
        seed = self.seed(identity, keyring=keyring)
        return None if seed is None else self.open(seed, keyring=keyring, root_id=root_id)

    def seed(self, identity: Identity, *, keyring: bytes) -> bytes | None:
        """Return the seed of the key pair; None where the identity is of another kind.

        Raises: UnlockFailed (the identity is of the kind and does not open this protector), KeysError.
        """
        return identity.seed(self.protector, _binding(keyring, self.id))

    def open(self, seed: bytes, *, keyring: bytes, root_id: bytes) -> bytes:
        """Return the root key (32 bytes) that is wrapped to the key pair of this seed. Raises: UnlockFailed, KeysError."""
        pair = KeyPair(seed)
        if not hmac.compare_digest(pair.public_key, self.public_key):
            raise KeysError(f"recipient {self.id.hex()}: the protected seed belongs to another public key")
        root = pair.open(self.wrapped_root, _info(keyring, self.id, root_id))
        if len(root) != ROOT_LENGTH:
            raise UnlockFailed(f"recipient {self.id.hex()}: the wrapped root key has a wrong length")
        return root


def _binding(keyring: bytes, recipient: bytes) -> bytes:
    return b"/recipient" + keyring + recipient


def _info(keyring: bytes, recipient: bytes, root_id: bytes) -> bytes:
    return LABEL + b"root" + keyring + recipient + root_id
