"""The commands of a migration between two real servers: in this process, or in one that can be interrupted and killed."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from tests.command_line import portable
from tests.servers import Azurite, SeaweedFS

PASSPHRASE = "a passphrase of the tests"
PORTABLE = [sys.executable, "-c", "from portable.cli import main; main()"]


@cache
def custody() -> tuple[Mapping[str, bytes], VolumeKeys]:
    """Return the files of an authority and a keyring, and the keys of its volume `lake`. Made once: passphrases cost time."""
    argon2, authority = Argon2Parameters(memory_mib=64, passes=3), Authority.generate()
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient(PASSPHRASE, argon2)], volumes=["lake"])
    with TemporaryDirectory() as name:
        authority.save(Path(name, "authority.json"), PASSPHRASE, argon2)
        unlocked.save(Path(name, "keyring.json"), authority)
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}, unlocked.volume("lake")


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
        files, self.keys = custody()
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
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
        """Start `portable migrate COMMAND` in a process of its own."""
        return subprocess.Popen(
            [*PORTABLE, "migrate", command, str(self.file), *options],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, command: str, *options: str) -> tuple[int, str, str]:
        """Run `portable migrate COMMAND` in this process; return its exit status and what it printed."""
        done = portable("migrate", command, self.file, *options, folder=self.folder, environment=self.environment)
        return done.returncode, done.stdout, done.stderr

    def facts(self, command: str) -> tuple[int, Any]:
        """Run `portable migrate COMMAND --json`; return its exit status and the facts."""
        status, out, err = self.run(command, "--json")
        assert out, err
        return status, json.loads(out)
