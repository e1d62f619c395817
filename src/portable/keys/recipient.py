"""Who a keyring's root key is wrapped to (recipients), and who can unwrap it (identities).

Every recipient has an HPKE key pair, so the root key can be wrapped anew with nobody present. A *protector* keeps the 32-byte
seed of that pair; each way to keep it is one module with a protector structure, a `Recipient` and an `Identity`.
"""

import hmac
import os
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct

from portable.errors import KeysError, UnlockFailed
from portable.keys.derivation import LABEL
from portable.keys.fields import Bytes16
from portable.keys.kem import OVERHEAD, PUBLIC_KEY_LENGTH, KeyPair, seal
from portable.keys.passphrase import PassphraseProtector

ROOT_LENGTH: Final = 32

Protector = PassphraseProtector
"""The union of all protector structures, told apart in JSON by their `type`."""


class Recipient(Protocol):
    """What a controller gives to be enrolled in a keyring."""

    def enroll(self, binding: bytes) -> tuple[bytes, Protector]:
        """Return the public key (1216 bytes) and a protector that opens only under the same `binding`."""


class Identity(Protocol):
    """Who may hold what a protector asks for."""

    def seed(self, protector: Protector, binding: bytes) -> bytes | None:
        """Return the seed (32 bytes); None where the protector is of another kind. Raises: UnlockFailed."""


class RecipientRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recipient as the keyring's signed payload holds it."""

    id: Bytes16
    type: Literal["mlkem768-x25519"] = "mlkem768-x25519"
    public_key: Annotated[bytes, Meta(min_length=PUBLIC_KEY_LENGTH, max_length=PUBLIC_KEY_LENGTH)]
    protector: Protector
    wrapped_root: Annotated[bytes, Meta(min_length=ROOT_LENGTH + OVERHEAD, max_length=ROOT_LENGTH + OVERHEAD)]

    @classmethod
    def enroll(cls, recipient: Recipient, *, keyring: bytes, root_id: bytes, root: bytes) -> "RecipientRecord":
        """Enroll a new recipient of the keyring with this id (16 bytes), and wrap the root key to it."""
        identifier = os.urandom(16)
        public_key, protector = recipient.enroll(_binding(keyring, identifier))
        wrapped = seal(root, public_key, _info(keyring, identifier, root_id))
        return cls(id=identifier, public_key=public_key, protector=protector, wrapped_root=wrapped)

    def unwrap(self, identity: Identity, *, keyring: bytes, root_id: bytes) -> bytes | None:
        """Return the root key (32 bytes); None where the identity is of another kind. Raises: UnlockFailed, KeysError."""
        seed = identity.seed(self.protector, _binding(keyring, self.id))
        if seed is None:
            return None
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
