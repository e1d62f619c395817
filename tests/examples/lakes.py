"""An encrypted volume at a real S3 server, as the examples' users have it, and what went over the network to it."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import portable
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient
from portable.volume import Volume
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Exchange
from tests.servers.s3_server import S3Server

CHECKOUT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple"
QUIET = {"DASK_LOGGING__DISTRIBUTED": "error"}
"""A cluster warns on standard error where the machine is slow."""
RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(frozen=True)
class Traffic:
    """What clients asked of the host."""

    exchanges: tuple[Exchange, ...]

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return len(self.exchanges)

    @property
    def asked(self) -> int:
        """How many bytes the ranges of the reading requests span."""
        ranges = (RANGE.fullmatch(each.headers.get("range", "")) for each in self.exchanges)
        return sum(int(found[2]) - int(found[1]) + 1 for found in ranges if found)


@dataclass(frozen=True)
class Stored:
    """What the host holds of a store, as its own client reads it."""

    client: Any
    bucket: str
    root: str

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the stored bytes of every object under `prefix`, by key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.root + prefix)
        names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {
            name.removeprefix(self.root): self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read() for name in names
        }


@dataclass
class Lake:
    """The volume `lake`: its catalog for users, and the volume itself, opened natively, for the tests' own eyes."""

    folder: Path
    environment: Mapping[str, str]
    volume: Volume
    proxy: FaultProxy
    stored: Stored
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, module: str, *arguments: str, ignore: tuple[str, ...] = ()) -> str:
        """Run an example as its users do, and return what it printed.

        Warnings are errors but for those that `ignore` names (as `python -W` takes them), and nothing may be said on the
        standard error stream: neither a warning nor a complaint at the interpreter's end.
        """
        warnings = [f"-W{action}" for action in ("error", *(f"ignore:{each}" for each in ignore))]
        done = subprocess.run(
            [sys.executable, *warnings, "-m", module, *arguments],
            cwd=CHECKOUT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr or done.stdout
        return done.stdout

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Return every object under `prefix`, by key, as the volume decrypts it: without fsspec."""
        return {info.key: self.volume.read(info.key) for info in self.volume.list(prefix)}

    def assert_sealed(self, prefix: str, *markers: bytes) -> None:
        """Check that each marker is somewhere in what was written under `prefix`, and nowhere in what the host holds."""
        written, stored = self.contents(prefix), self.stored.objects(prefix)
        assert written.keys() == stored.keys()
        for marker in markers:
            assert any(marker in data for data in written.values()), marker
            assert not any(marker in data for data in stored.values()), marker

    def fresh_catalog(self) -> str:
        """Return the path of the same catalog under another name, for a client that nothing is known to yet."""
        return str(shutil.copy(self.environment["PORTABLE_CATALOG"], self.folder / f"catalog-{next(self._numbers)}.json"))

    @contextmanager
    def traffic(self) -> Iterator[list[Traffic]]:
        """Record what is asked of the host meanwhile; the list has one entry at the end of the block."""
        self.proxy.wait_idle()
        before, recorded = len(self.proxy.log), list[Traffic]()
        yield recorded
        self.proxy.wait_idle()
        recorded.append(Traffic(tuple(self.proxy.log[before:])))


@contextmanager
def open_lake(server: S3Server, folder: Path) -> Iterator[Lake]:
    """Make the volume at a server, reached by its users through a proxy that counts.

    The server's credentials and the folder of the pins are in the environment of this process meanwhile.
    """
    bucket = server.make_bucket()
    with FaultProxy(server.endpoint) as proxy, pytest.MonkeyPatch.context() as environ:
        keyring, catalog = sealed_catalog(folder, f"s3://{bucket}/root", proxy.endpoint)
        environment = {**server.env("S3_"), "PORTABLE_STATE": str(folder / "state")}
        for name, value in environment.items():
            environ.setenv(name, value)
        volume = portable.open_volume(
            f"s3://{bucket}/root",
            keyring=keyring,
            volume="lake",
            identity=PassphraseIdentity(PASSPHRASE),
            endpoint=server.endpoint,
            credentials="env:S3_",
        )
        assert isinstance(volume, Volume)
        environment |= {"PORTABLE_CATALOG": str(catalog), "PORTABLE_PASSPHRASE": PASSPHRASE, **QUIET}
        lake = Lake(folder, environment, volume, proxy, Stored(server.client, bucket, "root/"))
        yield lake
        volume.close()
    server.remove_bucket(bucket)


def sealed_catalog(folder: Path, url: str, endpoint: str) -> tuple[Path, Path]:
    """Make a keyring and a catalog whose volume `lake` is sealed at `url`; return the files of both."""
    authority, keyring = Authority.generate(), folder / "keyring.json"
    unlocked = Keyring.create(
        authority, recipients=[PassphraseRecipient(PASSPHRASE, Argon2Parameters(64, 3, 4))], volumes=["lake"]
    )
    unlocked.save(keyring, authority)
    home = Home(
        url=url,
        mode="sealed",
        endpoint=endpoint,
        credentials="env:S3_",
        keyring=str(keyring),
        volume="lake",
        volume_id=unlocked.volume("lake").volume_id.hex(),
    )
    catalog = LocalCatalog(folder / "catalog.json")
    catalog.create()
    entry = first_entry("lake", home, lease=30.0, authority=authority.fingerprint)
    catalog.compare_and_swap("lake", None, sign_entry(entry, authority), authority.fingerprint)
    return keyring, catalog.path
