"""Keyrings and authority files that a host, or whoever is between, has changed: refused before anything is opened or stretched.

Whose signature counts is in tests/opening/test_trust.py; every field and bit in tests/keys. Here the whole way is played, from
the file to a write that must not happen.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

import fsspec
import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portable import Volume, open_volume
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.cli.running import run
from portable.errors import KeysError, UnlockFailed, UntrustedSignature
from portable.keys import kem, passphrase, signed
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from portable.leased import LeasedVolume
from portable.opening import read_keyring
from tests.attacks.ghash import under_two_keys
from tests.keys.documents import edited, flipped, with_payload

WORD = "open"
CHEAP = Argon2Parameters(64, 3)


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record every derivation from a passphrase and every unwrapping of a root key."""
    steps: list[str] = []
    opening = kem.KeyPair.open
    monkeypatch.setattr(passphrase, "Argon2id", lambda **given: steps.append("argon2id") or Argon2id(**given))
    monkeypatch.setattr(kem.KeyPair, "open", lambda *given: steps.append("unwrap") or opening(*given))
    return steps


@dataclass(frozen=True)
class Controller:
    """Whose keyring it is."""

    authority: Authority
    keyring: bytes
    keys: VolumeKeys


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Return a controller with the volume `lake`."""
    authority, path = Authority.generate(), tmp_path_factory.mktemp("controller") / "keyring.json"
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(WORD, CHEAP)], volumes=["lake"])
    unlocked.save(path, authority)
    return Controller(authority, path.read_bytes(), unlocked.volume("lake"))


class Client:
    """A machine that used the volume before: its keyring, its store, its catalog, its pins."""

    def __init__(self, folder: Path, controller: Controller) -> None:
        self.store, self.keyring = folder / "store", folder / "keyring.json"
        self.store.mkdir()
        self.keyring.write_bytes(controller.keyring)
        self.catalog = LocalCatalog(folder / "catalog.json")
        self.catalog.create()
        url, volume_id = f"file://{self.store}", controller.keys.volume_id.hex()
        entry = first_entry(
            "lake",
            Home(url=url, mode="sealed", keyring="keyring.json", volume="lake", volume_id=volume_id),
            lease=30.0,
            authority=controller.authority.fingerprint,
        )
        self.catalog.compare_and_swap("lake", None, sign_entry(entry, controller.authority), entry.authority)
        Volume(open_backend(Location(url)), controller.keys).write("first", b"mine")
        read_keyring(self.keyring)
        open_volume("portable://lake", catalog=self.catalog.path)

    def directly(self) -> Volume | LeasedVolume:
        return open_volume(f"file://{self.store}", keyring=self.keyring, volume="lake")

    def stored(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.store)): path.read_bytes() for path in self.store.rglob("*") if path.is_file()}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controller: Controller) -> Client:
    """Return a client that pinned the authority when it used the volume first."""
    monkeypatch.setenv("PORTABLE_PASSPHRASE", WORD)
    client = Client(tmp_path, controller)
    monkeypatch.setenv("PORTABLE_CATALOG", str(client.catalog.path))
    return client


def _recipient(field: str, change):
    def edit(payload):
        payload["recipients"][0][field] = change(payload["recipients"][0][field])

    return with_payload(edit)


def _argon2(**cost: int):
    def edit(payload):
        payload["recipients"][0]["protector"]["argon2"] |= cost

    return with_payload(edit)


def _payload(**fields: object):
    return with_payload(lambda payload: payload.update(fields))


def _signed_anew(content):
    """Let a stranger sign what stands there."""
    payload = base64.b64decode(content["payload"])
    content |= json.loads(signed.sign(payload, Authority.generate(), "keyring"))


FORGERIES = {
    "a recipient of the host beside the controller's": with_payload(
        lambda p: p["recipients"].append(p["recipients"][0] | {"id": "A" * 22 + "=="})
    ),
    "a root key that the host wrapped": _recipient("wrapped_root", lambda _: base64.b64encode(os.urandom(1168)).decode()),
    "one bit of the wrapped root key": _recipient("wrapped_root", flipped),
    "another public key": _recipient("public_key", flipped),
    "a protector of the host": _recipient("protector", lambda p: p | {"salt": base64.b64encode(bytes(32)).decode()}),
    "another body": _payload(body=base64.b64encode(bytes(500)).decode()),
    "a later generation": _payload(generation=99),
    "an Argon2id that costs nothing": _argon2(memory_mib=1, passes=1),
    "an Argon2id at its ceiling": _argon2(memory_mib=2048, passes=10),
    "an Argon2id without end": _argon2(memory_mib=2**40, passes=2**40),
    "no signatures": lambda content: content.pop("signatures"),
    "one signature only": lambda content: content["signatures"].pop("mldsa65"),
    "an older version of the format": lambda content: content.update(version=0),
    "the signatures of a stranger": _signed_anew,
}

FACES = {
    "open_volume": lambda client: client.directly().write("secret", b"secret"),
    "the catalog": lambda _: open_volume("portable://lake").write("secret", b"secret"),
    "fsspec": lambda _: fsspec.filesystem("portable", skip_instance_cache=True).pipe_file("lake/secret", b"secret"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_keyring_is_refused_and_nothing_is_opened_stretched_or_written(
    client: Client, costly: list[str], forgery: str
) -> None:
    before = client.stored()
    client.keyring.write_bytes(edited(client.keyring.read_bytes(), FORGERIES[forgery]))
    costly.clear()
    for write in FACES.values():
        with pytest.raises(UntrustedSignature):
            write(client)
    assert costly == []
    assert client.stored() == before


def test_the_command_line_refuses_a_forged_keyring_with_one_line_and_writes_nothing(
    client: Client, costly: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = client.stored()
    client.keyring.write_bytes(edited(client.keyring.read_bytes(), FORGERIES["the signatures of a stranger"]))
    (tmp_path / "secret.txt").write_text("secret")
    costly.clear()
    root = f"file://{client.store}"
    reached = ["--root", root, "--keyring", str(client.keyring), "--volume", "lake"]
    assert run(["put", str(tmp_path / "secret.txt"), f"{root}/secret", *reached]) == 1
    assert run(["put", str(tmp_path / "secret.txt"), "portable://lake/secret"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 2
    assert costly == []
    assert client.stored() == before


def stretched(word: str, protector: dict[str, object]) -> tuple[bytes, bytes]:
    argon2 = protector["argon2"]
    kdf = Argon2id(
        salt=base64.b64decode(protector["salt"]), length=64, iterations=argon2["passes"], lanes=argon2["lanes"],
        memory_cost=argon2["memory_mib"] * 1024,
    )  # fmt: skip
    both = kdf.derive(word.encode())
    return both[:32], both[32:]


def test_a_file_made_to_open_under_two_passphrases_opens_under_neither_and_tells_of_one_guess_at_most(
    tmp_path: Path, costly: list[str]
) -> None:
    """A partitioning oracle: one ciphertext that authenticates under the keys of several passphrases, tried all at once."""
    path = tmp_path / "authority.json"
    authority = Authority.generate()
    authority.save(path, "true", CHEAP)
    file = json.loads(path.read_bytes())
    protector = file["protector"]
    (key1, commitment1), (key2, _) = (stretched(word, protector) for word in ("guess one", "guess two"))
    nonce = base64.b64decode(protector["nonce"])
    place = b"portable/v1/passphrase/authority" + authority.public.digest
    sealed = under_two_keys(key1, key2, nonce, place)
    assert AESGCM(key1).decrypt(nonce, sealed, place) != AESGCM(key2).decrypt(nonce, sealed, place)  # the attack is real

    protector["wrapped_seed"] = base64.b64encode(sealed).decode()
    protector["commitment"] = base64.b64encode(commitment1).decode()
    path.write_text(json.dumps(file))
    said = {}
    for word in ("guess one", "guess two", "anything else"):
        costly.clear()
        with pytest.raises(KeysError) as caught:
            Authority.load(path, PassphraseIdentity(word))
        assert costly == ["argon2id"]
        said[word] = type(caught.value), str(caught.value)
    assert said["guess two"] == said["anything else"]
    assert said["guess two"][0] is UnlockFailed


def test_a_keyring_is_tried_once_with_one_passphrase_whoever_is_asked(client: Client, costly: list[str]) -> None:
    costly.clear()
    with pytest.raises(UnlockFailed):
        open_volume(f"file://{client.store}", keyring=client.keyring, volume="lake", identity=PassphraseIdentity("wrong"))
    assert costly == ["argon2id"]


def test_recipients_come_from_the_controllers_side_and_not_from_the_store(client: Client) -> None:
    """Nothing that lies at the host is read as a keyring or as a recipient, whatever it is called."""
    forged = edited(client.keyring.read_bytes(), FORGERIES["the signatures of a stranger"])
    for name in ("keyring.json", ".portable/keyring.json", "authority.json", "catalog.json"):
        (client.store / name).parent.mkdir(exist_ok=True)
        (client.store / name).write_bytes(forged)
    assert client.directly().read("first") == b"mine"
    assert msgspec.json.decode(client.keyring.read_bytes()) != msgspec.json.decode(forged)
