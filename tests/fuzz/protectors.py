"""Recipients behind a service, a token or several officers, should an authority ever sign odd ones, or a service answer oddly.

The signature's check is set aside: `document` is about that. Service and token are stand-ins that hold a key and do what theirs
would; a record may also be sound and of another recipient, as who moves records in a keyring would leave it.
"""

import base64
import contextlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import hvac
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portable.errors import PortableError
from portable.keys import signed
from portable.keys.at_hand import AnyOf
from portable.keys.authority import Authority
from portable.keys.custody import CustodyIdentity, CustodyRecipient
from portable.keys.identity_file import IdentityFile
from portable.keys.keyring import Keyring
from portable.keys.payload import Payload
from portable.keys.pkcs11 import Pkcs11Identity, Pkcs11Recipient
from portable.keys.pkcs11_edge import HmacKey, Pkcs11Access, TokenKey
from portable.keys.recipient import RecipientRecord
from portable.keys.transit import TransitIdentity, TransitRecipient
from portable.keys.transit_edge import TransitAccess
from tests.fuzz.script import Script, edited, edited_json

FIRST_CHECK: Final = "the payload parses, and with it the record of the recipient"
SEEDS: Final = (b"", b"\1", b"\2", bytes([0, 128, 40, 40, 200, 7, 1]), bytes([1, 128, 40, 200]), bytes([2, 160, 80, 200, 0, 3]))

_ROOT: Final = bytes(range(32))
_ID: Final = bytes(range(16))
_AUTHORITY: Final = Authority(bytes(32)).public
_TRANSIT: Final = AESGCM(bytes(range(64, 96)))
_TOKEN: Final = bytes(range(96, 128))


class _Client:
    """A Transit service, some of whose answers are edited."""

    def __init__(self, script: Script) -> None:
        self.secrets = self
        self.transit = self
        self._script = script

    def read_key(self, **_: str) -> Any:
        return {"data": {"type": "aes256-gcm96"}}

    def encrypt_data(self, *, plaintext: str, associated_data: str, **_: str) -> Any:
        sealed = _TRANSIT.encrypt(bytes(12), base64.b64decode(plaintext), associated_data.encode())
        return {"data": {"ciphertext": "vault:v1:" + base64.b64encode(bytes(12) + sealed).decode()}}

    def decrypt_data(self, *, ciphertext: str, associated_data: str = "", **_: str) -> Any:
        sealed = base64.b64decode(ciphertext.split(":")[2])
        try:
            plaintext = _TRANSIT.decrypt(sealed[:12], sealed[12:], associated_data.encode())
        except InvalidTag:
            raise hvac.exceptions.InvalidRequest(errors=["cipher: message authentication failed"]) from None
        answer = {"data": {"plaintext": base64.b64encode(plaintext).decode()}}
        return edited_json(answer, self._script) if self._script.rarely() else answer


class _Service(TransitAccess):
    def __init__(self, script: Script) -> None:
        super().__init__("https://localhost:8200")
        self._client = _Client(script)

    @contextlib.contextmanager
    def client(self, namespace: str | None) -> Iterator[Any]:
        del namespace
        yield self._client


class _Key(HmacKey):
    def hmac_sha256(self, message: bytes) -> bytes:
        return hmac.digest(_TOKEN, message, "sha256")

    def require_locked_in(self) -> None:
        pass


class _Token(Pkcs11Access):
    @contextlib.contextmanager
    def key(self, name: TokenKey) -> Iterator[HmacKey]:
        yield _Key(None, name)


_OFFICERS: Final = tuple(IdentityFile.generate() for _ in range(3))
_ACCESS: Final = _Token(Path("/opt/token.so"), None)
_RECIPIENTS: Final = (
    TransitRecipient(_Service(Script(b"")), "portable"),
    Pkcs11Recipient(_ACCESS, TokenKey(token="token", label="portable", id=b"\1")),
    CustodyRecipient([officer.public_key for officer in _OFFICERS], 2),
)


def _enrolled() -> tuple[dict[str, Any], ...]:
    records = [RecipientRecord.enroll(recipient, keyring=_ID, root_id=_ID, root=_ROOT) for recipient in _RECIPIENTS]
    return tuple(json.loads(msgspec.json.encode(record)) for record in records)


_OWN: Final = _enrolled()
_OTHERS: Final = _enrolled()
_PAYLOAD: Final[dict[str, Any]] = json.loads(
    msgspec.json.encode(
        Payload(
            id=_ID,
            generation=7,
            previous_sha256=bytes(32),
            root_id=_ID,
            recipients=(msgspec.convert(_OWN[0], RecipientRecord),),
            body=bytes(28),
        )
    )
)


def run(data: bytes) -> bool:
    script = Script(data)
    kind = script.byte() % len(_OWN)
    record, moved = dict(_OWN[kind]), False
    match script.byte() // 32:
        case 4 | 5:
            record["protector"] = edited_json(record["protector"], script)
        case 6:
            record["protector"] = edited_json(edited_json(record["protector"], script), script)
        case 7:
            # Either the seed then belongs to another public key, or the protector was made for another place.
            taken = ("protector", "wrapped_root") if script.byte() % 2 else ("id", "protector")
            record.update({name: _OTHERS[kind][name] for name in taken})
            moved = True
    if script.rarely():
        record = edited_json(record, script)
    document = json.dumps({**_PAYLOAD, "recipients": [record]}).encode(errors="surrogatepass")
    if script.byte() >= 248:
        document = edited(document, script)
    try:
        with patch.object(signed, "verify", lambda payload, *_: (payload, _AUTHORITY)):
            keyring = Keyring(document)
    except PortableError:
        return False
    for recipient in keyring.recipients:
        assert msgspec.json.decode(msgspec.json.encode(recipient), type=RecipientRecord) == recipient
        _open(recipient, keyring, script, moved=moved)
    return True


def _open(recipient: RecipientRecord, keyring: Keyring, script: Script, *, moved: bool) -> None:
    """Open the record with everybody at hand: what opens gives the root key, and what was moved does not open."""
    everybody = AnyOf([TransitIdentity(_Service(script)), Pkcs11Identity(_ACCESS), CustodyIdentity(_OFFICERS[1:])])
    try:
        root = recipient.unwrap(everybody, keyring=keyring.id, root_id=keyring.payload.root_id)
    except PortableError:
        return
    assert root == _ROOT
    assert not moved
