"""Copying: every pending object from the source volume to the target volume, with a durable receipt for each.

What each write at the target expects there keeps other people's objects, and later versions, safe: nothing, where the journal
has no receipt for the key; the version of the receipt, where it has one. Where something else stands, it is replaced only if it
is an authentic copy that a migration of this volume wrote under this key (its receipt was lost in a crash), and again only that
very version. A clear target has no authentic copies, so there nothing else is ever replaced.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from migrate import tokens
from migrate.digests import LeafDigest, digest_key
from migrate.journal import Item, Journal, Outcome
from migrate.receipts import WORKERS, work_through
from migrate.states import State, Sum
from migrate.trouble import Abandoned, Blamed, Trouble, blame, repeating
from portable.backends.protocol import ABSENT, Attributes, Expectation, Matches, Stat
from portable.errors import (
    AlreadyExists,
    IntegrityError,
    KeysError,
    NotFound,
    OutcomeUnknown,
    PortableError,
    PreconditionFailed,
    RetryableError,
    Unavailable,
    Unsupported,
)
from portable.sealed import Metadata
from portable.volume import ObjectInfo, Volume
from portable.volume.reading import WINDOW, Reader, chunks
from portable.volume.staged import Staged

CONFLICTS: Final = 3
"""Times that one message is offered to the target with another expectation."""
GONE: Final = "gone at the source"
FOREIGN: Final = "it holds an object that this migration did not write: move it away or delete it there, then copy again"


@dataclass(frozen=True, slots=True)
class CopySummary:
    """What one run of `copy_objects` did."""

    copied: Sum
    failed: Sum
    vanished: Sum
    stopped: bool
    """Whether `stop` ended the run before it was through."""


@dataclass(frozen=True, slots=True)
class _Copied:
    """What became of one object."""

    outcome: Outcome
    size: int
    trouble: Trouble | None = None


def copy_objects(
    journal: Journal,
    source: Volume,
    target: Volume,
    *,
    workers: int = WORKERS,
    stop: threading.Event | None = None,
    progress: Callable[[Sum], None] | None = None,
) -> CopySummary:
    """Copy every object that is pending or failed, and record a receipt for each; return once nothing is in flight.

    An object that cannot be copied is recorded as failed with its reason, and the others go on. `stop` ends the run early: what
    is in flight is finished or left as it was. `progress` is told the objects and bytes of each durable batch. Memory holds the
    parts in flight, some 40 MiB a worker at most.

    Raises: Unsupported (the target has no conditional writes), ConfigurationError (neither volume is sealed), and Denied,
    Unavailable, NotFound, KeysError when a host seems to refuse every object; all receipts are durable then, too.
    """
    capabilities = target.backend.capabilities
    if not (capabilities.conditional_create and capabilities.conditional_replace):
        raise Unsupported(
            "the target host has no conditional writes, so a copy could overwrite what somebody else wrote: "
            "nothing was copied; choose a host that has them (portable probe URL tells)"
        )
    abandon = threading.Event()
    copier = _Copier(source, target, digest_key(target.keys, source.keys), abandon)
    sums: dict[State, Sum] = {"copied": Sum(), "failed": Sum(), "vanished": Sum()}

    def record(results: Sequence[_Copied]) -> None:
        journal.record(result.outcome for result in results)
        for result in results:
            sums[result.outcome.state] += Sum(1, result.size)
        if progress is not None:
            progress(sum((Sum(1, result.size) for result in results), Sum()))

    items = journal.items("pending", "failed")
    finished = work_through(items, copier, record, workers=workers, abandon=abandon, stop=stop)
    return CopySummary(sums["copied"], sums["failed"], sums["vanished"], stopped=not finished)


class _Copier:
    """Copies one object at a time; shared by the threads."""

    def __init__(self, source: Volume, target: Volume, digest_key: bytes, abandon: threading.Event) -> None:
        self._source = source
        self._target = target
        self._digest_key = digest_key
        self._abandon = abandon
        self._repeating = repeating(abandon)

    def __call__(self, item: Item) -> _Copied | None:
        """Copy the object; return None where it was left as it was, because the run ends."""
        if item.variant:
            return _failed(item, f"{item.variant} is no current object: only current objects are copied")
        try:
            outcome, size = self._repeating(self._copy, item)
        except Abandoned:
            return None
        except Blamed as blamed:
            return _failed(item, str(blamed), blamed.trouble)
        return _Copied(outcome, size)

    def _copy(self, item: Item) -> tuple[Outcome, int]:
        """Read the version that the source holds now, write it as a new message, and return its receipt."""
        self._go_on()
        reader = self._open(item.key)
        if reader is None:
            return Outcome(item.id, "vanished", reason=GONE), item.size
        info, digest = reader.info, LeafDigest()
        described = Metadata(info.attributes or Attributes(), info.modified, source_etag=info.etag)
        with blame("target"):
            staged = self._target.stage(
                item.key, self._read(reader, digest), described, expect=_expected(item), parallel=1, size=info.size
            )
            try:
                written = self._commit(item, staged)
            except BaseException:
                # What went wrong is the news; a failing abort must not hide it.
                with contextlib.suppress(PortableError):
                    staged.abort()
                raise
        return Outcome(
            item.id,
            "copied",
            size=digest.size,
            source=tokens.token(info.stat),
            target=tokens.written(written),
            digest=digest.keyed(self._digest_key),
        ), digest.size

    def _open(self, key: str) -> Reader | None:
        """Open the source's version of now; None where there is none any more."""
        with blame("source"):
            try:
                return self._source.reader(key, ahead=WINDOW)
            except NotFound:
                # A container that is gone answers the same for every object in it; its listing raises.
                next(self._source.backend.list(), None)
                return None

    def _read(self, reader: Reader, digest: LeafDigest) -> Iterator[bytes]:
        """Give the plaintext of one version, whole or not at all, and take its digest."""
        with blame("source"):
            for chunk in chunks(reader):
                self._go_on()
                digest.update(chunk)
                yield chunk
            if digest.size != reader.info.size:
                raise IntegrityError(f"the host gave {digest.size} bytes of an object that has {reader.info.size}")

    def _commit(self, item: Item, staged: Staged) -> Stat:
        """Make the message visible where the target holds what it may replace; return the written object's description."""
        expect = _expected(item)
        for _ in range(CONFLICTS):
            self._go_on()
            try:
                return staged.commit(expect)
            except (AlreadyExists, OutcomeUnknown, PreconditionFailed, Unavailable) as refusal:
                standing = self._standing(item.key)
                if standing is not None and None is not standing.message_id == staged.message_id:
                    return standing.stat  # the write happened, and its answer was lost
                if isinstance(refusal, RetryableError):
                    raise
                if standing is not None and standing.source_etag is None:
                    raise AlreadyExists(FOREIGN) from None
                expect = ABSENT if standing is None else Matches(standing.etag)
        raise PreconditionFailed("the object at the target was replaced again and again while it was copied")

    def _standing(self, key: str) -> ObjectInfo | None:
        """Describe the authentic object at the key in the target; None where none stands. Raises: AlreadyExists (foreign)."""
        try:
            return self._target.info(key)
        except NotFound:
            return None
        except (IntegrityError, KeysError):
            raise AlreadyExists(FOREIGN) from None

    def _go_on(self) -> None:
        if self._abandon.is_set():
            raise Abandoned


def _expected(item: Item) -> Expectation:
    return Matches(tokens.etag_of(item.target)) if item.target else ABSENT


def _failed(item: Item, reason: str, trouble: Trouble | None = None) -> _Copied:
    return _Copied(Outcome(item.id, "failed", reason=reason), item.size, trouble)
