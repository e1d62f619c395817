"""The wheel at work, in an environment of its own and outside of the checkout."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import portable

CHECKOUT = Path(__file__).resolve().parents[2]
OPTIONAL = ["azure", "boto3", "botocore", "click", "jinja2", "rich", "typer"]


@pytest.mark.parametrize("package", ["portable", "migrate"])
def test_it_runs_from_the_environment_and_not_from_the_checkout(
    python: Callable[[str], str], environment: Path, package: str
) -> None:
    imported = Path(python(f"import {package}; print({package}.__file__)"))
    assert imported.is_relative_to(environment)
    assert not imported.is_relative_to(CHECKOUT)


def test_importing_portable_loads_neither_an_sdk_nor_the_libraries_of_the_command_line(python: Callable[[str], str]) -> None:
    loaded = json.loads(python("import json, sys, portable; print(json.dumps(sorted(sys.modules)))"))
    assert "portable" in loaded
    assert set(OPTIONAL).isdisjoint(loaded)


def test_the_command_tells_its_version(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [environment / "bin" / "portable", "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert portable.__version__ in done.stdout.split()


@pytest.mark.parametrize(("group", "name"), [("console_scripts", "portable"), ("portable.commands", "migrate")])
def test_every_command_entry_point_resolves(python: Callable[[str], str], group: str, name: str) -> None:
    source = f"""
from importlib.metadata import entry_points
(found,) = (point for point in entry_points(group={group!r}, name={name!r}) if point.dist.name == "portable-storage")
print(callable(found.load()))
"""
    assert python(source) == "True"


def test_fsspec_finds_the_file_system_by_its_protocol(python: Callable[[str], str]) -> None:
    source = (
        "import fsspec, portable.filesystem as our; assert fsspec.get_filesystem_class('portable') is our.PortableFileSystem"
    )
    assert python(source) == ""


def test_universal_pathlib_finds_the_paths_by_their_protocol(python: Callable[[str], str]) -> None:
    assert python("from upath import UPath; print(type(UPath('portable://lake/a')).__name__)") == "PortablePath"


SEALED = """
import os
from pathlib import Path

import portable
from portable.keys.authority import Authority
from portable.keys.keyring import Keyring
from portable.keys.passphrase import Argon2Parameters, PassphraseIdentity, PassphraseRecipient

secret = os.urandom(16).hex()
authority = Authority.generate()
least = Argon2Parameters(memory_mib=64, passes=3, lanes=1)
Keyring.create(authority, recipients=[PassphraseRecipient(secret, least)], volumes=["lake"]).save("keyring.json", authority)

Path("store").mkdir()
volume = portable.open_volume(
    Path("store").resolve().as_uri(),
    keyring="keyring.json",
    volume="lake",
    authority=authority.fingerprint,
    identity=PassphraseIdentity(secret),
)
text = b"twelve words " * 50_000
volume.write("a/b.txt", text)
assert bytes(volume.read("a/b.txt")) == text
assert bytes(volume.read("a/b.txt", start=300_000, stop=300_026)) == text[300_000:300_026]
"""


def test_an_object_written_by_the_wheel_reads_back_and_is_sealed_in_its_store(
    python: Callable[[str], str], tmp_path: Path
) -> None:
    python(SEALED)
    files = (path for path in (tmp_path / "store").rglob("*") if path.is_file())
    (stored,) = (path.read_bytes() for path in files if ".portable-tmp" not in path.parts)
    assert stored.startswith(bytes.fromhex("020478"))
    assert b"twelve words" not in stored
