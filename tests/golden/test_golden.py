"""Every version opens what an earlier one wrote, and refuses what an earlier one refused."""

import json
from functools import cache
from pathlib import Path

import pytest

from examples.open_with_public_sdk import open_message
from portable import errors
from tests.golden import FILES, make
from tests.golden.manifest import Item, Manifest
from tests.golden.opening import Golden

FOLDERS = sorted(path for path in FILES.iterdir() if path.is_dir())
ITEMS = [(folder, item) for folder in FOLDERS for item in Manifest.read(folder).items]
SOUND = [(folder, item) for folder, item in ITEMS if not item.error]
REFUSED = [(folder, item) for folder, item in ITEMS if item.error]


@cache
def golden(folder: Path) -> Golden:
    return Golden(folder)


def name(value: object) -> str:
    return value.file if isinstance(value, Item) else Path(str(value)).name


@pytest.mark.parametrize(("folder", "item"), SOUND, ids=name)
def test_it_opens_to_what_was_written(folder: Path, item: Item) -> None:
    assert golden(folder).open(item) == item.expect


@pytest.mark.parametrize(("folder", "item"), REFUSED, ids=name)
def test_it_is_refused_for_its_fault(folder: Path, item: Item) -> None:
    assert item.error
    with pytest.raises(errors.PortableError, match=item.says) as refusal:
        golden(folder).open(item)
    assert type(refusal.value) is getattr(errors, item.error)


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_every_file_is_in_the_manifest(folder: Path) -> None:
    items = Manifest.read(folder).items
    listed = {item.file for item in items} | {item.identity for item in items if item.identity}
    listed |= {file for item in items for file in item.beside.values()}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == listed | {"manifest.json"}
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1 << 20


@pytest.mark.parametrize(("folder", "item"), [(f, i) for f, i in SOUND if i.kind == "object" and i.volume == "lake"], ids=name)
def test_the_public_sdk_opens_it_with_the_exported_keys(folder: Path, item: Item) -> None:
    exported = json.loads((folder / "exported.json").read_text())
    opened = open_message(exported, (folder / item.file).read_bytes())  # type: ignore[no-untyped-call] # an example for readers
    assert len(opened) == item.expect["length"]


def test_golden_files_are_never_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in FILES.rglob("*") if path.is_file()}
    assert make.main() == 1
    assert "never written again" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in FILES.rglob("*") if path.is_file()} == before
