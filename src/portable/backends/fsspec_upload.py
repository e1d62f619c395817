"""A staged upload to an fsspec filesystem: fsspec stages nothing at a host, so the parts wait on this machine."""

import os
from collections.abc import Callable, Mapping
from typing import Final

from typing_extensions import Buffer

from portable.backends.fsspec_writing import Spooled
from portable.backends.local_files import flat
from portable.backends.parts import check_part, check_sizes
from portable.backends.protocol import ANY, Checksum, Expectation, Stat
from portable.backends.spool import Spool
from portable.errors import Unsupported

PART_SIZE: Final = 8 << 20
"""Bytes: part n lies at n times this, so every part but the last has exactly this size."""
MAX_PARTS: Final = 1_000_000


class FsspecUpload:
    """Parts in a file of this machine that has no name, until `commit` sends them as one object.

    The file takes as much room as the object, in the folder for temporary files (TMPDIR). It is gone with the process.
    """

    token = ""

    def __init__(self, key: str, send: Callable[[Spooled], Stat], *, url: str) -> None:
        self._what, self._key, self._url, self._send = f"{key!r} in {url}", key, url, send
        self._sizes: dict[int, int] = {}
        self._spool = Spool(self._what)

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`. Nothing is sent. Raises: Unavailable (no room), ConfigurationError (no such part), NotFound."""
        self._spool.check_open("part")
        view = flat(data)
        check_part(number, view.nbytes, part_size=PART_SIZE, max_parts=MAX_PARTS, key=self._key, url=self._url)
        self._spool.write(number, view, number * PART_SIZE)
        self._sizes[number] = view.nbytes
        return "none"

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`: what waits on this machine."""
        self._spool.check_open("staged")
        return dict(sorted(self._sizes.items()))

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`. Everything is sent now, within the backend's bound; it may be repeated after Unavailable.

        Raises: ConfigurationError where a part is missing, or one before the last is short.
        """
        if expect != ANY:
            raise Unsupported(f"commit {self._what}: an fsspec filesystem writes without a condition")
        self._spool.check_open("commit")
        check_sizes(self._sizes, PART_SIZE, key=self._key, url=self._url)
        size = sum(self._sizes.values())
        os.ftruncate(self._spool.descriptor, size)
        stat = self._send(Spooled(self._spool.descriptor, size))
        self._spool.close()
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        self._spool.close()
