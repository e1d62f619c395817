"""The passphrase protector, and where passphrases come from."""

import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from portable.errors import ConfigurationError, KeysError, UnlockFailed
from portable.keys import passphrase
from portable.keys.passphrase import PASSPHRASE_LIMIT, Argon2Parameters, PassphraseProtector, passphrase_from
from tests.keys.conftest import CHEAP, PASSPHRASE, Costly

SEED = bytes(range(32))


@pytest.fixture(autouse=True)
def derivations() -> None:
    """Make every derivation: it is what is tested here."""


@pytest.fixture(scope="module")
def protector() -> PassphraseProtector:
    return PassphraseProtector.protect(SEED, PASSPHRASE, CHEAP, binding=b"place")


def test_the_passphrase_gives_the_seed_back(protector: PassphraseProtector) -> None:
    assert protector.seed(PASSPHRASE, binding=b"place") == SEED


def test_the_defaults_cost_256_mib_and_four_passes() -> None:
    assert (Argon2Parameters().memory_mib, Argon2Parameters().passes, Argon2Parameters().lanes) == (256, 4, 4)


def test_the_stored_form_opens_with_nothing_but_the_written_recipe(protector: PassphraseProtector) -> None:
    stored = msgspec.to_builtins(protector, builtin_types=[bytes])
    stretched = Argon2id(salt=stored["salt"], length=64, iterations=3, lanes=4, memory_cost=65536).derive(PASSPHRASE.encode())
    assert stored["type"] == "passphrase"
    assert stretched[32:] == stored["commitment"]
    opened = AESGCM(stretched[:32]).decrypt(stored["nonce"], stored["wrapped_seed"], b"portable/v1/passphrase" + b"place")
    assert opened == SEED


def test_two_protectors_of_one_passphrase_share_nothing(protector: PassphraseProtector) -> None:
    other = PassphraseProtector.protect(SEED, PASSPHRASE, CHEAP, binding=b"place")
    assert len({other.salt, protector.salt, other.commitment, protector.commitment, other.nonce, protector.nonce}) == 6


def test_a_wrong_passphrase_fails_at_the_commitment_after_one_try(
    protector: PassphraseProtector, costly: Costly, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(key: bytes) -> AESGCM:
        raise AssertionError("a key was tried on the wrapped seed")

    monkeypatch.setattr(passphrase, "AESGCM", never)
    with pytest.raises(UnlockFailed, match="passphrase is wrong"):
        protector.seed("Correct horse battery staple", binding=b"place")
    assert costly.steps == ["argon2id"]


def test_a_protector_moved_to_another_place_does_not_open(protector: PassphraseProtector) -> None:
    with pytest.raises(UnlockFailed, match="altered or moved"):
        protector.seed(PASSPHRASE, binding=b"another place")


def test_an_altered_wrapped_seed_does_not_open(protector: PassphraseProtector) -> None:
    wrapped = bytes([protector.wrapped_seed[0] ^ 1]) + protector.wrapped_seed[1:]
    with pytest.raises(UnlockFailed, match="altered or moved"):
        msgspec.structs.replace(protector, wrapped_seed=wrapped).seed(PASSPHRASE, binding=b"place")


def test_composed_and_decomposed_letters_are_the_same_passphrase() -> None:
    protector = PassphraseProtector.protect(SEED, "e\u0301te\u0301", CHEAP, binding=b"")
    assert protector.seed("\u00e9t\u00e9", binding=b"") == SEED


@pytest.mark.parametrize(
    ("name", "value"),
    [("memory_mib", 63), ("memory_mib", 2049), ("passes", 2), ("passes", 11), ("lanes", 0), ("lanes", 17), ("passes", 1 << 70)],
)
def test_parameters_outside_floor_and_ceiling_are_refused_without_running(
    protector: PassphraseProtector, costly: Costly, name: str, value: int
) -> None:
    stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(protector))
    stored["argon2"][name] = value
    with pytest.raises(KeysError, match=r"Argon2id with .* is refused"):
        msgspec.convert(stored, PassphraseProtector)
    with pytest.raises(KeysError, match=r"Argon2id with .* is refused"):
        Argon2Parameters(**{name: value})
    assert costly.steps == []


@pytest.mark.parametrize(("text", "complaint"), [("", "empty"), ("\ud800", "UTF-8")])
def test_an_unusable_passphrase_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        PassphraseProtector.protect(SEED, text, CHEAP, binding=b"")


def test_too_little_memory_is_said_so(protector: PassphraseProtector, monkeypatch: pytest.MonkeyPatch) -> None:
    class Starved:
        def __init__(self, **parameters: object) -> None: ...

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(passphrase, "Argon2id", Starved)
    with pytest.raises(KeysError, match="64 MiB of memory"):
        protector.seed(PASSPHRASE, binding=b"place")


def test_nothing_given_is_none() -> None:
    assert passphrase_from({}) is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"word\n", "word"), (b"word\r\n", "word"), (b"two\nlines\n\n", "two\nlines\n"), (b" word ", " word ")],
)
def test_a_file_gives_its_content_without_one_line_break(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    assert passphrase_from({"PORTABLE_PASSPHRASE": "other"}, file) == expected


def test_a_descriptor_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"wo")
    os.write(writing, b"rd\n")
    os.close(writing)
    try:
        assert passphrase_from({}, fd=reading) == "word"
    finally:
        os.close(reading)


def test_the_environment_is_asked_last_and_by_the_name_given() -> None:
    assert passphrase_from({"PORTABLE_PASSPHRASE": "word"}) == "word"
    assert passphrase_from({"PORTABLE_PASSPHRASE": "word", "OTHER": "else"}, variable="OTHER") == "else"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "empty"), (b"\n", "empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * (PASSPHRASE_LIMIT + 1), "larger than")],
)
def test_an_unusable_file_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        passphrase_from({}, file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("value", ["", "\udcff", "x" * (PASSPHRASE_LIMIT + 1)])
def test_an_unusable_variable_is_named(value: str) -> None:
    with pytest.raises(ConfigurationError, match="PORTABLE_PASSPHRASE"):
        passphrase_from({"PORTABLE_PASSPHRASE": value})


def test_a_file_and_a_descriptor_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not from both"):
        passphrase_from({}, tmp_path / "passphrase", 0)


def test_a_missing_file_and_a_closed_descriptor_are_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(ConfigurationError, match="No such file"):
        passphrase_from({}, tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="file descriptor"):
        passphrase_from({}, fd=reading)


def test_the_environment_may_name_a_file_that_holds_the_passphrase(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    named = {"PORTABLE_PASSPHRASE_FILE": str(tmp_path / "secret")}
    assert passphrase_from(named) == "from the file"
    assert passphrase_from({**named, "PORTABLE_PASSPHRASE": "at hand"}) == "at hand"


def test_threads_may_open_protectors_at_once() -> None:
    protector = PassphraseProtector.protect(os.urandom(32), PASSPHRASE, CHEAP, binding=b"/test")
    seeds: list[bytes] = []
    threads = [threading.Thread(target=lambda: seeds.append(protector.seed(PASSPHRASE, binding=b"/test"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seeds) == 3
    assert len(set(seeds)) == 1
