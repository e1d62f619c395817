"""The command line over a store that its host has tampered with: an error on one line, exit status 1, and no plaintext."""

from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.cli.running import run
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseProtector, PassphraseRecipient
from portable.keys.volume_keys import VolumeKeys
from portable.volume import Volume
from portable.volume.reading import WINDOW

WORD = "open"
SECRET = b"patient;diagnosis\n" * 1000
LARGE = bytes(range(256)) * ((WINDOW + (1 << 20)) // 256)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VolumeKeys]:
    """Make a keyring; return its file and the keys of its volume."""
    path, authority = tmp_path_factory.mktemp("keyring") / "keyring.json", Authority.generate()
    recipient = PassphraseRecipient(WORD, Argon2Parameters(64, 3))
    unlocked = Keyring.create(authority, recipients=[recipient], volumes=["lake"])
    unlocked.save(path, authority)
    return path, unlocked.volume("lake")


class Store:
    """A folder that somebody else can write to, with two sealed objects in it."""

    def __init__(self, folder: Path, keyring: Path, keys: VolumeKeys) -> None:
        self.folder, self.out = folder / "store", folder / "out"
        self.folder.mkdir()
        self.out.mkdir()
        self.url = f"file://{self.folder}"
        self._reached = ["--root", self.url, "--keyring", str(keyring), "--volume", "lake"]
        volume = Volume(open_backend(Location(self.url)), keys)
        volume.write("a.csv", SECRET)
        volume.write("b.csv", LARGE)

    def command(self, name: str, *more: str) -> int:
        return run([name, f"{self.url}/a.csv", *more, *self._reached])


_stretched = PassphraseProtector.seed
_seeds: dict[tuple[bytes, str, bytes], bytes] = {}


def _remembered(protector: PassphraseProtector, passphrase: str, *, binding: bytes) -> bytes:
    place = protector.wrapped_seed, passphrase, binding
    if place not in _seeds:
        _seeds[place] = _stretched(protector, passphrase, binding=binding)
    return _seeds[place]


@pytest.fixture
def store(tmp_path: Path, keyring: tuple[Path, VolumeKeys], monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the store; the passphrase is stretched for the first command only."""
    monkeypatch.setenv("PORTABLE_PASSPHRASE", WORD)
    monkeypatch.setattr(PassphraseProtector, "seed", _remembered)
    return Store(tmp_path, *keyring)


TAMPERINGS = {
    "a clear object": lambda folder: (folder / "a.csv").write_bytes(SECRET),
    "an empty object": lambda folder: (folder / "a.csv").write_bytes(b""),
    "another object": lambda folder: (folder / "b.csv").replace(folder / "a.csv"),
    "one cut off its last byte": lambda folder: (folder / "a.csv").write_bytes((folder / "a.csv").read_bytes()[:-1]),
    "one with a byte more": lambda folder: (folder / "a.csv").write_bytes((folder / "a.csv").read_bytes() + b"\0"),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_object_gives_one_line_of_error_and_no_plaintext(
    store: Store, tampering: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    TAMPERINGS[tampering](store.folder)
    for words in (["cat"], ["stat"], ["get", str(store.out / "a.csv")]):
        assert store.command(*words) == 1
        captured = capfdbinary.readouterr()
        assert captured.out == b""
        assert captured.err.startswith(b"portable: ")
        assert captured.err.count(b"\n") == 1
        assert b"patient" not in captured.err
    assert not list(store.out.iterdir())


def test_of_a_large_object_with_a_bad_end_only_a_true_beginning_is_printed_and_no_file_is_left(
    store: Store, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What was printed before the bad frame came from authentic frames; the exit status says that it is not the whole."""
    tampered = bytearray((store.folder / "b.csv").read_bytes())
    tampered[-(1 << 19)] ^= 1
    (store.folder / "b.csv").write_bytes(tampered)
    reached = store._reached
    assert run(["get", f"{store.url}/b.csv", str(store.out / "b.csv"), *reached]) == 1
    assert not list(store.out.iterdir())
    capfdbinary.readouterr()
    assert run(["cat", f"{store.url}/b.csv", *reached]) == 1
    captured = capfdbinary.readouterr()
    assert captured.out == LARGE[:WINDOW]
    assert captured.err.count(b"\n") == 1


def test_an_untouched_object_is_printed_whole(store: Store, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert store.command("cat") == 0
    assert capfdbinary.readouterr().out == SECRET
