"""Several keyrings in one process: volumes that are used at once from threads never meet each other's keys."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portable import open_volume
from portable.errors import ContextMismatch, UnlockFailed
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.volume import Volume
from tests.attacks.ledger import record

NAMES = ("one", "two")
ROUNDS = 40


def keyring(folder: Path, word: str) -> Path:
    authority, recipient = Authority.generate(), PassphraseRecipient(word, Argon2Parameters(64, 3))
    folder.mkdir()
    Keyring.create(authority, recipients=[recipient], volumes=["lake"]).save(folder / "keyring.json", authority)
    return folder / "keyring.json"


@pytest.fixture
def volumes(tmp_path: Path) -> dict[str, Volume]:
    """Open two volumes of the same name, from two keyrings, in stores that mirror each other's keys."""
    opened = {}
    for name in NAMES:
        path = keyring(tmp_path / name, f"passphrase {name}")
        identity = PassphraseIdentity(f"passphrase {name}")
        opened[name] = open_volume(f"memory://{tmp_path.name}-{name}", keyring=path, volume="lake", identity=identity)
    return opened


def test_volumes_of_two_keyrings_used_at_once_use_each_its_own_keys(
    volumes: dict[str, Volume], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, barrier = record(monkeypatch), threading.Barrier(8)

    def work(number: int) -> None:
        name = NAMES[number % 2]
        barrier.wait()
        for index in range(ROUNDS):
            key, data = f"{number}/{index % 4}", f"{name} {number} {index}".encode() * 50
            volumes[name].write(key, data)
            assert volumes[name].read(key) == data

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(work, number) for number in range(8)]:
            each.result()

    epochs = {name: volumes[name].keys.active_epoch.key for name in NAMES}
    assert epochs["one"] != epochs["two"]
    wrapped = [use.plaintext for use in ledger.uses if use.key in epochs.values()]
    assert len(wrapped) == len(set(wrapped)) == 8 * ROUNDS
    assert ledger.repeated() == []
    for name in NAMES:
        volume_id = volumes[name].keys.volume_id.hex().encode()
        for info in volumes[name].list():
            assert volume_id in bytes(volumes[name].backend.get(info.key, 0, 600).data)


def test_an_object_of_one_keyring_is_refused_by_the_other_while_both_are_in_use(volumes: dict[str, Volume]) -> None:
    volumes["one"].write("k", b"of one")
    volumes["two"].backend.put("k", volumes["one"].backend.get("k").data)

    def refused(_: int) -> bool:
        with pytest.raises(ContextMismatch):
            volumes["two"].read("k")
        return volumes["one"].read("k") == b"of one"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(refused, range(100)))


def test_one_keyrings_passphrase_is_not_tried_on_another_because_it_was_used_before(
    volumes: dict[str, Volume], tmp_path: Path
) -> None:
    """An unlocked keyring lends nothing to the next one that is opened."""
    del volumes
    with pytest.raises(UnlockFailed):
        open_volume(
            "memory://x", keyring=tmp_path / "two/keyring.json", volume="lake", identity=PassphraseIdentity("passphrase one")
        )
