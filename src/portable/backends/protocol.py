"""The contract between this package and a host: five verbs, and a staged upload for large objects.

A backend is bound to one store, so keys are relative to the store's root. It answers truthfully or raises one of
`portable.errors`; what its host cannot do it refuses with `Unsupported` and never emulates. Vendor exceptions do not leave it.
Instances are safe to use from several threads.

A host's backend sends each request once; `RetryingBackend` makes calls again, by the table in `retry_rules`. What ended
Unavailable may have taken effect. So reads may be made again, and mutations whose effect is the same twice. A conditional
mutation may then be refused by what it did itself: its refusal is no news before the write id of what stands there was looked
at (`write_ids`), and where that tells nothing, the call ends OutcomeUnknown. Each verb says here what holds of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct
from typing_extensions import Buffer

from portable.errors import Unsupported

_MIB: Final = 1 << 20
_STEPS: Final = 8
"""How often the parts of a stream may double."""

ANY: Final = "any"
ABSENT: Final = "absent"


@dataclass(frozen=True, slots=True)
class Matches:
    """Expect the version with this ETag (as `Stat.etag` gave it) to stand at the key."""

    etag: str


Expectation = Literal["any", "absent"] | Matches
"""What a mutation expects at its key: `ANY`, `ABSENT` (conditional create) or `Matches` (conditional replace)."""


Checksum = Literal["crc64nvme", "crc32c", "sha256", "md5", "none"]
"""A checksum of bytes on the wire, or "none" where nothing was compared. CRC-64/NVME is what Azure calls CRC64."""


class Attributes(Struct, frozen=True):
    """What a host keeps beside the bytes of an object: HTTP headers and user metadata."""

    content_type: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    metadata: Mapping[str, str] = msgspec.field(default_factory=dict)


class Stat(Struct, frozen=True, eq=False):
    """One stored object as its host describes it."""

    key: str
    size: int
    """Bytes as stored."""
    modified: datetime
    """The host's Last-Modified, in UTC."""
    etag: str
    """Opaque; changes whenever the bytes at the key change. Never empty."""
    attributes: Attributes | None = None
    """None where the call does not tell them (a listing, on most hosts)."""
    details: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What only an inventory asks for, by the host's own names (`blob_type`, `tier`, `content_md5`, `snapshot` ...)."""
    confirmed: Checksum = "none"
    """Of a mutation: the strongest checksum of what was sent that the host's answer confirmed. It is not compared."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stat) and self._described() == other._described()

    def _described(self) -> tuple[object, ...]:
        return self.key, self.size, self.modified, self.etag, self.attributes, self.details


class Folder(Struct, frozen=True):
    """The keys that share a prefix up to a slash: what `Backend.children` shows in the place of them all."""

    prefix: str
    """Ends in a slash."""


class Fetched(Struct, frozen=True):
    """The answer to `get`: the bytes of the range, and the whole object's description."""

    data: Buffer
    stat: Stat
    confirmed: Checksum = "none"
    """The checksum of the host's that `data` was compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend's host can do. A call that needs what is False here raises `Unsupported`, before anything is sent."""

    conditional_create: bool = False
    """`put` with ABSENT."""
    conditional_replace: bool = False
    """`put` with Matches."""
    conditional_delete: bool = False
    """`delete` with Matches."""
    conditional_commit: bool = False
    """`Upload.commit` with ABSENT or Matches."""
    attributes: bool = False
    """HTTP headers and user metadata are stored."""
    checksums: frozenset[Checksum] = frozenset()
    """Checksums of written bytes that the host verifies: it refuses bytes that do not fit, and its answer confirms them."""
    checked_read: int = 0
    """Bytes: up to this length a `get` is compared with a checksum of the host's; 0 where it gives none."""
    resumable: bool = False
    """A staged upload can be found, and gone on with, by another process."""
    tags: bool = False
    versions: bool = False
    """The host keeps earlier versions of an object where its container is set to."""
    part_size: int
    """Bytes: the least that a part of an upload but the last has (see `part_size_for`); also the largest `put` that a volume
    makes."""
    max_parts: int
    largest_part: int = 0
    """Bytes: what parts may grow to, and one `put` too; 0 where every part but the last has exactly `part_size`."""
    largest_object: int = 0
    """Bytes: the host's own bound of an object in parts; 0 where only number and size of the parts bound it."""
    key_room: int = 1024
    """Bytes of ASCII that a key may have at most, the store's prefix not counted."""
    empty_folders: bool = False
    """`children` may show a folder that holds nothing: the host has folders of its own, and keeps them without objects."""

    @property
    def largest_upload(self) -> int:
        """Bytes: the longest object that can be uploaded in parts, if its size is known when it is begun."""
        longest = self.max_parts * max(self.part_size, self.largest_part)
        return min(longest, self.largest_object) if self.largest_object else longest

    @property
    def largest_conditional(self) -> int:
        """Bytes: the longest object that can be written under a condition: by a put, where uploads are committed without."""
        return self.largest_upload if self.conditional_commit else max(self.part_size, self.largest_part)

    def part_size_for(self, size: int | None, number: int = 0) -> int:
        """Return how many bytes part `number` of an upload has, unless it is the last, which may be shorter. Pure.

        `size` is that of the whole object as stored, in bytes. All its parts have one size: `part_size` where `max_parts` of
        them are enough, else the least number of whole MiB that is. For a stream, whose size is not known (None), parts
        double after each eighth of `max_parts`: a short one costs no more memory, and a long one still fits.

        Raises: Unsupported, for a size over `largest_upload` (ask for part 0 before anything is sent), and for the part with
        which a stream would need more parts than there are, or become larger than an object may be.
        """
        largest = max(self.part_size, self.largest_part)
        if size is not None:
            if size > self.largest_upload:
                raise Unsupported(
                    f"{size} bytes: an upload to this host has at most {self.largest_upload}, in {self.max_parts} parts"
                )
            needed = -(-size // self.max_parts)
            return self.part_size if needed <= self.part_size else min(-(-needed // _MIB) * _MIB, largest)
        every = max(1, self.max_parts // _STEPS)
        doubled, beyond = divmod(number, every)
        before = sum(every * min(self.part_size << step, largest) for step in range(doubled))
        part = min(self.part_size << doubled, largest)
        if number >= self.max_parts or (self.largest_object and before + beyond * part >= self.largest_object):
            raise Unsupported(
                f"a stream of unknown length, {before + beyond * part} bytes by now: an upload to this host has no more parts "
                f"after {number}; it holds {self.largest_upload} bytes where their number is known at the beginning"
            )
        return part


class Upload(Protocol):
    """A large object on its way: parts are staged, invisible to readers, until one short `commit`."""

    token: str
    """What `Backend.resume` needs, beside the key, to go on in another process; "" where the backend is not `resumable`."""

    def part(self, number: int, data: Buffer) -> Checksum:
        """Stage part `number` (counted from 0), and return what the host confirmed of it.

        Parts may be staged from several threads, in any order, and again, also after Corrupt. `data` must not change until
        the call returns.

        Raises: ConfigurationError (an upload here has no such part, or none so long), NotFound (the upload is gone), Corrupt,
        Unsupported (the host's answer lacks what a commit needs), Denied, Unavailable.
        """

    def staged(self) -> Mapping[int, int]:
        """Return the parts that stand at the host, as the host tells: the length in bytes of each, by number.

        May be called again. Raises: NotFound (the upload is gone), Denied, Unavailable.
        """

    def commit(self, expect: Expectation = ANY) -> Stat:
        """Make the object visible as its parts in order of number.

        Called again after Unavailable, it may find the upload gone (NotFound) because it took effect. Not to be called again
        after Corrupt: a checksum of the whole object does not fit better the second time.

        Raises: AlreadyExists, PreconditionFailed (by `expect`), ConfigurationError (a part is missing, or one before the last
        is short), NotFound (the upload is gone), Unsupported, Corrupt, Denied, Unavailable (the outcome is unknown),
        OutcomeUnknown (as `Backend.put` does, and where the upload is gone after an answer was lost).
        """

    def abort(self) -> None:
        """Drop what was staged. Does nothing after a successful `commit`, or where the upload is gone; may be called again.

        Raises: Denied, Unavailable.
        """


class Unfinished(Struct, frozen=True):
    """A staged upload that was neither committed nor aborted."""

    key: str
    token: str
    """What `Backend.resume` takes."""
    started: datetime | None
    """In UTC; None where the host does not tell."""


class Backend(Protocol):
    """The five verbs. Sizes and offsets are bytes; times are seconds.

    Beside what each verb names, any call to a host may raise ConfigurationError, where the host answers that region or endpoint
    are wrong; Throttled, which is an Unavailable; and Cancelled, where the backend was closed while the call waited to be
    repeated. Listings raise while they are read.
    """

    capabilities: Capabilities
    bound: float
    """Seconds: no single mutation (`put`, `delete`, `Upload.commit`) outlives this, retries included."""

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """Return bytes [start, stop) of the object, clamped to its end (b"" where start is at or past it).

        Never fewer bytes than the range holds. May be called again, also after Corrupt.

        Raises: ConfigurationError (a negative bound), NotFound, PreconditionFailed (the ETag is not `if_match`), InvalidKey,
        Unsupported (an archived object), Corrupt (the bytes are not those of the host's checksum), Denied, Unavailable.
        """

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """Write the whole object in one atomic request: a reader sees the old object or the new one, whole.

        `data` must not change until the call returns. Returns the new object's description, with the ETag that a `stat`
        would give; its `modified` may be the client's time where the host does not tell it.

        Under `ANY` it may be called again. Under a condition, once an answer was lost or Corrupt, a refusal may be owed to the
        call before.

        Raises: AlreadyExists (`expect` is ABSENT), PreconditionFailed (`Matches`, also where nothing stands at the key), both
        only where nothing was written; NotFound (the container), InvalidKey (before anything is sent), Unsupported, Corrupt
        (other bytes came to the host; some hosts then keep them, and readers see them), Denied, Unavailable (the outcome is
        unknown), OutcomeUnknown (an earlier attempt may have taken effect, and its object is not there).
        """

    def stat(self, key: str) -> Stat:
        """Describe the object, attributes included. May be called again. Raises: NotFound, InvalidKey, Denied, Unavailable."""

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Describe every object whose key starts with `prefix` (a plain string prefix), in no promised order, each once.

        A missing container is NotFound, not an empty listing. May be called again; where it is one of `pages.Pages`, it goes on
        by itself where a page was lost. Raises: NotFound, Denied, Unavailable.
        """

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """Describe what stands directly under `prefix`, which is "" or ends in a slash, in no promised order, each once.

        In the place of the keys that go on behind another slash stands the `Folder` that they share. An object at `prefix`
        itself is shown, so that going down from folder to folder shows what `list` shows. A folder may turn out to hold
        nothing, where the host has empty ones. May be called again, as `list`.

        Raises: ConfigurationError (another prefix), NotFound (the container), Denied, Unavailable.
        """

    def inventory(self) -> Iterator[Stat]:
        """List everything a move must account for, with attributes where the host's listing has them and `details`.

        Slower than `list`, and complete where `list` may not be: awkward keys, snapshots, directory stubs, blobs that cannot
        be read now. An entry that is not a plain current object says so in `details`. May be called again, as `list`.

        Raises: NotFound (the container), Denied, Unavailable.
        """

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """Delete the object; a key with nothing at it is a success under `ANY`.

        Under `ANY` it may be called again. Under `Matches`, a refusal after a lost answer may be owed to the call before, which
        succeeded where nothing stands there any more.

        Raises: PreconditionFailed (`Matches`), NotFound (the container), InvalidKey, Unsupported, Denied, Unavailable (the
        outcome is unknown), OutcomeUnknown (an earlier attempt may have taken effect, and another version stands there).
        """

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """Start a staged upload. May be called again: a lost answer leaves an upload behind, which `unfinished` lists.

        Raises: NotFound (the container), InvalidKey (before anything is sent), Unsupported, Denied, Unavailable.
        """

    def resume(self, key: str, token: str, *, attributes: Attributes | None = None) -> Upload:
        """Go on with a staged upload that this process or another one began; `attributes` are those of its beginning.

        What was staged before counts: `Upload.staged` tells which parts. May be called again.

        Raises: ConfigurationError (no upload has such a token), NotFound (the upload is gone), InvalidKey, Unsupported, Denied,
        Unavailable.
        """

    def unfinished(self) -> Iterator[Unfinished]:
        """List the staged uploads of the store that were neither committed nor aborted, of this process and of others.

        To drop one, `resume` it and `abort`. May be called again, as `list`. Raises: NotFound (the container), Unsupported,
        Denied, Unavailable.
        """

    def close(self) -> None:
        """Release connections. The backend cannot be used afterwards, and calls that wait to be repeated end (Cancelled)."""
