"""The Python examples of the library's reference run as they stand, in order, beside a catalog and an encrypted volume."""

import re
from pathlib import Path

import pytest

from portable.filesystem import PortableFileSystem
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "library.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that has what the page's commands make."""
    from portable.cli.running import run  # here, so that a command line that cannot be imported fails these tests and no others

    (tmp_path / "passphrase.txt").write_text("correct horse battery staple\n")
    (tmp_path / "store").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORTABLE_PASSPHRASE_FILE", "passphrase.txt")
    monkeypatch.setenv("PORTABLE_CATALOG", "catalog.json")
    PortableFileSystem.clear_instance_cache()
    for command in (
        "keys init keyring.json --argon2-memory 64 --argon2-passes 3",
        "keys add-volume keyring.json lake",
        "catalog init catalog.json",
        f"catalog add catalog.json lake file://{tmp_path}/store --keyring keyring.json",
    ):
        assert run(command.split()) == 0


@pytest.mark.usefixtures("lake")
def test_the_examples_of_the_library_run_in_order() -> None:
    text = PAGE.read_text()
    names: dict[str, object] = {"__name__": "library"}
    for block in BLOCK.finditer(text):
        # Lines count from the top of the page, so that a failure names the place in it.
        padded = "\n" * text.count("\n", 0, block.start(1)) + block[1]
        exec(compile(padded, str(PAGE), "exec"), names)  # noqa: S102  # the project's own page
    assert "write_patiently" in names
