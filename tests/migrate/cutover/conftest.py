"""A lake on Azurite, its new home on an S3 host, the command line between them, and clients in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient
from tests.command_line import portable
from tests.migrate.cutover.clients import expected

LEASE = 3.0
BRIEF = {"lease": 1.0}
"""For a lake that nobody uses while it moves."""
CLIENTS = Path(__file__).with_name("clients.py")
PASSPHRASE = "correct horse battery staple"

MIGRATION = """\
name = "lake-exit"

[source]
url = "az://{container}"
account = "{account}"
endpoint = "{azure}"
credentials = "env:SOURCE_"

[target]
url = "s3://{bucket}/eu"
endpoint = "{s3}"
provider = "{provider}"
region = "us-east-1"
credentials = "env:TARGET_"

[target.encryption]
keyring = "keyring.json"
volume = "lake"

[catalog]
url = "catalog.json"
name = "lake"

[rollback]
mode = "never"

[cutover]
lease = {lease}
frozen_lease = 1.0
max_frozen = {max_frozen}
"""


@dataclass
class Lake:
    """A folder with keyring, catalog and migration file, and the processes that work on them."""

    folder: Path
    azurite: object
    host: object
    container: str
    bucket: str
    processes: list = field(default_factory=list)

    @property
    def environment(self):
        return {
            **os.environ,
            **self.azurite.env("SOURCE_"),
            **self.host.env("TARGET_"),
            "PORTABLE_PASSPHRASE": PASSPHRASE,
            "PORTABLE_CATALOG": str(self.folder / "catalog.json"),
            "PORTABLE_STATE": str(self.folder / "state"),
            "PORTABLE_PATIENCE": "60",
        }

    def portable(self, *arguments, status=0):
        done = portable(*arguments, folder=self.folder, environment=self.environment)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.processes.append(process)
        return process

    def client(self, role, name):
        notes = self.folder / f"{name}.notes"
        self.start(str(CLIENTS), role, name, str(notes), str(self.folder / "stop"))
        until(lambda: notes.exists() and '"ready"' in notes.read_text(), 30)

    def notes(self, name):
        return [json.loads(line) for line in (self.folder / f"{name}.notes").read_text().splitlines()]

    def stop_clients(self):
        (self.folder / "stop").touch()
        for process in self.processes:
            output, _ = process.communicate(timeout=90)
            assert process.returncode == 0, output.decode()
        self.processes.clear()

    def entry(self):
        return json.loads(self.portable("catalog", "show", "catalog.json", "lake", "--json").stdout)[0]

    def kill_everything(self):
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


def until(condition, seconds, step=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(step)


@pytest.fixture(scope="session")
def authority():
    return Authority.generate()


@pytest.fixture(scope="session")
def keys(tmp_path_factory, authority):
    """Make a keyring with the volume `lake`, and the authority's file, once: passphrases cost time."""
    folder, argon2 = tmp_path_factory.mktemp("keys"), Argon2Parameters(64, 3)
    authority.save(folder / "authority.json", PASSPHRASE, argon2)
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, argon2)], volumes=["lake"])
    unlocked.save(folder / "keyring.json", authority)
    return folder


@pytest.fixture
def host(seaweedfs):
    """The server of the new home."""
    return seaweedfs


@pytest.fixture
def lake(tmp_path, keys, azurite, host, container, bucket, request):
    lake = Lake(tmp_path, azurite, host, container, bucket)
    for name in ("authority.json", "keyring.json"):
        shutil.copy(keys / name, tmp_path)
    client = azurite.client.get_container_client(container)
    for number in range(60):
        key = f"data/{number:03}.bin"
        client.upload_blob(key, expected(key))
    timing = {"lease": LEASE, "max_frozen": 60.0, **getattr(request, "param", {})}
    (tmp_path / "exit.toml").write_text(
        MIGRATION.format(
            container=container,
            account=azurite.account,
            azure=azurite.endpoint,
            bucket=bucket,
            s3=host.endpoint,
            provider=host.provider,
            **timing,
        )
    )
    lake.portable("catalog", "init", "catalog.json")
    lake.portable(
        *("catalog", "add", "catalog.json", "lake", f"az://{container}", "--account", azurite.account),
        *("--endpoint", azurite.endpoint, "--credentials", "env:SOURCE_", "--lease", str(timing["lease"])),
    )
    yield lake
    lake.kill_everything()
