"""Keys that get in each other's way: equal once composed, or a key that is a folder of others.

The few keys that can be concerned are kept in a temporary SQLite database, which spills to disk, so memory stays bounded.
"""

import sqlite3
import unicodedata
from collections.abc import Callable, Iterator


class Names:
    """Collects keys of the inventory and finds those that get in each other's way. Close it after use."""

    def __init__(self, *, folders: bool) -> None:
        """`folders`: the target is a file system, where a key cannot be a folder too."""
        self._folders = folders
        self._last_folder = ""
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE composed (form TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL) STRICT")
        self._db.execute("CREATE TABLE folder (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        self._db.execute("BEGIN")

    def add(self, key: str, size: int) -> None:
        """Take one key that is to be moved, and its object's size in bytes."""
        if not unicodedata.is_normalized("NFC", key):
            form = unicodedata.normalize("NFC", key)
            self._db.execute("INSERT INTO composed VALUES (?, ?, ?)", (form, key, size))
        folder = key.rpartition("/")[0]
        if self._folders and folder and folder != self._last_folder:
            self._last_folder = folder
            parts = folder.split("/")
            above = [("/".join(parts[: depth + 1]),) for depth in range(len(parts))]
            self._db.executemany("INSERT OR IGNORE INTO folder VALUES (?)", above)

    def look_alikes(self, size_at: Callable[[str], int | None]) -> Iterator[tuple[str, int]]:
        """Return each key that equals another one once composed, and its size.

        `size_at` gives the size of the object at a key, or None where none is to be moved.
        """
        self._db.execute("CREATE INDEX IF NOT EXISTS composed_by_form ON composed (form)")
        forms = self._db.execute("SELECT form, count(*) FROM composed GROUP BY form ORDER BY form")
        for form, count in forms:
            plain = size_at(form)
            if count + (plain is not None) < 2:
                continue
            if plain is not None:
                yield form, plain
            yield from self._db.execute("SELECT key, size FROM composed WHERE form = ? ORDER BY key", (form,))

    def also_folders(self, size_at: Callable[[str], int | None]) -> Iterator[tuple[str, int]]:
        """Return each key that is also a folder of other keys, and its size."""
        for (folder,) in self._db.execute("SELECT key FROM folder ORDER BY key"):
            size = size_at(folder)
            if size is not None:
                yield folder, size

    def close(self) -> None:
        """Drop what was collected."""
        self._db.close()

    def __enter__(self) -> "Names":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
