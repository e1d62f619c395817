"""A volume bound to one store."""

import contextlib
import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, cast

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Expectation, Folder, Stat
from portable.errors import InvalidKey, PortableError
from portable.forks import Birthplace
from portable.keys.volume_keys import VolumeKeys
from portable.names import SealedNames, obstacle
from portable.sealed import RESERVED_PREFIX, Metadata, Sealing, listed_size, overflow_key, seal
from portable.volume.fetching import Fetching
from portable.volume.info import ObjectInfo
from portable.volume.naming import NamingBackend
from portable.volume.planning import Range, Reading
from portable.volume.reading import Reader
from portable.volume.reads import Reads, Request
from portable.volume.staged import Staged
from portable.volume.writable import WritableObject
from portable.volume.writing import PARALLEL, Source, Stream, checked_parallel, stage, stream

MAX_KEY_BYTES: Final = 1024


class Volume:
    """A store read and written through the encryption layer (`keys` given), or in clear (`keys` None).

    Safe to use from several threads, and not from a forked process (ForkedProcess). Keys are strings, kept exactly as given;
    sizes and offsets are bytes of plaintext. `backend` is the store as its host sees it: under stored names, where the volume's
    names are sealed.
    """

    def __init__(
        self,
        backend: Backend,
        keys: VolumeKeys | None,
        *,
        parallel: int = PARALLEL,
        reading: Reading | None = None,
        fetching: Fetching | None = None,
    ) -> None:
        """`parallel` is how many parts of one object are on their way at once, and `reading` how reads are planned.

        `fetching` are another volume's threads to share. Raises: ConfigurationError (`parallel` is below 1).
        """
        self._born = Birthplace()
        self.backend = backend
        self.keys = keys
        self.parallel = checked_parallel(parallel)
        self._naming = NamingBackend(backend, SealedNames(keys.names_key)) if keys and keys.names == "sealed" else None
        self._objects: Backend = self._naming or backend
        self._reading = reading or Reading()
        self._fetching = fetching or Fetching(self._reading.requests)
        self._reads = Reads(self._objects, keys, self._reading, self._fetching)

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
        (the write may have happened), exactly RetryableError (it has not: at Azure, another writer's commit drops the parts of
        this one), and what reading `data` raises.
        """
        described = Metadata(attributes or guessed(key), modified or datetime.now(UTC))
        staged = self.stage(key, data, described, expect=expect)
        try:
            return self.committed(staged, key, described, expect)
        except BaseException:
            # What went wrong is the news; a failing abort must not hide it.
            with contextlib.suppress(PortableError):
                staged.abort()
            raise

    def create(
        self,
        key: str,
        *,
        attributes: Attributes | None = None,
        modified: datetime | None = None,
        expect: Expectation = ANY,
        parallel: int | None = None,
    ) -> WritableObject:
        """Open a file whose bytes become the object when it is closed, all or nothing.

        Beyond one part they are uploaded as they come, up to `parallel` parts at once (default: the volume's). Memory holds
        `parallel` + 2 parts of `backend.capabilities.part_size` bytes at most, and a megabyte or so for each; the parts of a
        very large object grow on the way (see `Capabilities.part_size_for`). The other arguments are those of `write`.

        Raises: InvalidKey, ConfigurationError (`parallel` is below 1). `write` and `close` of the file raise what the volume's
        `write` raises.
        """
        self.check_key(key)
        described = Metadata(attributes or guessed(key), modified or datetime.now(UTC))
        return WritableObject(_Here(self, key, described, expect, self.at_once(parallel)))

    def stage(
        self,
        key: str,
        data: Source,
        described: Metadata,
        *,
        expect: Expectation = ANY,
        parallel: int | None = None,
        size: int | None = None,
    ) -> Staged:
        """Encrypt and stage an object; `commit` on the result makes it visible.

        In a clear volume the host keeps the attributes, and the time is the host's. Up to `parallel` parts (default: the
        volume's) are on their way at once; with 1, the calling thread sends them one after another, from one buffer. `size` is
        that of `data` in bytes, where only the caller knows it. What the host cannot commit in parts with `expect` waits in
        a temporary file, and is refused (Unsupported) in a clear volume, before anything is sent.
        """
        attributes, sealing = self._sealed(key, described)
        return stage(
            self._objects,
            key,
            data,
            attributes=attributes,
            sealing=sealing,
            expect=expect,
            parallel=self.at_once(parallel),
            size=size,
        )

    def stream(self, key: str, described: Metadata, *, expect: Expectation = ANY, parallel: int | None = None) -> Stream:
        """Begin an object whose plaintext is pushed; what `finish` returns is staged as by `stage`.

        Raises: InvalidKey, ConfigurationError, Unsupported, Denied, Unavailable.
        """
        attributes, sealing = self._sealed(key, described)
        at_once = self.at_once(parallel)
        return stream(self._objects, key, attributes=attributes, sealing=sealing, expect=expect, parallel=at_once)

    def taken_over(self, staged: Staged) -> Staged:
        """Return what another volume over the same store staged, to be committed within the bounds of this one's backend.

        Raises: Unsupported (parts that only the other one knows of), NotFound (they are gone), Denied, Unavailable.
        """
        return staged.through(self._objects)

    def committed(self, staged: Staged, key: str, described: Metadata, expect: Expectation = ANY) -> ObjectInfo:
        """Commit a staged object and describe it. Raises: what `Staged.commit` raises."""
        self._born.check(self)
        self._reads.forget(key)
        stat = staged.commit(expect)
        modified = described.modified if self.keys and described.modified else stat.modified
        return ObjectInfo(key, staged.size, modified, stat, described.attributes, staged.message_id)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return plaintext bytes [start, stop) of the object, all of one version; negative bounds count from its end.

        Raises: NotFound, IntegrityError (nothing is returned), InvalidKey, Denied, Unavailable, ObjectChanged (replaced again
        and again while it was read).
        """
        self.check_key(key)
        return self._reads.read(key, start, stop)

    def read_ranges(self, key: str, ranges: Sequence[Range]) -> list[bytes]:
        """Return plaintext bytes [start, stop) of the object for each range, all of one version.

        Ranges may be in any order and overlap. Those that lie close together are fetched together, and the requests go out side
        by side. Raises: as `read`; nothing is returned then.
        """
        self.check_key(key)
        return self._reads.read_ranges(key, ranges)

    def read_many(self, requests: Sequence[Request]) -> list[bytes | PortableError]:
        """Return for each (key, start, stop) what `read` returns or raises, many objects side by side.

        What is asked of one key is of one version, and fails as a whole. It raises for nothing that concerns one object alone.
        """
        self._born.check(self)
        return self._reads.read_many(requests, self.check_key)

    def reader(self, key: str, *, ahead: int = 0) -> Reader:
        """Open the object's present version for ranged reads; `ahead` stored bytes come with the first request.

        Raises: NotFound, IntegrityError, InvalidKey, Denied, Unavailable, ObjectChanged.
        """
        self.check_key(key)
        return self._reads.reader(key, ahead=ahead)

    def open(self, key: str) -> BinaryIO:
        """Open the object's present version as a seekable, buffered binary file for reading.

        A small object comes whole with the one request that opens it. Raises: what `reader` raises.
        """
        self.check_key(key)
        return cast("BinaryIO", self._reads.open(key))

    def info(self, key: str) -> ObjectInfo:
        """Describe the object, its length and metadata authenticated. Raises: what `reader` raises."""
        self.check_key(key)
        return self._reads.info(key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Describe the objects whose keys start with `prefix`, in no promised order, from the host's listing alone.

        Where names are sealed, an object under a name that this volume did not make has no key, and is left out: `stored` shows
        it.
        """
        self._born.check(self)
        for stat in self._objects.list(prefix):
            if not stat.key.startswith(RESERVED_PREFIX):
                yield self._listed(stat)

    def children(self, prefix: str = "") -> Iterator[ObjectInfo | Folder]:
        """Describe what stands directly under `prefix`, "" or one that ends in a slash, by one level of the host's listing.

        See `Backend.children`, and `list` for what an entry says. Raises: ConfigurationError, NotFound (the container), Denied,
        Unavailable.
        """
        self._born.check(self)
        for entry in self._objects.children(prefix):
            if isinstance(entry, Folder):
                if not entry.prefix.startswith(RESERVED_PREFIX):
                    yield entry
            elif not entry.key.startswith(RESERVED_PREFIX):
                yield self._listed(entry)

    def stored(self) -> Iterator[tuple[str | None, Stat]]:
        """List everything that stands in the store but this package's own objects: each key, and what the host says of it.

        `Stat.key` is the name at the host. The key is None for an object whose name this volume did not make, which only
        happens where names are sealed.
        """
        self._born.check(self)
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
        self._reads.forget(key)
        self._objects.delete(key, expect=expect)

    def with_keys(self, keys: VolumeKeys) -> "Volume":
        """Return a volume with other keys over the same backend, which shares this one's threads: closing one closes both."""
        return Volume(self.backend, keys, parallel=self.parallel, reading=self._reading, fetching=self._fetching)

    def close(self) -> None:
        """Release connections and threads. Reads that are under way fail, or end before this returns.

        In a forked process it does nothing: they are the parent's.
        """
        if self._born.left:
            return
        self._fetching.stop()
        self._reads.clear()
        self.backend.close()
        self._fetching.close()

    def at_once(self, parallel: int | None) -> int:
        """Return how many parts are on their way at once: `parallel`, or the volume's own. Raises: ConfigurationError."""
        return self.parallel if parallel is None else checked_parallel(parallel)

    def _sealed(self, key: str, described: Metadata) -> tuple[Attributes | None, Sealing | None]:
        """Return what the host is to keep beside the object, and the message to begin; both where it is not None."""
        self.check_key(key)
        if self.keys is None:
            kept = self.backend.capabilities.attributes or described.attributes != guessed(key)
            return _for_host(described.attributes) if kept else None, None  # a guess is no wish that a host could refuse
        sealing = seal(self.keys, key, described)
        if sealing.overflow is not None:
            key_beside = overflow_key(sealing.encryptor.message_id)
            beside = seal(self.keys, key_beside, Metadata())
            stage(self._objects, key_beside, sealing.overflow, attributes=None, sealing=beside).commit()
        return None, sealing

    def _listed(self, stat: Stat) -> ObjectInfo:
        return ObjectInfo(stat.key, listed_size(self.keys, stat.size) if self.keys else stat.size, stat.modified, stat)

    def check_key(self, key: str) -> None:
        """Raise InvalidKey for a key that no volume holds, or whose sealed name does not fit this store.

        Raises ForkedProcess, as everything that takes a key, where this process was forked since the volume was opened.
        """
        self._born.check(self)
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


@dataclass(frozen=True, slots=True)
class _Here:
    """The destination of a file that is written to a volume."""

    volume: Volume
    key: str
    described: Metadata
    expect: Expectation
    parallel: int

    @property
    def hold(self) -> int:
        return self.volume.backend.capabilities.part_size

    def write(self, data: Buffer) -> ObjectInfo:
        described = self.described
        return self.volume.write(
            self.key, data, attributes=described.attributes, modified=described.modified, expect=self.expect
        )

    def begin(self) -> Stream:
        return self.volume.stream(self.key, self.described, expect=self.expect, parallel=self.parallel)

    def commit(self, staged: Staged) -> ObjectInfo:
        return self.volume.committed(staged, self.key, self.described, self.expect)


def guessed(key: str) -> Attributes:
    """Return attributes with the content type that the key's ending suggests."""
    content_type, encoding = mimetypes.guess_type(key, strict=False)
    # A guessed content-encoding would make HTTP clients unpack what they only meant to fetch.
    return Attributes(content_type=content_type if content_type and not encoding else "application/octet-stream")


def _for_host(attributes: Attributes) -> Attributes | None:
    return None if attributes == Attributes() else attributes
