"""examples/open_with_public_sdk.py, as somebody uses it who has a keyring and a stored object and leaves this project."""

import subprocess
import sys
from pathlib import Path

from tests.command_line import portable

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "open_with_public_sdk.py"
PLAINTEXT = b"id,value\n" + b"1,2\n" * 70_000


def test_a_stored_object_opens_with_the_exported_key_and_the_public_sdk_alone(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "b.csv").write_bytes(PLAINTEXT)
    environment = {"PORTABLE_PASSPHRASE": "correct horse battery staple"}

    def run(*command: str) -> None:
        done = portable(*command, folder=tmp_path, environment=environment)
        assert done.returncode == 0, done.stderr

    store = f"file://{tmp_path}/store"
    run("keys", "init", "keyring.json", "--argon2-memory", "64", "--argon2-passes", "3")
    run("keys", "add-volume", "keyring.json", "lake")
    run("put", "b.csv", f"{store}/a/b.csv", "--root", store, "--keyring", "keyring.json", "--volume", "lake")
    run("keys", "export-volume-key", "keyring.json", "lake", "--out", "exported.json")

    stored = tmp_path / "store" / "a" / "b.csv"
    assert PLAINTEXT[:100] not in stored.read_bytes()
    command = [sys.executable, str(EXAMPLE), "exported.json", str(stored)]
    opened = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (opened.returncode, opened.stdout) == (0, PLAINTEXT), opened.stderr.decode()
