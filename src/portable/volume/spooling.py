"""An upload that waits on this machine, for hosts that commit no upload under a condition: one conditional put sends it whole.

What waits is ciphertext, in a file without a name in the folder for temporary files (TMPDIR), which is gone with the process.
"""

import mmap
from collections.abc import Mapping

from typing_extensions import Buffer

from portable.backends.protocol import ANY, Attributes, Backend, Checksum, Expectation, Stat
from portable.backends.spool import Spool
from portable.errors import Unsupported


class SpooledUpload:
    """The parts of one message, in turn, until `commit` puts them as one object. It takes as much room as the object.

    The put reads the file through the memory map, so that memory holds what the machine has to spare of it.
    """

    token = ""

    def __init__(self, backend: Backend, key: str, attributes: Attributes | None) -> None:
        """Make the file that waits. Raises: Unavailable (no temporary file can be made here)."""
        self._backend, self._key, self._attributes = backend, key, attributes
        self._lengths: list[int] = []
        self._spool = Spool(f"{key!r} in {backend!r}")

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`; parts come in turn. Raises: Unsupported (longer than one put), Unavailable (no room), NotFound."""
        self._spool.check_open("part")
        view = memoryview(data).cast("B")
        if number != len(self._lengths):
            raise ValueError(f"part {number} of {self._key!r} is out of turn: {len(self._lengths)} comes next")
        largest, length = self._backend.capabilities.largest_conditional, sum(self._lengths)
        if length + view.nbytes > largest:
            raise Unsupported(
                f"write {self._key!r} to {self._backend!r}: the host commits an upload on no condition, and takes at most "
                f"{largest} bytes in one put"
            )
        self._spool.write(number, view, length)
        self._lengths.append(view.nbytes)
        return "none"

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`: what waits on this machine."""
        self._spool.check_open("staged")
        return dict(enumerate(self._lengths))

    def commit(self, expect: Expectation = ANY) -> Stat:
        """Put the whole object. Raises: what `Backend.put` raises; may be repeated after Unavailable."""
        self._spool.check_open("commit")
        # Not closed by hand: the frames of an error refer to parts of it for as long as the error is looked at.
        mapped = mmap.mmap(self._spool.descriptor, 0, access=mmap.ACCESS_READ)
        stat = self._backend.put(self._key, mapped, expect=expect, attributes=self._attributes)
        self._spool.close()
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        self._spool.close()

    def through(self, backend: Backend) -> "SpooledUpload":
        """Return the same upload, to be committed through another backend that is bound to the same store."""
        self._backend = backend
        return self
