"""A store under sealed names: keys go in and come out as they are, and the host sees what `portable.names` makes of them.

This package's own objects (`.portable/`) keep their clear names.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace
from typing_extensions import Buffer

from portable.backends.levels import check_level
from portable.backends.protocol import (
    ANY,
    Attributes,
    Backend,
    Checksum,
    Expectation,
    Fetched,
    Folder,
    Stat,
    Unfinished,
    Upload,
)
from portable.errors import IntegrityError, PortableError
from portable.names import SealedNames
from portable.sealed import RESERVED_PREFIX

FOREIGN: Final = "foreign_name"
"""In the `details` of an inventory's entry: "true" where the stored name is none of the volume's, and so is shown as it is."""


class NamingBackend:
    """Passes calls on to `inner` under stored names. `Stat.key`, and the keys in errors, are keys again."""

    def __init__(self, inner: Backend, names: SealedNames) -> None:
        self._inner, self._names = inner, names
        self.capabilities, self.bound = inner.capabilities, inner.bound

    def stored_key(self, key: str) -> str:
        """Return the key under which `inner` holds the object. Raises: InvalidKey."""
        return key if key.startswith(RESERVED_PREFIX) else self._names.seal(key)

    def stored(self, prefix: str = "") -> Iterator[tuple[str | None, Stat]]:
        """List what `inner` holds for keys that start with `prefix`: each key, and the stored object under its stored name.

        The key is None for an object whose name is none of the volume's. One that lies where the keys of `prefix` lie is among
        them, because nothing tells what it would be called.
        """
        own = prefix.startswith(RESERVED_PREFIX)
        folder = prefix if own else self._names.seal_folder(prefix)
        if folder is None:
            return
        for stat in self._inner.list(folder):
            key = self._key(stat.key)
            if key is None or key.startswith(prefix):
                yield key, stat

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`."""
        with self._at(key) as stored:
            fetched = self._inner.get(stored, start, stop, if_match=if_match)
        return Fetched(fetched.data, replace(fetched.stat, key=key))

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        with self._at(key) as stored:
            return replace(self._inner.put(stored, data, expect=expect, attributes=attributes), key=key)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        with self._at(key) as stored:
            return replace(self._inner.stat(stored), key=key)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Objects under foreign names have no key, so they are not in it: see `stored`."""
        return (replace(stat, key=key) for key, stat in self.stored(prefix) if key is not None)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`. What stands under foreign names is not in it."""
        check_level(prefix, url=repr(self._inner))
        folder = prefix if prefix.startswith(RESERVED_PREFIX) else self._names.seal_folder(prefix)
        if folder is None:
            return
        for entry in self._inner.children(folder):
            if isinstance(entry, Folder):
                if (below := self._folder(entry.prefix)) is not None:
                    yield Folder(below)
            elif (key := self._key(entry.key)) is not None:
                yield replace(entry, key=key)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`. Details: `foreign_name`."""
        for stat in self._inner.inventory():
            key = self._key(stat.key)
            if key is None:
                yield replace(stat, details={**stat.details, FOREIGN: "true"})
            else:
                yield replace(stat, key=key)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`."""
        with self._at(key) as stored:
            self._inner.delete(stored, expect=expect)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`."""
        with self._at(key) as stored:
            return _NamingUpload(self, key, self._inner.begin(stored, attributes=attributes))

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.resume`."""
        with self._at(key) as stored:
            return _NamingUpload(self, key, self._inner.resume(stored, token, attributes=attributes))

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`. Uploads under foreign names have no key, so they are not in it."""
        for upload in self._inner.unfinished():
            if (key := self._key(upload.key)) is not None:
                yield replace(upload, key=key)

    def close(self) -> None:
        """See `Backend.close`."""
        self._inner.close()

    @contextmanager
    def errors_at(self, key: str, stored: str) -> Iterator[None]:
        """Let errors name the key: whoever asked knows no stored names."""
        try:
            yield
        except PortableError as error:
            error.args = (str(error).replace(repr(stored), repr(key)),)
            raise

    @contextmanager
    def _at(self, key: str) -> Iterator[str]:
        stored = self.stored_key(key)
        with self.errors_at(key, stored):
            yield stored

    def _key(self, stored: str) -> str | None:
        return self._opened(stored, self._names.unseal)

    def _folder(self, stored: str) -> str | None:
        return self._opened(stored, self._names.unseal_folder)

    def _opened(self, stored: str, unseal: Callable[[str], str]) -> str | None:
        if stored.startswith(RESERVED_PREFIX):
            return stored
        try:
            key = unseal(stored)
        except IntegrityError:
            return None
        # Sealed, it would pass for one of this package's own objects.
        return None if key.startswith(RESERVED_PREFIX) else key


class _NamingUpload:
    """An upload whose errors and description name the key."""

    def __init__(self, names: NamingBackend, key: str, upload: Upload) -> None:
        self._upload, self._key, self._stored, self._names = upload, key, names.stored_key(key), names
        self.token = upload.token

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`."""
        with self._names.errors_at(self._key, self._stored):
            return self._upload.part(number, data)

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`."""
        with self._names.errors_at(self._key, self._stored):
            return self._upload.staged()

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`."""
        with self._names.errors_at(self._key, self._stored):
            return replace(self._upload.commit(expect), key=self._key)

    def abort(self) -> None:
        """See `Upload.abort`."""
        with self._names.errors_at(self._key, self._stored):
            self._upload.abort()
