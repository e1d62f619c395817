"""fsspec over a volume with sealed names: everything is where it would be with plain ones."""

import fsspec
import pandas as pd
import pytest

from portable.catalog.entry import Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.filesystem import PortableFileSystem
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseRecipient


@pytest.fixture
def filesystem(tmp_path, monkeypatch):
    """Open `portable://lake`, whose home is a folder."""
    authority = Authority.generate()
    unlocked = Keyring.create(authority, recipients=[PassphraseRecipient("open", Argon2Parameters(64, 3, 4))])
    keys = unlocked.add_volume("lake", names="sealed")
    unlocked.save(tmp_path / "keyring.json", authority)
    (tmp_path / "store").mkdir()
    home = Home(
        url=f"file://{tmp_path}/store",
        mode="sealed",
        keyring=str(tmp_path / "keyring.json"),
        volume="lake",
        volume_id=keys.volume_id.hex(),
    )
    entry = first_entry("lake", home, lease=30.0, authority=authority.fingerprint)
    catalog = LocalCatalog(tmp_path / "catalog.json")
    catalog.create()
    catalog.compare_and_swap("lake", None, sign_entry(entry, authority), authority.fingerprint)
    monkeypatch.setenv("PORTABLE_CATALOG", str(catalog.path))
    monkeypatch.setenv("PORTABLE_PASSPHRASE", "open")
    PortableFileSystem.clear_instance_cache()
    return fsspec.filesystem("portable")


def test_folders_files_globs_and_data_frames(filesystem, tmp_path):
    for key in ("top.txt", "dir/a", "dir/b", "dir/deep/c", "dir//odd", "back\\slash"):
        filesystem.pipe(f"lake/{key}", b"12345")
    frame = pd.DataFrame({"minutes": [25, 30]})
    frame.to_parquet("portable://lake/visits/2024/part-0.parquet")
    assert filesystem.ls("lake", detail=False) == ["lake/back\\slash", "lake/dir", "lake/top.txt", "lake/visits"]
    assert [(entry["name"], entry["type"], entry["size"]) for entry in filesystem.ls("lake/dir")] == [
        ("lake/dir/", "directory", 0),
        ("lake/dir/a", "file", 5),
        ("lake/dir/b", "file", 5),
        ("lake/dir/deep", "directory", 0),
    ]
    assert filesystem.find("lake/dir") == [f"lake/dir/{key}" for key in ("/odd", "a", "b", "deep/c")]
    assert filesystem.glob("lake/*/2024/*.parquet") == ["lake/visits/2024/part-0.parquet"]
    assert (filesystem.isdir("lake/dir"), filesystem.isfile("lake/dir/a"), filesystem.exists("lake/di")) == (True, True, False)
    pd.testing.assert_frame_equal(pd.read_parquet("portable://lake/visits/2024/part-0.parquet"), frame)
    filesystem.mv("lake/dir/a", "lake/moved")
    assert (filesystem.cat("lake/moved"), filesystem.exists("lake/dir/a")) == (b"12345", False)
    at_the_host = " ".join(path.relative_to(tmp_path / "store").as_posix() for path in (tmp_path / "store").rglob("*"))
    assert not [word for word in ("dir", "deep", "visits", "parquet", "slash") if word in at_the_host]
