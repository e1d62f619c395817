"""How fsspec describes objects and folders, and which folders a listing of objects implies. Pure.

A path is `NAME/key`. A folder is what keys share up to a slash: it need not be made, and is gone with its last object. Other
programs leave objects that only stand for a folder, and these are no files here: markers, whose keys end in a slash, and stubs,
empty objects at `a` beside `a/b`.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from portable.backends.protocol import Folder
from portable.volume import ObjectInfo

Entry = dict[str, Any]
"""What `info` and `ls` say of one path: `name`, `size` in bytes, `type`; of an object also `mtime` (UTC) and `etag`."""


def file_entry(name: str, info: ObjectInfo) -> Entry:
    """Describe an object of the volume `name`."""
    return {
        "name": f"{name}/{info.key}",
        "size": info.size,
        "type": "file",
        "mtime": info.modified.astimezone(UTC),
        "etag": info.etag,
    }


def folder_entry(path: str) -> Entry:
    """Describe a folder, a volume, or ("") the catalog."""
    return {"name": path, "size": 0, "type": "directory"}


def is_folder(entry: Entry) -> bool:
    """Whether an entry is of a folder."""
    return bool(entry["type"] == "directory")


def is_marker(info: ObjectInfo) -> bool:
    """Whether an object only stands for a folder, as consoles and other programs leave them: no fsspec path names its key."""
    return info.key.endswith("/")


def may_be_stub(info: ObjectInfo) -> bool:
    """Whether an object stands for a folder if other keys go on behind its own and a slash.

    Accounts with a hierarchical namespace (ADLS Gen2) and what writes for them leave such objects: the host stores no byte of
    them. It stores some of any object of a sealed volume.
    """
    return info.stat.size == 0


def prefix_of(key: str) -> str:
    """Return what the keys in the folder `key` begin with; "" is the whole volume."""
    return f"{key}/" if key else ""


def level(name: str, found: Iterable[ObjectInfo | Folder]) -> Iterator[Entry]:
    """Describe the objects and folders `found` at one level of the volume `name`, without what only stands for a folder."""
    children = list(found)
    folders = {child.prefix[:-1] for child in children if isinstance(child, Folder)}
    yield from (folder_entry(f"{name}/{folder}") for folder in folders)
    for child in children:
        if not isinstance(child, Folder) and not is_marker(child) and not (may_be_stub(child) and child.key in folders):
            yield file_entry(name, child)


def tree(name: str, key: str, found: Iterable[ObjectInfo], *, folders: bool) -> Iterator[Entry]:
    """Describe the objects `found` under the folder `key`, and with `folders` each folder between, once.

    What only stands for a folder is left out.
    """
    start = len(prefix_of(key))
    above: set[str] = set()
    empty: list[ObjectInfo] = []
    for info in found:
        end = info.key.rfind("/", start)
        # Whoever is in the set is there with all that is above it.
        while end != -1 and info.key[:end] not in above:
            above.add(info.key[:end])
            end = info.key.rfind("/", start, end)
        if may_be_stub(info):
            empty.append(info)
        elif not is_marker(info):
            yield file_entry(name, info)
    yield from (file_entry(name, info) for info in empty if not is_marker(info) and info.key not in above)
    if folders:
        yield from (folder_entry(f"{name}/{folder}") for folder in above)
