"""What one write stages, at one home or at one after another: from data that can be read again, or that cannot."""

import contextlib
from collections.abc import Callable, Iterable
from typing import BinaryIO, Protocol, cast

from portable.backends.protocol import Expectation
from portable.catalog.entry import Home
from portable.errors import Denied, NotFound, OutcomeUnknown, PortableError, RetryableError, Unsupported
from portable.sealed import Metadata
from portable.volume import Volume
from portable.volume.staged import Staged
from portable.volume.writing import Source


class Supply(Protocol):
    """Gives one object, staged and ready to be committed."""

    def at(self, volume: Volume, home: Home, *, sent: bool) -> Staged:
        """Return the object, staged at `home`, which is `volume` now. `sent` tells that a commit of it was sent before.

        Raises: what `Volume.stage` raises; and where it cannot be staged once more, OutcomeUnknown if `sent`, else exactly
        RetryableError: nothing was written then.
        """

    def ends(self, error: RetryableError) -> bool:
        """Tell whether no further attempt is possible after this error of an attempt."""

    def close(self) -> None:
        """Drop what is staged and was not committed."""


def supply(key: str, data: Source, described: Metadata, expect: Expectation) -> Supply:
    """Return what stages `data` as the object at `key`, as often as the data can be read."""
    if not hasattr(data, "read") and (isinstance(data, (bytes, bytearray, memoryview)) or not isinstance(data, Iterable)):
        return Replayed(lambda volume: volume.stage(key, data, described, expect=expect))
    seekable = getattr(data, "seekable", None)
    if seekable is not None and seekable():
        stream = cast("BinaryIO", data)
        start = stream.tell()

        def again() -> Source:
            stream.seek(start)
            return stream

        return Replayed(lambda volume: volume.stage(key, again(), described, expect=expect))
    return Once(key, lambda volume: volume.stage(key, data, described, expect=expect))


class Replayed:
    """Stages anew wherever an attempt needs it: every attempt after a commit was sent is a message of its own."""

    def __init__(self, stage: Callable[[Volume], Staged]) -> None:
        self._stage = stage
        self._staged: tuple[Volume, Staged] | None = None

    def at(self, volume: Volume, home: Home, *, sent: bool) -> Staged:  # noqa: ARG002 - the contract
        """See `Supply.at`."""
        if self._staged is None or sent or self._staged[0] is not volume:
            self.close()
            self._staged = volume, self._stage(volume)
        return self._staged[1]

    def ends(self, error: RetryableError) -> bool:  # noqa: ARG002 - the contract
        """See `Supply.ends`."""
        return False

    def close(self) -> None:
        """See `Supply.close`."""
        if self._staged is not None:
            _abort(self._staged[1])
            self._staged = None


class Once:
    """Stages once, and keeps to the store where it did. What is staged there is committed again if it must be."""

    def __init__(self, key: str, stage: Callable[[Volume], Staged]) -> None:
        self._key, self._stage = key, stage
        self._begun = False
        self._staged: tuple[Home, Volume, Staged] | None = None

    @classmethod
    def of(cls, key: str, home: Home, volume: Volume, staged: Staged) -> "Once":
        """Supply what is staged already, at `home` through `volume`."""
        self = cls(key, lambda _: staged)
        self.at(volume, home, sent=False)
        return self

    def at(self, volume: Volume, home: Home, *, sent: bool) -> Staged:
        """See `Supply.at`."""
        if not self._begun:
            self._begun = True
            self._staged = home, volume, self._stage(volume)
        elif self._staged is None:
            raise self._lost("an attempt to send it failed", sent=sent)
        elif self._staged[1] is not volume:
            self._staged = home, volume, self._taken_over(*self._staged, volume, home, sent=sent)
        return self._staged[2]

    def ends(self, error: RetryableError) -> bool:
        """See `Supply.ends`. Exactly RetryableError means that what was staged is lost, and nothing was written."""
        return type(error) is RetryableError

    def close(self) -> None:
        """See `Supply.close`."""
        if self._staged is not None:
            _abort(self._staged[2])
            self._staged = None

    def _taken_over(self, at: Home, by: Volume, staged: Staged, volume: Volume, home: Home, *, sent: bool) -> Staged:
        """Return what was staged, for `volume`: the store's requests have the bounds of another lease, or its keys changed."""
        if at != home:
            raise self._lost("the volume moved to another home", sent=sent)
        if _epoch(by) != _epoch(volume):
            raise self._lost("the volume's active epoch is another one", sent=sent)
        if by.backend is volume.backend:
            return staged
        try:
            return volume.taken_over(staged)
        except (Denied, NotFound, Unsupported) as refusal:
            raise self._lost(f"what was sent cannot be gone on with under another lease ({refusal})", sent=sent) from refusal

    def _lost(self, why: str, *, sent: bool) -> RetryableError:
        if sent:
            return OutcomeUnknown(f"{why} while {self._key!r} was committed, and its data cannot be read twice: write it again")
        return RetryableError(
            f"{why} while {self._key!r} was sent: nothing of it was written, and its data cannot be read twice: write it again"
        )


def _epoch(volume: Volume) -> bytes | None:
    return volume.keys.active_epoch.id if volume.keys else None


def _abort(staged: Staged) -> None:
    with contextlib.suppress(PortableError):
        staged.abort()
