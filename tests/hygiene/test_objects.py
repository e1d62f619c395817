"""No object that a program can come by shows a secret as text, or lets one be pickled."""

import pickle
from pathlib import Path

import fsspec
import pytest

from portable import open_volume
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.cli.identity import AskedIdentity
from portable.keys.passphrase import PassphraseRecipient
from portable.sealed import Metadata
from tests.hygiene.conftest import PASSPHRASE, Custody
from tests.hygiene.planted import Planted, reachable

S3 = {
    "X_AWS_ACCESS_KEY_ID": "planted-access-key",
    "X_AWS_SECRET_ACCESS_KEY": "planted-secret-of-s3",
    "X_AWS_SESSION_TOKEN": "planted-session-token",
    "X_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
AZURE = {
    "K_AZURE_STORAGE_ACCOUNT": "account",
    "K_AZURE_STORAGE_KEY": "cGxhbnRlZC1rZXktb2YtYXp1cmU=",
    "T_AZURE_STORAGE_ACCOUNT": "account",
    "T_AZURE_STORAGE_SAS_TOKEN": "sv=2026-10-06&sig=cGxhbnRlZC1zaWduYXR1cmU%3D",
    "C_AZURE_STORAGE_CONNECTION_STRING": "AccountName=account;AccountKey=cGxhbnRlZC1jb25uZWN0aW9u;EndpointSuffix=example.org",
}


@pytest.fixture
def planted(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Plant the credentials of hosts beside the keys."""
    planted = Planted(dict(custody.planted.secrets))
    for name, value in (S3 | AZURE).items():
        monkeypatch.setenv(name, value)
        if name.endswith(("SECRET_ACCESS_KEY", "SESSION_TOKEN", "_KEY", "SAS_TOKEN", "CONNECTION_STRING")):
            planted.plant(name, value)
    planted.plant("signature", "cGxhbnRlZC1zaWduYXR1cmU")
    planted.plant("key in the connection string", "cGxhbnRlZC1jb25uZWN0aW9u")
    return planted


@pytest.fixture
def roots(planted: Planted, custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what a program holds while it works: opened, used, half way through a write."""
    monkeypatch.setenv("PORTABLE_PASSPHRASE", PASSPHRASE)
    catalog, keys = LocalCatalog(tmp_path / "catalog.json"), custody.unlocked.volume("lake")
    catalog.create()
    home = Home(
        url=f"memory://{tmp_path.name}", mode="sealed", keyring=str(custody.path), volume="lake", volume_id=keys.volume_id.hex()
    )
    entry = first_entry("lake", home, lease=30.0, authority=custody.authority.fingerprint)
    catalog.compare_and_swap("lake", None, sign_entry(entry, custody.authority), entry.authority)
    leased = open_volume("portable://lake", catalog=catalog.path)
    leased.write("a", bytes(1 << 20))
    volume = leased.home()
    filesystem = fsspec.filesystem("portable", catalog=str(catalog.path), skip_instance_cache=True)
    filesystem.cat_file("lake/a")
    backends = [
        open_backend(Location("s3://bucket", credentials="env:X_")),
        *(open_backend(Location("az://container", credentials=f"env:{prefix}_")) for prefix in "KTC"),
    ]
    uploads = [volume.backend.begin("b"), volume.stage("c", b"c", Metadata())]
    asked = AskedIdentity()
    enrolled = custody.unlocked.recipients[0]
    asked.seed(enrolled.protector, b"/recipient" + custody.unlocked.id + enrolled.id)
    yield [
        leased,
        volume,
        volume.reader("a"),
        volume.open("a"),
        volume.info("a"),
        filesystem,
        *backends,
        *uploads,
        custody,
        asked,
    ]
    for each in (*backends, leased):
        each.close()


def test_no_text_of_any_object_shows_a_secret(roots, planted: Planted) -> None:
    seen, leaking = set(), set()
    for found in reachable(*roots):
        seen.add(type(found).__name__)
        text = "".join((repr(found), str(found), f"{found}", repr([found])))
        leaking |= {(type(found).__name__, secret) for secret in planted.found_in(text)}
    assert leaking == set()
    assert {"LeasedVolume", "Volume", "SealedReader", "Decryptor", "PortableFileSystem", "VolumeKeys", "EpochKey"} <= seen
    assert {"S3Credentials", "AzureCredentials", "S3Backend", "AzureBackend", "PassphraseIdentity"} <= seen


def pickled_or_refused(found: object, protocol: int) -> bytes | str:
    """Return the pickle, or the words of the refusal."""
    try:
        return pickle.dumps(found, protocol)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return str(error)


def test_every_object_is_pickled_without_secrets_or_not_at_all(roots, planted: Planted) -> None:
    pickled, leaking = set(), set()
    for found in reachable(*roots):
        for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
            said = pickled_or_refused(found, protocol)
            leaking |= {(type(found).__name__, secret) for secret in planted.found_in(said)}
            pickled |= {type(found).__name__} if isinstance(said, bytes) else set()
    assert leaking == set()
    assert not {"VolumeKeys", "VolumeRecord", "EpochKey", "UnlockedKeyring", "S3Credentials", "AzureCredentials"} & pickled
    assert {"Entry", "Home", "Stat"} <= pickled


def test_the_filesystems_own_serialisation_carries_references_only(roots, planted: Planted) -> None:
    filesystem = next(found for found in roots if type(found).__name__ == "PortableFileSystem")
    assert not planted.found_in(filesystem.to_json())
    assert not planted.found_in(repr(filesystem.storage_options) + repr(filesystem.storage_args))
    assert not planted.found_in(repr(vars(type(filesystem))))


def test_recipients_and_identities_show_nothing(planted: Planted, custody: Custody) -> None:
    for holder in (PassphraseRecipient(PASSPHRASE), custody.identity, custody.authority, custody.unlocked):
        assert not planted.found_in(repr(holder))
        with pytest.raises(TypeError, match="secrets"):
            pickle.dumps(holder)
