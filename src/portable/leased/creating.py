"""Where a file goes that is written to a volume wherever its home is.

Parts go to the home at which the first of them was sent, whatever becomes of the volume meanwhile. What they make is committed
under a lease, like any write.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import Buffer

from portable.backends.protocol import Expectation
from portable.catalog.entry import Home
from portable.leased.supply import Once
from portable.leased.writing import Writing
from portable.sealed import Metadata
from portable.volume import ObjectInfo, Volume
from portable.volume.staged import Staged
from portable.volume.writing import Stream


@dataclass(slots=True)
class UnderLease:
    """The destination of one file."""

    key: str
    hold: int
    """Bytes: what is no longer than this stays in memory, and can be written at one home after another."""
    described: Metadata
    expect: Expectation
    parallel: int | None
    writable: Callable[[], tuple[Home, Volume]]
    """Gives the home, and the volume there, when it may be written to."""
    whole: Callable[[Buffer], ObjectInfo]
    """Writes an object held in memory."""
    carry: Callable[[Writing], ObjectInfo]
    """Carries a write through, under a lease."""
    _begun: tuple[Home, Volume] | None = field(default=None, init=False)

    def write(self, data: Buffer) -> ObjectInfo:
        """See `Destination.write`."""
        return self.whole(data)

    def begin(self) -> Stream:
        """See `Destination.begin`."""
        self._begun = _, volume = self.writable()
        return volume.stream(self.key, self.described, expect=self.expect, parallel=self.parallel)

    def commit(self, staged: Staged) -> ObjectInfo:
        """See `Destination.commit`."""
        if self._begun is None:
            raise RuntimeError("a stream is begun before it is committed")
        supply = Once.of(self.key, *self._begun, staged)
        return self.carry(Writing(self.key, supply, self.described, self.expect))
