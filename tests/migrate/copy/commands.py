"""The real commands, as child processes, on a migration between two real servers."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from tests.servers import Azurite, SeaweedFS

PASSPHRASE = "a passphrase of the tests"
PORTABLE = [sys.executable, "-c", "from portable.cli import main; main()"]


@dataclass
class Commands:
    """A folder with a keyring and a migration file."""

    folder: Path
    azurite: Azurite
    container: str
    seaweedfs: SeaweedFS
    bucket: str
    extra: str = ""
    keys: VolumeKeys = field(init=False)

    def __post_init__(self) -> None:
        argon2 = Argon2Parameters(memory_mib=64, passes=3)
        authority = Authority.generate()
        authority.save(self.folder / "authority.json", PASSPHRASE, argon2)
        unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, argon2)], volumes=["lake"])
        unlocked.save(self.folder / "keyring.json", authority)
        self.keys = Keyring.read(self.folder / "keyring.json").unlock(PassphraseIdentity(PASSPHRASE)).volume("lake")
        self.file.write_text(
            f"""
            name = "lake-exit"
            [source]
            url = "az://{self.container}"
            credentials = "env:SOURCE_"
            [target]
            url = "s3://{self.bucket}"
            credentials = "env:TARGET_"
            [target.encryption]
            keyring = "keyring.json"
            volume = "lake"
            [catalog]
            url = "catalog.json"
            name = "lake"
            [rollback]
            mode = "never"
            {self.extra}
            """
        )

    @property
    def file(self) -> Path:
        return self.folder / "lake-exit.toml"

    @property
    def journal(self) -> Path:
        return self.folder / "lake-exit.journal"

    @property
    def environment(self) -> dict[str, str]:
        servers = self.azurite.env("SOURCE_") | self.seaweedfs.env("TARGET_")
        return os.environ | servers | {"PORTABLE_PASSPHRASE": PASSPHRASE, "PYTHONWARNINGS": "error"}

    def start(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        """Start `portable migrate COMMAND`."""
        return subprocess.Popen(
            [*PORTABLE, "migrate", command, str(self.file), *options],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, command: str, *options: str) -> tuple[int, str, str]:
        """Run `portable migrate COMMAND`; return its exit status and what it printed."""
        with self.start(command, *options) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out.decode(), err.decode()

    def facts(self, command: str) -> tuple[int, Any]:
        """Run `portable migrate COMMAND --json`; return its exit status and the facts."""
        status, out, err = self.run(command, "--json")
        assert out, err
        return status, json.loads(out)
