"""A volume bound to one store."""

import contextlib
import mimetypes
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Stat
from portable.errors import InvalidKey, ObjectChanged
from portable.keys.volume_keys import VolumeKeys
from portable.names import SealedNames, obstacle
from portable.sealed import RESERVED_PREFIX, Metadata, listed_size, overflow_key, seal
from portable.volume.cache import RecentReaders
from portable.volume.files import ReadableObject
from portable.volume.info import ObjectInfo
from portable.volume.naming import NamingBackend
from portable.volume.reading import WINDOW, ClearReader, Reader, SealedReader
from portable.volume.writing import Source, Staged, stage

MAX_KEY_BYTES: Final = 1024
_ATTEMPTS: Final = 5


class Volume:
    """A store read and written through the encryption layer (`keys` given), or in clear (`keys` None).

    Safe to use from several threads. Keys are strings, kept exactly as given; sizes and offsets are bytes of plaintext.
    `backend` is the store as its host sees it: under stored names, where the volume's names are sealed.
    """

    def __init__(self, backend: Backend, keys: VolumeKeys | None) -> None:
        self.backend = backend
        self.keys = keys
        self._naming = NamingBackend(backend, SealedNames(keys.names_key)) if keys and keys.names == "sealed" else None
        self._objects: Backend = self._naming or backend
        self._recent = RecentReaders(self._objects, keys) if keys else None

    def __repr__(self) -> str:
        return f"<Volume {'sealed' if self.keys else 'clear'} at {self.backend!r}>"

    def write(
        self,
        key: str,
        data: Source,
        *,
        attributes: Attributes | None = None,
        modified: datetime | None = None,
        expect: Expectation = ANY,
    ) -> ObjectInfo:
        """Write the whole object, all or nothing, and return its description.

        `attributes` default to a content type guessed from the key, `modified` to now. `expect` makes the write conditional:
        ABSENT, or Matches an ETag. Raises: InvalidKey, AlreadyExists, PreconditionFailed, Unsupported, Denied, Unavailable
        (the write may have happened), and what reading `data` raises.
        """
        described = Metadata(attributes or guessed(key), modified or datetime.now(UTC))
        staged = self.stage(key, data, described)
        return self.committed(staged, key, described, expect)

    def stage(self, key: str, data: Source, described: Metadata) -> Staged:
        """Encrypt and stage an object; `commit` on the result makes it visible.

        In a clear volume the host keeps the attributes, and the time is the host's.
        """
        self.check_key(key)
        if self.keys is None:
            return stage(self._objects, key, data, attributes=_for_host(described.attributes), sealing=None)
        sealing = seal(self.keys, key, described)
        if sealing.overflow is not None:
            key_beside = overflow_key(sealing.encryptor.message_id)
            beside = seal(self.keys, key_beside, Metadata())
            stage(self._objects, key_beside, sealing.overflow, attributes=None, sealing=beside).commit()
        return stage(self._objects, key, data, attributes=None, sealing=sealing)

    def committed(self, staged: Staged, key: str, described: Metadata, expect: Expectation = ANY) -> ObjectInfo:
        """Commit a staged object and describe it. Raises: what `Staged.commit` raises."""
        stat = staged.commit(expect)
        modified = described.modified if self.keys and described.modified else stat.modified
        return ObjectInfo(key, staged.size, modified, stat, described.attributes, staged.message_id)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return plaintext bytes [start, stop) of the object, all of one version.

        Raises: NotFound, IntegrityError (nothing is returned), InvalidKey, Denied, Unavailable, ObjectChanged (replaced again
        and again while it was read).
        """
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(ObjectChanged):
                return self._read(key, start, stop)
        return self._read(key, start, stop)

    def _read(self, key: str, start: int, stop: int | None) -> bytes:
        whole = stop is None and start == 0
        if self._recent is None or whole:
            return self.reader(key, ahead=WINDOW if whole else 0).read(start, stop)
        self.check_key(key)
        return self._recent.read(key, start, stop)

    def reader(self, key: str, *, ahead: int = 0) -> Reader:
        """Open the object's present version for ranged reads; `ahead` bytes come with the first request.

        Raises: NotFound, IntegrityError, InvalidKey, Denied, Unavailable, ObjectChanged.
        """
        self.check_key(key)
        if self.keys is None:
            return ClearReader(self._objects, key, ahead=ahead)
        return SealedReader(self._objects, self.keys, key, ahead=ahead)

    def open(self, key: str) -> BinaryIO:
        """Open the object's present version as a seekable binary file for reading."""
        return ReadableObject(self.reader(key)).buffered()

    def info(self, key: str) -> ObjectInfo:
        """Describe the object, its length and metadata authenticated. Raises: what `reader` raises."""
        return self.reader(key).info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Describe the objects whose keys start with `prefix`, in no promised order, from the host's listing alone.

        Where names are sealed, an object under a name that this volume did not make has no key, and is left out: `stored` shows
        it.
        """
        for stat in self._objects.list(prefix):
            if not stat.key.startswith(RESERVED_PREFIX):
                yield ObjectInfo(stat.key, listed_size(self.keys, stat.size) if self.keys else stat.size, stat.modified, stat)

    def stored(self) -> Iterator[tuple[str | None, Stat]]:
        """List everything that stands in the store but this package's own objects: each key, and what the host says of it.

        `Stat.key` is the name at the host. The key is None for an object whose name this volume did not make, which only
        happens where names are sealed.
        """
        found = self._naming.stored() if self._naming else ((stat.key, stat) for stat in self.backend.list())
        return ((key, stat) for key, stat in found if not (key or "").startswith(RESERVED_PREFIX))

    def stored_key(self, key: str) -> str:
        """Return the name under which the host holds the object at `key`. Raises: InvalidKey."""
        self.check_key(key)
        return self._naming.stored_key(key) if self._naming else key

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """Delete the object; deleting what is not there succeeds.

        Raises: PreconditionFailed, InvalidKey, Unsupported, Denied, Unavailable.
        """
        self.check_key(key)
        self._objects.delete(key, expect=expect)

    def close(self) -> None:
        """Release connections."""
        if self._recent is not None:
            self._recent.clear()
        self.backend.close()

    def check_key(self, key: str) -> None:
        """Raise InvalidKey for a key that no volume holds, or whose sealed name does not fit this store."""
        try:
            length = len(key.encode())
        except UnicodeEncodeError:
            raise InvalidKey(f"the key {key!r} is not valid Unicode") from None
        if not 0 < length <= MAX_KEY_BYTES:
            raise InvalidKey(f"a key has 1 to {MAX_KEY_BYTES} bytes of UTF-8; {key[:40]!r}... has {length}")
        if key.startswith(RESERVED_PREFIX):
            raise InvalidKey(f"keys under {RESERVED_PREFIX!r} are reserved: {key!r}")
        if self._naming and (reason := obstacle(key, self.backend.capabilities.key_room)):
            raise InvalidKey(f"the key {key[:40]!r}... {reason}")


def guessed(key: str) -> Attributes:
    """Return attributes with the content type that the key's ending suggests."""
    content_type, encoding = mimetypes.guess_type(key, strict=False)
    # A guessed content-encoding would make HTTP clients unpack what they only meant to fetch.
    return Attributes(content_type=content_type if content_type and not encoding else "application/octet-stream")


def _for_host(attributes: Attributes) -> Attributes | None:
    return None if attributes == Attributes() else attributes
