"""`portable migrate copy`, killed again and again: nothing is lost, and nothing with a durable receipt is written twice."""

import fcntl
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

from migrate.journal import Journal, read_totals
from portable.keys.volume_keys import VolumeKeys
from tests.migrate.copy.commands import Commands
from tests.servers import Azurite, SeaweedFS

ENOUGH = 250
"""Objects that must be pending for a kill that waits for receipts: a run makes about a hundred before its first ones."""


def content(number: int) -> bytes:
    return f"content of object {number}\n".encode() * (number % 50)


def public_sdk(keys: VolumeKeys) -> Callable[[bytes], bytes]:
    """Return a decryption that knows the active epoch key, and is not our code."""

    class Provider(RawMasterKeyProvider):
        provider_id = "portable"

        def _get_raw_key(self, _key_id: bytes) -> WrappingKey:
            return WrappingKey(
                WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING, keys.active_epoch.key, EncryptionKeyType.SYMMETRIC
            )

    provider = Provider()
    provider.add_master_key(keys.key_name(keys.active_epoch))
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    return lambda message: client.decrypt(source=message, key_provider=provider)[0]


class Killing(Commands):
    """Runs `copy`, kills it at a random moment, and keeps what the journal and the server's log said right after."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.random = random.Random(20_261_122)
        self.durable_since: dict[str, int] = {}
        """For each key with a receipt, how long the log of writes was when the receipt was first seen."""

    def writes(self) -> list[str]:
        requests = self.seaweedfs.requests()
        return [r.key for r in requests if r.bucket == self.bucket and r.method in ("PUT", "POST") and r.key]

    def killed_run(self, *, after_receipts: bool) -> None:
        """Kill a run at work: after new receipts, or at any moment since it has the journal."""
        copied = read_totals(self.journal).by_state["copied"].objects
        with self.start("copy") as process:
            while not (read_totals(self.journal).by_state["copied"].objects > copied if after_receipts else self.at_work()):
                self.still_runs(process)
                time.sleep(0.02)
            time.sleep(self.random.uniform(0, 0.05 if after_receipts else 0.7))
            self.still_runs(process)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL

    def at_work(self) -> bool:
        """Tell whether a process owns the journal."""
        with self.journal.with_name(f"{self.journal.name}.lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def still_runs(self, process: subprocess.Popen[bytes]) -> None:
        assert process.poll() is None, process.communicate()

    def look(self) -> None:
        """Read what is durable, and where the log of writes is now."""
        with Journal.open(self.journal) as journal:
            totals, done = journal.totals(), [item.key for item in journal.items("copied")]
        assert totals.reconciled
        assert totals.by_state["failed"].objects == 0
        assert len(done) == totals.by_state["copied"].objects > 0, "some objects are done"
        assert totals.by_state["pending"].objects > 0, "and some are pending"
        here = len(self.writes())
        for key in done:
            self.durable_since.setdefault(key, here)


@pytest.mark.parametrize(("kills", "objects"), [(7, 500), pytest.param(21, 700, marks=pytest.mark.long)])
def test_a_copy_killed_at_random_moments_resumes_and_repeats_nothing_that_has_a_receipt(
    kills: int, objects: int, tmp_path: Path, azurite: Azurite, container: str, seaweedfs: SeaweedFS, bucket: str
) -> None:
    killing = Killing(tmp_path, azurite, container, seaweedfs, bucket, extra="[copy]\nworkers = 2")
    contents = {f"objects/{number % 7}/{number:04}": content(number) for number in range(objects)}
    with azurite.client.get_container_client(container) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda key: client.upload_blob(key, contents[key]) and None, contents))
    assert killing.run("plan")[0] == 0

    for kill in range(kills):
        pending = read_totals(killing.journal).by_state["pending"].objects
        killing.killed_run(after_receipts=kill == 0 or (pending > ENOUGH and killing.random.random() < 0.6))
        killing.look()
    status, copied = killing.facts("copy")

    assert status == 0
    assert copied["states"]["copied"]["objects"] == copied["inventory"]["objects"] == objects
    writes = killing.writes()
    again = [key for key, since in killing.durable_since.items() if key in writes[since:]]
    assert again == []
    assert len(writes) > objects, "some kills came between a write and its receipt"
    decrypt = public_sdk(killing.keys)
    for key, original in contents.items():
        assert decrypt(seaweedfs.client.get_object(Bucket=bucket, Key=key)["Body"].read()) == original
    status, verified = killing.facts("verify")
    assert (status, verified["all_verified"], verified["findings"]) == (0, True, [])
