"""A controller with a keyring and a catalog, as the commands make them, and somebody who opens its volume."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from portable.catalog.entry import Entry, Home, sign_entry
from portable.catalog.local import LocalCatalog
from portable.catalog.transitions import first_entry
from portable.cli.running import run
from portable.keys.authority import Authority
from portable.keys.identity_file import IdentityFile, IdentityFileRecipient
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters

PASSPHRASE = "the authority's own"


class Lake:
    """A folder with `catalog.json`, `keyring.json` (volumes `lake`, `pond`), `authority.json`, `lake.identity` and `store`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch
        self.authority, saved = _authority()
        (folder / "authority.json").write_bytes(saved)
        self.identity = IdentityFile.generate()
        self.identity.save(folder / "lake.identity")
        recipient = IdentityFileRecipient(self.identity.public_key)
        unlocked = Keyring.create(self.authority, recipients=[recipient], volumes=["lake", "pond"])
        unlocked.save(self.keyring, self.authority)
        self.volume_id = unlocked.volume("lake").volume_id.hex()
        self.store.mkdir()
        self.catalog = LocalCatalog(folder / "catalog.json")
        self.catalog.create()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.setenv("PORTABLE_AUTHORITY_PASSPHRASE", PASSPHRASE)
        monkeypatch.setenv("PORTABLE_IDENTITY", str(folder / "lake.identity"))

    @property
    def keyring(self) -> Path:
        return self.folder / "keyring.json"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def sealed(self, **fields: Any) -> Home:
        said = {"url": f"file://{self.store}", "keyring": "keyring.json", "volume": "lake", "volume_id": self.volume_id}
        return Home(mode="sealed", **(said | fields))

    def put(self, home: Home, *, name: str = "lake", signer: Authority | None = None) -> Entry:
        """Put a first entry, past what the commands would refuse."""
        signer = signer or self.authority
        entry = first_entry(name, home, lease=30.0, authority=signer.fingerprint)
        self.catalog.compare_and_swap(name, None, sign_entry(entry, signer), signer.fingerprint)
        return entry

    def entry(self, name: str = "lake") -> Entry:
        return self.catalog.read(name, self.authority.fingerprint)

    def run(self, *arguments: str, status: int = 0, typed: str = "") -> tuple[str, str]:
        """Run a command; return what it printed and what it complained of."""
        self._capsys.readouterr()
        self._monkeypatch.setattr("sys.stdin", _Typed(typed))
        found = run(arguments)
        printed = self._capsys.readouterr()
        assert found == status, printed.err
        return printed.out, printed.err

    def checks(self, *arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
        """Run `portable config check`; return its findings by what they are about."""
        printed, _ = self.run("config", "check", *arguments, "--json", status=status)
        return {each["subject"]: each for each in json.loads(printed)["checks"]}


@functools.cache
def _authority() -> tuple[Authority, bytes]:
    """Make one authority for the run, and its file: to stretch the passphrase is meant to take long."""
    authority = Authority.generate()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "authority.json"
        authority.save(file, PASSPHRASE, Argon2Parameters(64, 3))
        return authority, file.read_bytes()


class _Typed:
    """Standard input of somebody who types this, not at a terminal."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)

    def readline(self) -> str:
        return self._lines.pop(0) if self._lines else ""

    def isatty(self) -> bool:
        return False
