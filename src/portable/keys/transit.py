"""The Transit protector: a seed that an OpenBao or HashiCorp Vault encrypts, under a key that never leaves it.

Source: OpenBao, Transit secrets engine API: encrypt and decrypt with `associated_data`, for AEAD key types. Enrolling needs the
capabilities `read` on MOUNT/keys/NAME and `update` on MOUNT/encrypt/NAME and MOUNT/decrypt/NAME; opening, the last alone.
"""

import hmac
import os
import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from portable.errors import ConfigurationError, KeysError, UnlockFailed
from portable.keys.kem import SEED_LENGTH, KeyPair
from portable.keys.secrecy import KeepsSecrets
from portable.keys.transit_edge import TransitAccess, decoded, encoded, field, translated

KEY_TYPE: Final = "aes256-gcm96"

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
# Neither can hold `..` as a segment or a `?`, so a request ends where it says: MOUNT/decrypt/NAME.
_PATH: Final = rf"\A{_SEGMENT}(/{_SEGMENT}){{0,7}}\Z"
_NAME: Final = rf"\A{_SEGMENT}\Z"
_CIPHERTEXT: Final = r"\Avault:v[1-9][0-9]{0,8}:[A-Za-z0-9+/]{80}\Z"
"""Version of the key, and base64 of nonce[12], ciphertext[32] and tag[16]."""


class TransitProtector(Struct, tag_field="type", tag="transit", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seed of 32 bytes that a Transit key opens. `address` is shown to people and never followed."""

    address: Annotated[str, Meta(min_length=1, max_length=512)]
    namespace: Annotated[str, Meta(pattern=_PATH)] | None
    mount: Annotated[str, Meta(pattern=_PATH)]
    key_name: Annotated[str, Meta(pattern=_NAME)]
    ciphertext: Annotated[str, Meta(pattern=_CIPHERTEXT)]


class TransitRecipient:
    """A recipient whose new key pair is kept under a Transit key. Raises: ConfigurationError (a name)."""

    __slots__ = ("_access", "_key_name", "_mount", "_namespace")

    def __init__(self, access: TransitAccess, key_name: str, *, mount: str = "transit", namespace: str | None = None) -> None:
        for what, value, pattern in (("key", key_name, _NAME), ("mount", mount, _PATH), ("namespace", namespace, _PATH)):
            if value is not None and not re.search(pattern, value):
                raise ConfigurationError(f"{value!r} cannot name a Transit {what}")
        self._access, self._key_name, self._mount, self._namespace = access, key_name, mount, namespace

    def enroll(self, binding: bytes) -> tuple[bytes, TransitProtector]:
        """Make a key pair; returns its public key and the protector of its seed, once the service has proved that it binds.

        Raises: ConfigurationError (no such key, not of type aes256-gcm96, `associated_data` ignored on the way, or access),
        UnlockFailed and KeysError (it does not give back what it encrypted), Denied, Unavailable.
        """
        seed = os.urandom(SEED_LENGTH)
        with self._access.client(self._namespace) as client:
            address = self._access.address or ""
            key = _TransitKey(client, self._mount, self._key_name, address)
            # First, because to encrypt under a name that does not exist makes a key there for whoever may create one.
            key.require_type()
            ciphertext = key.encrypt(seed, binding)
            _prove(lambda binding: key.decrypt(ciphertext, binding), seed, binding)
        protector = TransitProtector(
            address=address, namespace=self._namespace, mount=self._mount, key_name=self._key_name, ciphertext=ciphertext
        )
        return KeyPair(seed).public_key, protector


class TransitIdentity(KeepsSecrets):
    """Who may decrypt with the Transit key."""

    __slots__ = ("_access",)

    def __init__(self, access: TransitAccess) -> None:
        self._access = access

    def seed(self, protector: object, binding: bytes) -> bytes | None:
        """Return the seed, or None where the protector is not Transit.

        Raises: UnlockFailed (no address, another key, a deleted key, a revoked version, altered), Denied (the token),
        Unavailable (down, sealed, no answer in time), ConfigurationError (the address, hvac, TLS).
        """
        if not isinstance(protector, TransitProtector):
            return None
        if self._access.address is None:
            raise UnlockFailed(f"no Transit service is named: set VAULT_ADDR; the keyring says {protector.address}")
        with self._access.client(protector.namespace) as client:
            key = _TransitKey(client, protector.mount, protector.key_name, self._access.address)
            return key.decrypt(protector.ciphertext, binding)


class _TransitKey:
    def __init__(self, client: Any, mount: str, name: str, address: str) -> None:
        self._client = client
        self._transit = client.secrets.transit
        self._place = {"name": name, "mount_point": mount}
        self._what = f"Transit key {mount}/{name} at {address}"

    def require_type(self) -> None:
        with translated(self._client, self._what, ConfigurationError):
            answer = self._transit.read_key(**self._place)
        kind = field(answer, "data", "type")
        if kind != KEY_TYPE or answer["data"].get("derived"):
            raise ConfigurationError(f"{self._what} is of type {kind[:40]!a}; make one of type {KEY_TYPE}, not `derived`")

    def encrypt(self, seed: bytes, binding: bytes) -> str:
        with translated(self._client, self._what, ConfigurationError):
            answer = self._transit.encrypt_data(**self._place, plaintext=encoded(seed), associated_data=encoded(binding))
        ciphertext = field(answer, "data", "ciphertext")
        if not re.search(_CIPHERTEXT, ciphertext):
            raise ConfigurationError(f"{self._what}: the ciphertext is not that of a key of type {KEY_TYPE}")
        return ciphertext

    def decrypt(self, ciphertext: str, binding: bytes | None) -> bytes:
        data = {} if binding is None else {"associated_data": encoded(binding)}
        with translated(self._client, self._what, UnlockFailed):
            answer = self._transit.decrypt_data(**self._place, ciphertext=ciphertext, **data)
        return decoded(field(answer, "data", "plaintext"))


def _prove(decrypt: Callable[[bytes | None], bytes], seed: bytes, binding: bytes) -> None:
    """Check that the seed comes back under its binding, and not under another one or none."""
    if not hmac.compare_digest(decrypt(binding), seed):
        raise KeysError("the Transit service does not give back what it encrypted; nothing was enrolled")
    for wrong in (binding + b"\0", bytes([binding[0] ^ 1]) + binding[1:], None):
        try:
            decrypt(wrong)
        except UnlockFailed:
            continue
        raise ConfigurationError(
            "the Transit service opens a seed with wrong `associated_data`: it, or a proxy before it, ignores them; nothing "
            "was enrolled"
        )
