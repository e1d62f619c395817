"""The lake that ETL jobs are measured on: the same objects in clear and encrypted, at one server."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.etl_clients import LITTLE, PREFIX, TABLE, THREADS, Amount, listed, small
from portable.backends.location import Location
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring
from portable.opening import backend_at
from portable.volume import Volume
from tests.servers import SeaweedFS

GROUP: Final = 256 * 1024
"""Rows of a row group: 2 MiB of each column."""
_LEASE: Final = 300.0
"""Seconds; an entry that is read once in a measurement."""


class Lake:
    """A server, a keyring, and a catalog in a folder."""

    def __init__(self, server: SeaweedFS, folder: Path) -> None:
        self.server, self._folder = server, folder
        self._authority, identity = Authority.generate(), IdentityFile.generate()
        identity.save(folder / "identity")
        unlocked = Keyring.create(self._authority, recipients=[IdentityFileRecipient(identity.public_key)], volumes=["lake"])
        unlocked.save(folder / "keyring.json", self._authority)
        self._keys = unlocked.volume("lake")
        self._catalog = LocalCatalog(folder / "catalog.json")
        self._catalog.create()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that open everything, also in this process."""
        return {
            **self.server.env(PREFIX),
            "PORTABLE_CATALOG": str(self._catalog.path),
            "PORTABLE_AUTHORITY": self._authority.fingerprint,
            "PORTABLE_IDENTITY": str(self._folder / "identity"),
            "PORTABLE_STATE": str(self._folder / "state"),
        }

    def enter(self, bucket: str, endpoint: str) -> str:
        """Add an entry for an encrypted volume in a bucket that is reached at `endpoint`; return its name."""
        name = f"lake{len(self._catalog.names())}"
        home = Home(
            url=f"s3://{bucket}",
            mode="sealed",
            endpoint=endpoint,
            provider=self.server.provider,
            credentials=f"env:{PREFIX}",
            keyring="keyring.json",
            volume="lake",
            volume_id=self._keys.volume_id.hex(),
        )
        entry = first_entry(name, home, lease=_LEASE, authority=self._authority.fingerprint)
        self._catalog.compare_and_swap(name, None, sign_entry(entry, self._authority), self._authority.fingerprint)
        return name

    def filled(self, amount: Amount, *, sealed: bool) -> str:
        """Make a bucket with the objects that are read and listed, encrypted or in clear; return its name."""
        bucket = self.server.make_bucket()
        location = Location(
            f"s3://{bucket}", endpoint=self.server.endpoint, provider=self.server.provider, credentials=f"env:{PREFIX}"
        )
        volume = Volume(backend_at(location), self._keys if sealed else None)
        keys = [*(listed(number) for number in range(amount.listed)), *(small(number) for number in range(amount.small))]
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda key: volume.write(key, LITTLE), keys, chunksize=64):
                pass
        with self._table(amount).open("rb") as file:
            volume.write(TABLE, file)
        volume.close()
        return bucket

    def _table(self, amount: Amount) -> Path:
        """Make the table once: 20 columns of random numbers, which no codec makes smaller."""
        path = self._folder / TABLE
        if not path.exists():
            _write_table(path, amount)
        return path


def _write_table(path: Path, amount: Amount) -> None:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    random: Any = np.random.default_rng(0)
    schema = pa.schema([(f"c{number:02}", pa.float64()) for number in range(20)])
    with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for start in range(0, amount.rows, GROUP):
            count = min(GROUP, amount.rows - start)
            writer.write_table(pa.table({name: random.random(count) for name in schema.names}), row_group_size=GROUP)
