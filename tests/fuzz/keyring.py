"""What the authority signed and the root key sealed, should an authority ever sign something odd.

The signature's check is set aside: `document` is about that.
"""

import base64
import contextlib
import json
from typing import Any, Final
from unittest.mock import patch

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import PortableError
from portable.keys import signed
from portable.keys.authority import Authority
from portable.keys.derivation import derive
from portable.keys.kem import KeyPair, seal
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseProtector
from portable.keys.payload import Body, Payload, open_body
from portable.keys.recipient import RecipientRecord
from portable.keys.volume_keys import FRAME_BOUNDS, VolumeKeys
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the payload parses"
SEEDS: Final = (b"", bytes([0, 0, 1, 200, 200, 0, 1]), bytes([0, 0, 2, 64, 200, 255, 2]), bytes([1, 200, 129, 3]))

_ROOT: Final = bytes(range(32))
_SEED: Final = bytes(range(50, 82))
_ID: Final = bytes(range(16))
_AUTHORITY: Final = Authority(bytes(32)).public
_RECORD: Final = RecipientRecord(
    id=_ID,
    public_key=KeyPair(_SEED).public_key,
    protector=PassphraseProtector(
        argon2=Argon2Parameters(), salt=bytes(32), commitment=bytes(32), nonce=bytes(12), wrapped_seed=bytes(48)
    ),
    wrapped_root=seal(_ROOT, KeyPair(_SEED).public_key, b"portable/v1/root" + _ID + _ID + _ID),
)
_PAYLOAD: Final[dict[str, Any]] = json.loads(
    msgspec.json.encode(
        Payload(id=_ID, generation=7, previous_sha256=bytes(32), root_id=_ID, recipients=(_RECORD,), body=bytes(28))
    )
)
_BODY: Final[dict[str, Any]] = json.loads(
    msgspec.json.encode(Body(volumes=(VolumeKeys.generate("lake").record, VolumeKeys.generate("archive").record)))
)


class _Seed:
    """Whoever holds the seed, whatever keeps it."""

    def seed(self, _: object, __: bytes) -> bytes | None:
        return _SEED


def run(data: bytes) -> bool:
    script = Script(data)
    content, body = _several(_PAYLOAD, script.byte() // 128 * 2, script), _several(_BODY, script.byte() % 4, script)
    encoded = json.dumps(body).encode(errors="surrogatepass")
    if script.byte() >= 240:
        encoded = edited(encoded, script)
    if isinstance(content, dict) and "body" in content and not script.rarely():
        content = {**content, "body": _sealed(encoded, content)}
    document = json.dumps(content).encode(errors="surrogatepass")
    if script.byte() >= 240:
        document = edited(document, script)
    try:
        with patch.object(signed, "verify", lambda payload, *_: (payload, _AUTHORITY)):
            keyring = Keyring(document)
    except PortableError:
        return False
    _check_costs(keyring)
    try:
        opened = open_body(keyring.payload, _ROOT)
        if script.byte() & 63 == 63:
            keyring.unlock(_Seed())
    except PortableError:
        return True
    assert msgspec.json.decode(msgspec.json.encode(opened), type=Body) == opened
    for record in opened.volumes:
        keys = VolumeKeys(record)
        assert FRAME_BOUNDS[0] <= keys.frame_length <= FRAME_BOUNDS[1]
        if keys.active_epoch.state == "active":
            assert keys.wrapping_key_for(keys.key_name(keys.active_epoch)) == keys.active_epoch.key
    return True


def _several(value: Any, edits: int, script: Script) -> Any:
    for _ in range(edits):
        value = edited_json(value, script)
    return value


def _sealed(body: bytes, content: dict[str, Any]) -> str:
    """Seal for the id and the generation that the payload has, as far as it has them."""
    identifier, generation = _ID, content.get("generation")
    with contextlib.suppress(KeyError, TypeError, ValueError):  # then the payload does not parse either
        identifier = base64.b64decode(content["id"], validate=True)
    if not isinstance(generation, int) or not 0 <= generation < 1 << 64:
        generation = 7
    cipher = AESGCM(derive(_ROOT, salt=identifier, purpose=b"keyring/body"))
    return base64.b64encode(bytes(12) + cipher.encrypt(bytes(12), body, identifier + generation.to_bytes(8, "big"))).decode()


def _check_costs(keyring: Keyring) -> None:
    for recipient in keyring.recipients:
        if isinstance(recipient.protector, PassphraseProtector):
            cost = recipient.protector.argon2
            assert 64 <= cost.memory_mib <= 2048
            assert 3 <= cost.passes <= 10
            assert 1 <= cost.lanes <= 16
