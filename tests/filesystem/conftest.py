"""A catalog of two volumes: one encrypted at the S3 server, one in clear at the Azure server."""

import pytest

from portable.catalog.entry import Entry, Home, new_write_id, sign_entry
from portable.catalog.local import LocalCatalog
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient


@pytest.fixture(scope="session")
def keyring(tmp_path_factory):
    """Make a keyring with the volume `lake`; return its file and its authority."""
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    authority = Authority.generate()
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient("open", Argon2Parameters(64, 3, 4))], volumes=["lake"])
    unlocked.save(path, authority)
    return path, authority, unlocked.volume("lake").volume_id.hex()


@pytest.fixture
def lakes(tmp_path, monkeypatch, keyring, seaweedfs, azurite, bucket, container):
    """Configure this process for `portable://sealed` and `portable://clear`; return their names."""
    path, authority, volume_id = keyring
    for name, value in {**seaweedfs.env("S3_"), **azurite.env("AZ_")}.items():
        monkeypatch.setenv(name, value)
    homes = {
        "sealed": Home(
            url=f"s3://{bucket}/root",
            mode="sealed",
            endpoint=seaweedfs.endpoint,
            credentials="env:S3_",
            keyring=str(path),
            volume="lake",
            volume_id=volume_id,
        ),
        "clear": Home(url=f"az://{container}", mode="clear", credentials="env:AZ_"),
    }
    catalog = LocalCatalog(tmp_path / "catalog.json")
    catalog.create()
    for name, home in homes.items():
        entry = Entry(
            name=name,
            generation=1,
            write_id=new_write_id(),
            phase="active",
            home=home,
            lease=30.0,
            authority=authority.fingerprint,
        )
        catalog.compare_and_swap(name, None, sign_entry(entry, authority), authority.fingerprint)
    monkeypatch.setenv("PORTABLE_CATALOG", str(catalog.path))
    monkeypatch.setenv("PORTABLE_PASSPHRASE", "open")
    return tuple(homes)
