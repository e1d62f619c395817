"""How fsspec describes objects and folders, and which folders a listing of objects implies. Pure.

A path is `NAME/key`. A folder is what keys share up to a slash: it need not be made, and is gone with its last object.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

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


def prefix_of(key: str) -> str:
    """Return what the keys in the folder `key` begin with; "" is the whole volume."""
    return f"{key}/" if key else ""


def tree(name: str, key: str, found: Iterable[ObjectInfo], *, folders: bool) -> Iterator[Entry]:
    """Describe the objects `found` under the folder `key`, and with `folders` each folder between once, before what is in it.

    Markers are no objects here.
    """
    start = len(prefix_of(key))
    seen: set[str] = set()
    for info in found:
        if folders:
            for end in (at for at, character in enumerate(info.key) if character == "/" and at >= start):
                above = info.key[:end]
                if above not in seen:
                    seen.add(above)
                    yield folder_entry(f"{name}/{above}")
        if not is_marker(info):
            yield file_entry(name, info)
