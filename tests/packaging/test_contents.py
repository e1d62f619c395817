import tarfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = {"portable": CHECKOUT / "src" / "portable", "migrate": CHECKOUT / "migrate"}


def files_of_the_checkout() -> set[str]:
    return {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def described(contents: dict[str, bytes], name: str) -> str:
    """One file of the wheel's .dist-info folder."""
    (found,) = (path for path in contents if ".dist-info/" in path and path.endswith(f"/{name}"))
    return contents[found].decode()


@pytest.fixture
def metadata(contents: dict[str, bytes]) -> Message:
    return Parser().parsestr(described(contents, "METADATA"))


def test_the_wheel_holds_both_packages_and_nothing_else(contents: dict[str, bytes]) -> None:
    assert {name for name in contents if ".dist-info/" not in name} == files_of_the_checkout()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_types_of_both_packages_are_published(contents: dict[str, bytes], package: str) -> None:
    assert f"{package}/py.typed" in contents


def test_the_licence_is_named_and_enclosed(contents: dict[str, bytes], metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert described(contents, "licenses/LICENSE") == (CHECKOUT / "LICENSE").read_text()


def test_the_entry_points_are_declared(contents: dict[str, bytes]) -> None:
    declared = ConfigParser()
    declared.read_string(described(contents, "entry_points.txt"))
    assert dict(declared["console_scripts"]) == {"portable": "portable.cli:main"}
    assert dict(declared["portable.commands"]) == {"migrate": "migrate.cli:app"}
    assert dict(declared["fsspec.specs"]) == {"portable": "portable.filesystem.PortableFileSystem"}
    assert dict(declared["universal_pathlib.implementations"]) == {"portable": "portable.filesystem.paths:PortablePath"}


def test_an_etl_program_installs_no_sdk_and_no_terminal_library(metadata: Message) -> None:
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {line.split(">")[0].split("<")[0].split("=")[0].strip() for line in required}
    assert names == {"cryptography", "fsspec", "msgspec", "tenacity", "typing-extensions"}


def test_the_source_distribution_can_be_tested(distributions: Path) -> None:
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "pyproject.toml", "LICENSE", "tests/packaging/conftest.py"} <= names
