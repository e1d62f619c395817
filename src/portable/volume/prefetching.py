"""What a file holds of its object, and what it fetches in advance once it is read from front to back.

Nothing is fetched in advance before the third request since the last jump, and never more than was read since: whoever jumps
about costs the host nothing but what is asked for, and whoever turns away early at most as much again.
"""

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from portable.volume.fetching import Fetching
from portable.volume.planning import Reading, Stretch
from portable.volume.reading import Reader

if TYPE_CHECKING:
    from concurrent.futures import Future

_GRAIN: Final = 64 * 1024
"""Bytes: the least that is fetched, because fewer take as long."""
_STEADY: Final = 2
"""Stretches that were read one after another, before any is fetched in advance."""


class Prefetching:
    """Stretches of one reader, in bounded memory: `windows` + 1 of at most `window` bytes. For one thread at a time."""

    def __init__(self, reader: Reader, fetching: Fetching, reading: Reading) -> None:
        self._reader = reader
        self._fetching = fetching
        self._window = -(-reading.window // reader.unit) * reader.unit
        self._windows = reading.windows
        self._start, self._data = 0, b""
        """The window that is held, and where it starts."""
        self._coming: deque[tuple[Stretch, Future[bytes]]] = deque()
        """What is fetched in advance, in ascending order, each going on where the one before ends."""
        self._origin = 0
        """Where the last jump led."""
        self._windows_since = 0
        """Stretches that came into use since then."""

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._reader.info.size

    def jump(self, position: int) -> None:
        """Note that reading goes on at `position`, and not where it ended."""
        self._origin, self._windows_since = position, 0
        end = self._coming[-1][0].stop if self._coming else self._start + len(self._data)
        if not self._start <= position < end:
            self._drop()

    def read(self, position: int, length: int) -> bytes:
        """Return the bytes [position, position + length), clamped to the object. Raises: what `Reader.read` raises."""
        length = max(0, min(length, self.size - position))
        inside = position - self._start
        if 0 <= inside <= len(self._data) - length:
            return self._data[inside : inside + length]
        parts: list[bytes] = []
        while length > 0:
            parts.append(self.some(position, length))
            position, length = position + len(parts[-1]), length - len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def some(self, position: int, length: int = _GRAIN) -> bytes:
        """Return at most `length` bytes from `position` on, at least one unless the object ends; by no more than one request.

        Raises: what `Reader.read` raises.
        """
        if not self._holds(position):
            if position >= self.size or length <= 0:
                return b""
            direct = self._move(position, length)
            if direct is not None:
                return direct
        inside = position - self._start
        return self._data[inside : inside + length]

    def close(self) -> None:
        """Let go of everything. What is under way ends by itself, and nobody waits for it."""
        self._drop()
        self._start, self._data = 0, b""

    def _holds(self, position: int) -> bool:
        return 0 <= position - self._start < len(self._data)

    def _move(self, position: int, length: int) -> bytes | None:
        """Hold the window that `position` lies in, and see that the next ones come; or return the bytes, not to be held."""
        direct = None
        while self._coming and self._coming[0][0].start <= position and not self._holds(position):
            self._receive()
        if not self._holds(position):
            if length >= self._window:
                self._start, self._data = position + length, b""
                direct = self._reader.read(position, position + length)
            else:
                self._fetch(position, length)
        self._windows_since += 1
        if self._windows_since > _STEADY:
            self._order(position)
        return direct

    def _receive(self) -> None:
        """Hold what was fetched in advance next; nothing, where that has not begun or has failed."""
        stretch, future = self._coming.popleft()
        # What failed in advance is asked for again when it is wanted, and only then an error.
        if not future.cancel() and future.exception() is None:
            self._start, self._data = stretch.start, future.result()

    def _fetch(self, position: int, length: int) -> None:
        """Hold the units that `length` bytes lie in, and more of them the longer the run."""
        most = max(length, _GRAIN, min(position - self._origin, self._window))
        stretch = Stretch(position, position + most).aligned(self._reader.unit, self.size)
        self._start, self._data = stretch.start, self._reader.read(*stretch)

    def _order(self, position: int) -> None:
        """Begin to fetch what comes next, no more than lies between the last jump and `position`."""
        run = position - self._origin
        start = self._coming[-1][0].stop if self._coming else self._start + len(self._data)
        while len(self._coming) < self._windows and start < self.size:
            longest = Stretch(start, start + max(_GRAIN, min(run, self._window))).aligned(self._reader.unit, self.size)
            step = Stretch(start, longest.stop)
            if step.stop - self._start - len(self._data) > run:
                break
            future = self._fetching.begin(partial(self._reader.read, *step))
            if future is None:
                break
            self._coming.append((step, future))
            start = step.stop

    def _drop(self) -> None:
        while self._coming:
            self._coming.pop()[1].cancel()
