"""A saved keyring, and an object with it, opened from docs/spec/keyring.md and object-format.md and nothing else."""

import base64
import hashlib
import hmac
import json
import unicodedata
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portable.backends.protocol import Attributes
from portable.keys.export import export_volume_key
from portable.keys.keyring import Keyring
from portable.keys.recipient import Identity
from portable.sealed import Metadata, open_header, seal
from tests.format import independent
from tests.keys.conftest import PASSPHRASE


def decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def verified(document: bytes, purpose: bytes, fingerprint: str) -> dict[str, Any]:
    """Signed documents: both signatures, then the payload."""
    content = json.loads(document)
    ed25519, mldsa65 = (decoded(content["authority"][name]) for name in ("ed25519", "mldsa65"))
    digest = hashlib.sha256(b"portable/v1/authority\0" + ed25519 + mldsa65).digest()
    if (content["version"], f"sha256:{digest.hex()}") != (1, fingerprint):
        raise InvalidSignature
    payload, context = decoded(content["payload"]), b"portable/v1/signed/" + purpose
    message = context + b"\0" + digest + payload
    Ed25519PublicKey.from_public_bytes(ed25519).verify(decoded(content["signatures"]["ed25519"]), message)
    MLDSA65PublicKey.from_public_bytes(mldsa65).verify(decoded(content["signatures"]["mldsa65"]), message, context)
    loaded: dict[str, Any] = json.loads(payload)
    return loaded


def seed_under(protector: dict[str, Any], passphrase: str, binding: bytes) -> bytes:
    """Protectors."""
    cost = protector["argon2"]
    stretched = Argon2id(
        salt=decoded(protector["salt"]),
        length=64,
        iterations=cost["passes"],
        lanes=cost["lanes"],
        memory_cost=cost["memory_mib"] * 1024,
    ).derive(unicodedata.normalize("NFC", passphrase).encode())
    assert hmac.compare_digest(stretched[32:], decoded(protector["commitment"]))
    wrapped = decoded(protector["wrapped_seed"])
    return AESGCM(stretched[:32]).decrypt(decoded(protector["nonce"]), wrapped, b"portable/v1/passphrase" + binding)


def hpke_open(shared_secret: bytes, sealed: bytes, info: bytes) -> bytes:
    """RFC 9180, sections 5.1 and 5.2: base mode, the first message, no associated data."""
    suite = b"HPKE" + bytes.fromhex("647a 0003 0002")

    def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(64), b"HPKE-v1" + suite + label + secret, "sha512")

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")

    def expand(label: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(secret, labelled + b"\x01", "sha512")[:length]

    return AESGCM(expand(b"key", 32)).decrypt(expand(b"base_nonce", 12), sealed, None)


def root_of(payload: dict[str, Any], passphrase: str) -> bytes:
    """Recipients."""
    recipient = payload["recipients"][0]
    keyring, identifier = decoded(payload["id"]), decoded(recipient["id"])
    expanded = hashlib.shake_256(seed_under(recipient["protector"], passphrase, b"/recipient" + keyring + identifier)).digest(
        96
    )
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    public = x25519.public_key().public_bytes_raw()
    assert mlkem.public_key().public_bytes_raw() + public == decoded(recipient["public_key"])
    wrapped = decoded(recipient["wrapped_root"])
    ephemeral = wrapped[1088:1120]
    shared = mlkem.decapsulate(wrapped[:1088]) + x25519.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    secret = hashlib.sha3_256(shared + ephemeral + public + bytes.fromhex("5c2e2f2f5e5c")).digest()
    return hpke_open(secret, wrapped[1120:], b"portable/v1/root" + keyring + identifier + decoded(payload["root_id"]))


def body_of(payload: dict[str, Any], passphrase: str) -> dict[str, Any]:
    """Body."""
    keyring, body = decoded(payload["id"]), decoded(payload["body"])
    key = independent.hkdf(root_of(payload, passphrase), keyring, b"portable/v1/keyring/body")
    place = keyring + payload["generation"].to_bytes(8, "big")
    loaded: dict[str, Any] = json.loads(AESGCM(key).decrypt(body[:12], body[12:], place))
    return loaded


def secrets_of(volume: dict[str, Any]) -> independent.Secrets:
    (active,) = [epoch for epoch in volume["epochs"] if epoch["state"] == "active"]
    identifier, secret = decoded(volume["id"]), decoded(volume["secret"])
    return independent.Secrets(identifier, secret, decoded(active["id"]), decoded(active["key"]), volume["frame_length"])


@pytest.fixture(scope="module")
def secrets(saved: bytes, authority: Any) -> independent.Secrets:
    """What the page makes of the saved file and its passphrase."""
    payload = verified(saved, b"keyring", authority.fingerprint)
    (volume,) = body_of(payload, PASSPHRASE)["volumes"]
    assert (payload["generation"], volume["name"], volume["names"]) == (2, "lake", "plain")
    return secrets_of(volume)


def test_an_object_opens_with_what_the_page_makes_of_a_saved_keyring(
    saved: bytes, identity: Identity, secrets: independent.Secrets
) -> None:
    encryptor = seal(
        Keyring(saved).unlock(identity).volume("lake"), "a/b.txt", Metadata(Attributes(content_type="a/b"))
    ).encryptor
    message = encryptor.header + encryptor.update(b"hello") + encryptor.finish()
    assert independent.read(secrets, "a/b.txt", message) == (b"hello", b'{"t":"a/b"}')


def test_what_was_made_with_it_opens_in_the_package(saved: bytes, identity: Identity, secrets: independent.Secrets) -> None:
    message = independent.write(secrets, "a/b.txt", b"{}", b"hello")
    assert open_header(Keyring(saved).unlock(identity).volume("lake"), "a/b.txt", message).whole(message) == b"hello"


def test_an_export_has_the_fields_of_the_page(saved: bytes, identity: Identity, secrets: independent.Secrets) -> None:
    exported = json.loads(export_volume_key(Keyring(saved).unlock(identity).volume("lake")))
    (epoch,) = exported.pop("epochs")
    assert exported == {
        "version": 1,
        "volume": "lake",
        "volume_id": secrets.volume_id.hex(),
        "namespace": "portable",
        "algorithm": "AES_256_GCM_IV12_TAG16_NO_PADDING",
    }
    assert epoch.keys() == {"key_name", "key", "state", "created"}
    assert (epoch["key_name"].encode(), decoded(epoch["key"]), epoch["state"]) == (
        secrets.key_name,
        secrets.epoch_key,
        "active",
    )
