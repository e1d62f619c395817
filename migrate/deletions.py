"""Carrying deletions: copies whose original is gone at the source go at the target too."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from migrate import tokens
from migrate.journal import Item, Journal, Outcome
from migrate.receipts import WORKERS, work_through
from migrate.states import Sum
from migrate.trouble import Blamed, Trouble, blame
from portable.backends.protocol import Matches
from portable.errors import NotFound, PreconditionFailed
from portable.volume import Volume

KEPT = "gone at the source; the object at the target is no longer the copy that was made, so it was not deleted"
UNCONDITIONAL = "gone at the source; the host of the target deletes under no condition: delete the copy there by hand"


@dataclass(frozen=True, slots=True)
class DeletionSummary:
    """What one run of `delete_vanished` did. What it kept stays vanished in the journal, with a reason and its receipt."""

    deleted: Sum
    kept: Sum
    stopped: bool


@dataclass(frozen=True, slots=True)
class _Deleted:
    """What became of one copy; `kept` says why it is still there."""

    item: Item
    kept: str | None = None
    trouble: Trouble | None = None


def delete_vanished(
    journal: Journal, target: Volume, *, workers: int = WORKERS, stop: threading.Event | None = None
) -> DeletionSummary:
    """Delete, at the target, every copy whose original has vanished at the source; forget its receipt once it is gone.

    A deletion expects the very version of the receipt, so nothing that somebody else wrote there is lost, now or by a request
    that is late. A host that cannot do that deletes nothing: the copies are kept, and the gate stays shut while they stand.

    Raises: Denied, Unavailable, KeysError when the target seems to refuse every deletion.
    """
    sums = {"deleted": Sum(), "kept": Sum()}

    def delete(copy: tuple[Item, str]) -> _Deleted:
        item, token = copy
        try:
            with blame("target"):
                return _Deleted(item, _delete(target, item.key, tokens.etag_of(token)))
        except Blamed as blamed:
            return _Deleted(item, f"gone at the source; its copy is not deleted yet, {blamed}", blamed.trouble)

    def record(results: Sequence[_Deleted]) -> None:
        journal.record(Outcome(result.item.id, "vanished", reason=result.kept) for result in results if result.kept)
        journal.forget_copies(result.item.id for result in results if not result.kept)
        for result in results:
            sums["kept" if result.kept else "deleted"] += Sum(1, result.item.size)

    copies = ((item, item.target) for item in journal.items("vanished") if item.target is not None)
    finished = work_through(copies, delete, record, workers=workers, abandon=threading.Event(), stop=stop)
    return DeletionSummary(sums["deleted"], sums["kept"], stopped=not finished)


def _delete(target: Volume, key: str, etag: str) -> str | None:
    """Delete this version at the key; return why an object that still stands there was kept."""
    kept = UNCONDITIONAL
    if target.backend.capabilities.conditional_delete:
        try:
            target.delete(key, expect=Matches(etag))
        except PreconditionFailed:
            kept = KEPT
        else:
            return None
    try:
        target.backend.stat(target.stored_key(key))
    except NotFound:
        return None
    return kept
