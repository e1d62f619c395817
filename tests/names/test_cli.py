"""`portable keys add-volume --names sealed`, and the commands on objects over such a volume."""

import json

import pytest

from tests import command_line


@pytest.fixture
def portable(tmp_path, monkeypatch):
    """Run the command line in an empty folder, with a passphrase in its environment."""
    monkeypatch.setenv("PORTABLE_PASSPHRASE", "open")

    def run(*arguments):
        done = command_line.portable(*arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("keys", "init", "keyring.json", "--argon2-memory", "64", "--argon2-passes", "3")
    return run


def test_a_volume_is_added_with_sealed_names_and_used_like_any_other(portable, tmp_path):
    added = json.loads(portable("keys", "add-volume", "keyring.json", "lake", "--names", "sealed", "--json"))
    assert added["names"] == "sealed"
    assert json.loads(portable("keys", "add-volume", "keyring.json", "other", "--json"))["names"] == "plain"
    store = tmp_path / "store"
    store.mkdir()
    (tmp_path / "visits.csv").write_bytes(b"a,b\n")
    place = ("--keyring", "keyring.json", "--volume", "lake", "--root", f"file://{store}")
    portable("put", "visits.csv", f"file://{store}/2024/visits.csv", *place)
    assert portable("cat", f"file://{store}/2024/visits.csv", *place) == "a,b\n"
    assert "2024/visits.csv" in portable("ls", f"file://{store}/2024/", *place)
    (stored,) = (path.relative_to(store).as_posix() for path in store.rglob("?" * 26 + "*") if path.is_file())
    assert not {"2024", "visits", "csv"} & set(stored.replace(".", "/").split("/"))
