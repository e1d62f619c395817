"""The journal: the durable record of every object's state in a migration, in SQLite.

One process owns it (a lock file) and one thread writes it. A state that claims something of the world (`copied`, `verified`) is
committed with synchronous FULL before anyone is told. Listings are loaded into a scan table first and compared there by SQL, so
memory stays bounded at any number of objects, and a restart resumes without listing again.

Keys and metadata can be personal data: the file has mode 0600.
"""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from migrate.states import STATES, State, Sum, Totals
from portable.errors import ConfigurationError, RefusedError

Side = Literal["source", "target"]

_BATCH: Final = 5_000
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE objects (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  variant TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  size INTEGER NOT NULL,
  source TEXT NOT NULL,
  target TEXT,
  digest BLOB,
  reason TEXT
) STRICT;
CREATE UNIQUE INDEX objects_by_key ON objects (key, variant);
CREATE INDEX objects_by_state ON objects (state, id);
CREATE TABLE scan (side TEXT NOT NULL, key TEXT NOT NULL, variant TEXT NOT NULL, size INTEGER NOT NULL, token TEXT NOT NULL,
  skip TEXT) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a listing, on its way into the journal."""

    key: str
    size: int
    """Bytes of plaintext at the source; stored bytes at the target."""
    token: str
    variant: str = ""
    """What tells it from the current object at the key (`snapshot 2026-...`), or empty for that object."""
    skip: str | None = None
    """Why it is not moved, or None."""


@dataclass(frozen=True, slots=True)
class Item:
    """One object of the inventory."""

    id: int
    key: str
    variant: str
    state: State
    size: int
    source: str
    """Version token at the source."""
    target: str | None
    """Version token of the copy, once there is a receipt for one."""
    digest: bytes | None
    """Keyed digest of the plaintext as read from the source (32 bytes)."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object: the new state of its row, and its reason. In the others, None leaves a column as it is."""

    id: int
    state: State
    size: int | None = None
    source: str | None = None
    target: str | None = None
    digest: bytes | None = None
    reason: str | None = None


class Journal:
    """The journal of one migration. Not safe for use from several threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: "contextlib.ExitStack") -> None:
        self.path = path
        self._db = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> "Journal":
        """Open the journal and own it until `close`.

        Raises: RefusedError (there is none yet, or another process works on this migration), ConfigurationError (not a
        journal of this version, or not writable).
        """
        if not create and not path.exists():
            raise RefusedError(f"there is no journal at {path}: make it with `portable migrate plan`")
        with contextlib.ExitStack() as stack:
            try:
                lock = stack.enter_context(path.with_name(f"{path.name}.lock").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.touch(mode=0o600)
            except BlockingIOError:
                raise RefusedError(f"another process is working on the journal {path}") from None
            except OSError as error:
                raise ConfigurationError(f"the journal {path} cannot be opened: {error.strerror}") from None
            connection = stack.enter_context(contextlib.closing(_connect(path)))
            return cls(path, connection, stack.pop_all())

    def close(self) -> None:
        """Close the journal and let other processes have it."""
        self._lock.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def fact(self, name: str) -> str | None:
        """Return a fact of the migration as a whole, or None."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str | None) -> None:
        """Record a fact of the migration as a whole (None: forget it), durably."""
        with self._transaction():
            if value is None:
                self._db.execute("DELETE FROM facts WHERE name = ?", (name,))
            else:
                self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def scan(self, side: Side, entries: Iterable[Listed]) -> int:
        """Load a whole listing of one side in place of the one loaded before; return the number of its entries.

        Raises: RefusedError when the listing names an entry twice, as a host does that repeats pages.
        """
        with self._transaction():
            self._db.execute("DROP INDEX IF EXISTS scan_by_key")
            self._db.execute("DELETE FROM scan WHERE side = ?", (side,))
            count = 0
            for batch in _batches(entries):
                self._db.executemany(
                    "INSERT INTO scan VALUES (?, ?, ?, ?, ?, ?)",
                    [(side, entry.key, entry.variant, entry.size, entry.token, entry.skip) for entry in batch],
                )
                count += len(batch)
            self._db.execute("CREATE INDEX scan_by_key ON scan (side, key, variant)")
            twice = self._db.execute(
                "SELECT key FROM scan WHERE side = ? GROUP BY key, variant HAVING count(*) > 1 LIMIT 1", (side,)
            ).fetchone()
            if twice:
                raise RefusedError(
                    f"the {side}'s listing names {twice[0]!r} twice: the host repeats pages, so it cannot be trusted"
                )
        return count

    def reconcile(self) -> None:
        """Bring the inventory up to the source's last scan: new, changed and vanished objects.

        A changed object is pending again and keeps its target token, which its next copy expects to stand there.
        """
        joined = "FROM scan WHERE scan.side = 'source' AND scan.key = objects.key AND scan.variant = objects.variant"
        with self._transaction():
            self._db.execute(
                f"UPDATE objects SET state = 'vanished', reason = 'gone at the source' WHERE NOT EXISTS (SELECT 1 {joined})"
            )
            self._db.execute(
                "UPDATE objects SET state = iif(scan.skip IS NULL, 'pending', 'skipped'), reason = scan.skip, "
                f"size = scan.size, source = scan.token, digest = NULL {joined} "
                "AND (scan.token != objects.source OR objects.state = 'vanished' "
                "OR (scan.skip IS NULL) = (objects.state = 'skipped'))"
            )
            self._db.execute(
                "INSERT INTO objects (key, variant, state, size, source, reason) SELECT key, variant, "
                "iif(skip IS NULL, 'pending', 'skipped'), size, token, skip FROM scan WHERE side = 'source' AND NOT EXISTS "
                "(SELECT 1 FROM objects WHERE objects.key = scan.key AND objects.variant = scan.variant)"
            )

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes in one durable transaction: when it returns, they survive a crash."""
        with self._transaction():
            self._db.executemany(
                "UPDATE objects SET state = ?, size = coalesce(?, size), source = coalesce(?, source), "
                "target = coalesce(?, target), digest = coalesce(?, digest), reason = ? WHERE id = ?",
                [(o.state, o.size, o.source, o.target, o.digest, o.reason, o.id) for o in outcomes],
            )

    def forget_copies(self, ids: Iterable[int]) -> None:
        """Record, durably, that vanished objects no longer have a copy at the target."""
        with self._transaction():
            self._db.executemany("UPDATE objects SET target = NULL, digest = NULL WHERE id = ?", [(i,) for i in ids])

    def items(self, *states: State) -> Iterator[Item]:
        """Return the objects in the given states (none given: all), in the order of the inventory.

        Reads in short transactions, so that states may be recorded while the iteration goes on; an object that leaves the
        states meanwhile may or may not be returned.
        """
        marks = ", ".join("?" * len(states or STATES))
        after = 0
        while True:
            rows = self._db.execute(
                "SELECT id, key, variant, state, size, source, target, digest, reason FROM objects "
                f"WHERE state IN ({marks}) AND id > ? ORDER BY id LIMIT ?",
                (*(states or STATES), after, _BATCH),
            ).fetchall()
            for row in rows:
                yield Item(*row)
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def item(self, key: str) -> Item | None:
        """Return the current object at `key` in the inventory, or None."""
        row = self._db.execute(
            "SELECT id, key, variant, state, size, source, target, digest, reason FROM objects WHERE key = ? AND variant = ''",
            (key,),
        ).fetchone()
        return Item(*row) if row else None

    def totals(self) -> Totals:
        """Return the inventory's sum, and the sum in each state."""
        inventory = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM objects").fetchone()
        by_state = dict.fromkeys(STATES, Sum())
        for state, objects, size in self._db.execute("SELECT state, count(*), sum(size) FROM objects GROUP BY state"):
            by_state[state] = Sum(objects, size)
        return Totals(Sum(*inventory), by_state)

    def extras(self) -> Iterator[Listed]:
        """Return the entries of the target's last scan for which no object of the inventory has a receipt."""
        yield from (
            Listed(*row)
            for row in self._db.execute(
                "SELECT scan.key, scan.size, scan.token, scan.variant FROM scan WHERE side = 'target' AND NOT EXISTS (SELECT 1 "
                "FROM objects WHERE objects.key = scan.key AND objects.variant = '' AND scan.variant = '' "
                "AND objects.target IS NOT NULL) ORDER BY scan.key"
            )
        )

    def unlisted(self) -> Iterator[Listed]:
        """Return the entries of the source's last scan that the inventory does not have."""
        yield from (
            Listed(*row)
            for row in self._db.execute(
                "SELECT scan.key, scan.size, scan.token, scan.variant, scan.skip FROM scan WHERE side = 'source' AND "
                "NOT EXISTS (SELECT 1 FROM objects WHERE objects.key = scan.key AND objects.variant = scan.variant) "
                "ORDER BY scan.key"
            )
        )

    def pairs(self) -> Iterator[tuple[Item, str | None, str | None]]:
        """Return every current object with the tokens that the last scans of source and target show for it (None: absent)."""
        query = (
            "SELECT objects.id, objects.key, objects.variant, objects.state, objects.size, objects.source, objects.target, "
            "objects.digest, objects.reason, s.token, t.token FROM objects "
            "LEFT JOIN scan s ON s.side = 'source' AND s.key = objects.key AND s.variant = '' "
            "LEFT JOIN scan t ON t.side = 'target' AND t.key = objects.key AND t.variant = '' "
            "WHERE objects.variant = '' ORDER BY objects.id"
        )
        for *columns, source, target in self._db.execute(query):
            yield Item(*columns), source, target

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def read_totals(path: Path) -> Totals:
    """Return the totals of a journal that another process may be writing. Raises: RefusedError, ConfigurationError."""
    if not path.exists():
        raise RefusedError(f"there is no journal at {path}: make it with `portable migrate plan`")
    with contextlib.closing(_connect(path)) as connection:
        connection.execute("BEGIN")  # one snapshot for both sums, which a writer between them would set apart
        return Journal(path, connection, contextlib.ExitStack()).totals()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            version = _VERSION
    except sqlite3.Error as error:
        connection.close()
        raise ConfigurationError(f"{path} is not a journal: {error}") from None
    if version != _VERSION:
        connection.close()
        raise ConfigurationError(f"the journal {path} is of version {version}; this program reads version {_VERSION}")
    return connection


def _batches(entries: Iterable[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
