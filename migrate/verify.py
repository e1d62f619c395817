"""Verifying: every copy is read back from the target, decrypted, and compared with what was read from the source.

Compared are the keyed digest and the size of the plaintext. In a sealed target the attributes and the modification time need no
second look: they were sealed from the source's own when the object was copied, they are authenticated with the object, and the
ETag of the source version that is sealed beside them must be the one that the journal names.

What could not be read is *unverified*, which is neither equal nor different, and never passes for verified.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from migrate import tokens
from migrate.digests import LeafDigest, digest_key, equal
from migrate.inventory import FOREIGN_NAME, listed_at
from migrate.journal import Item, Journal, Outcome
from migrate.receipts import WORKERS, work_through
from migrate.states import State, Sum
from migrate.trouble import Abandoned, Blamed, Trouble, blame, repeating
from portable.errors import IntegrityError, NotFound, UnknownEpoch
from portable.volume import Volume
from portable.volume.reading import WINDOW, chunks

Problem = Literal["failed", "unverified", "extra"]

SHOWN: Final = 1_000
"""Findings that a result holds by name; the journal holds all."""
MISSING: Final = "missing at the target"
REPLACED: Final = (
    "replaced at the target: what stands there is authentic, but not the copy of the version that the journal names"
)
NO_DIGEST: Final = "could not be checked: the journal has no digest of it"
STRANGE: Final = "extra at the target: this migration has no receipt for it"
FOREIGN: Final = "extra at the target: this volume never stored anything under that name"
LEFT_OVER: Final = "extra at the target: its original is gone at the source; the cutover deletes it"


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not verified, or not expected, and why."""

    key: str
    problem: Problem
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What one run of `verify_objects` found."""

    verified: Sum
    failed: Sum
    unverified: Sum
    """Could not be checked: not equal, as far as anybody knows."""
    extra: int
    """Objects at the target beside the inventory."""
    findings: tuple[Finding, ...]
    """The first ones by name, at most `SHOWN`."""
    stopped: bool
    """Whether `stop` ended the run before it was through."""

    @property
    def clean(self) -> bool:
        """Whether everything that was looked at is equal, and nothing else stands at the target."""
        return not (self.stopped or self.failed.objects or self.unverified.objects or self.extra)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What became of one object."""

    item: Item
    outcome: Outcome
    trouble: Trouble | None = None


def verify_objects(
    journal: Journal,
    source: Volume,
    target: Volume,
    *,
    only_copied: bool = False,
    workers: int = WORKERS,
    stop: threading.Event | None = None,
    progress: Callable[[Sum], None] | None = None,
) -> Verification:
    """Read every copy back and compare it; record it as verified or failed, or leave it copied where it could not be checked.

    What was verified before is read again, unless `only_copied`: that is for a delta, and leaves out the extra objects, which
    take a listing of the whole target. Of the source only the keys are used, where the target is clear.

    Raises: NotFound (the target's container), RefusedError (its listing repeats itself), ConfigurationError (neither volume is
    sealed), and Denied, Unavailable, KeysError when the target seems to refuse every object.
    """
    abandon = threading.Event()
    checker = _Checker(target, digest_key(target.keys, source.keys), abandon)
    sums: dict[State, Sum] = {"verified": Sum(), "failed": Sum(), "copied": Sum()}
    findings: list[Finding] = []

    def record(results: Sequence[_Checked]) -> None:
        journal.record(result.outcome for result in results)
        for result in results:
            sums[result.outcome.state] += Sum(1, result.item.size)
        findings.extend(itertools.islice((_found(r) for r in results if r.outcome.reason), SHOWN - len(findings)))
        if progress is not None:
            progress(sum((Sum(1, result.item.size) for result in results), Sum()))

    extra = 0
    if not only_copied:
        journal.scan("target", listed_at(target))
        for finding in _extras(journal):
            extra += 1
            if extra <= SHOWN // 2:  # the other half is for what is wrong with the copies
                findings.append(finding)
    items = journal.items("copied") if only_copied else journal.items("copied", "verified")
    finished = work_through(items, checker, record, workers=workers, abandon=abandon, stop=stop)
    return Verification(sums["verified"], sums["failed"], sums["copied"], extra, tuple(findings), stopped=not finished)


class _Checker:
    """Checks one copy at a time; shared by the threads."""

    def __init__(self, target: Volume, digest_key: bytes, abandon: threading.Event) -> None:
        self._target = target
        self._digest_key = digest_key
        self._abandon = abandon
        self._repeating = repeating(abandon)

    def __call__(self, item: Item) -> _Checked | None:
        """Check the copy; return None where it was left as it was, because the run ends."""
        if item.digest is None:
            return _Checked(item, Outcome(item.id, "copied", reason=NO_DIGEST))
        try:
            return _Checked(item, self._repeating(self._check, item, item.digest))
        except Abandoned:
            return None
        except Blamed as blamed:
            return _Checked(item, _refused(item, blamed), None if isinstance(blamed.error, NotFound) else blamed.trouble)

    def _check(self, item: Item, expected: bytes) -> Outcome:
        """Read the copy and compare it with the journal. Raises: Blamed, Abandoned."""
        digest = LeafDigest()
        with blame("target"):
            reader = self._target.reader(item.key, ahead=WINDOW)
            info = reader.info
            if info.size != item.size:
                return Outcome(item.id, "failed", reason=f"corrupt at the target: {info.size} bytes instead of {item.size}")
            if info.message_id is not None and info.source_etag != tokens.etag_of(item.source):
                return Outcome(item.id, "failed", reason=REPLACED)
            for chunk in chunks(reader):
                if self._abandon.is_set():
                    raise Abandoned
                digest.update(chunk)
        if not equal(digest.keyed(self._digest_key), expected):
            return Outcome(item.id, "failed", reason="corrupt at the target: other content than was read from the source")
        return Outcome(item.id, "verified", target=tokens.written(info.stat))


def _refused(item: Item, blamed: Blamed) -> Outcome:
    """Tell what is wrong at the target from what could not be seen there."""
    if isinstance(blamed.error, NotFound):
        return Outcome(item.id, "failed", reason=MISSING)
    # A copy names an epoch that the keyring held when it was written, so another name is an alteration like any other.
    if isinstance(blamed.error, (IntegrityError, UnknownEpoch)):
        return Outcome(item.id, "failed", reason=f"corrupt at the target: {blamed.error}")
    return Outcome(item.id, "copied", reason=f"could not be checked {blamed}")


def _found(result: _Checked) -> Finding:
    problem: Problem = "failed" if result.outcome.state == "failed" else "unverified"
    return Finding(result.item.key, problem, result.outcome.reason or "")


def _extras(journal: Journal) -> Iterator[Finding]:
    for listed in journal.extras():
        yield Finding(listed.key, "extra", FOREIGN if listed.variant == FOREIGN_NAME else STRANGE)
    for item in journal.items("vanished"):
        if item.target is not None:
            yield Finding(item.key, "extra", LEFT_OVER)
