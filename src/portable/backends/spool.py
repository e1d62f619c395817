"""What waits on this machine until it is sent: a file without a name, in the folder for temporary files (TMPDIR)."""

import os
import tempfile
import weakref
from pathlib import Path

from portable.backends.local_files import write_at
from portable.errors import NotFound, Unavailable


class Spool:
    """The bytes of one upload, in a file of this machine that has no name. It is gone with the process."""

    def __init__(self, what: str) -> None:
        """Make the file; `what` names the upload in messages. Raises: Unavailable (no temporary file can be made)."""
        self._what = what
        try:
            self.descriptor, name = tempfile.mkstemp(prefix="portable-")
            Path(name).unlink()
        except OSError as error:
            raise Unavailable(f"begin {what}: no temporary file can be made here: {error.strerror}") from None
        self.close = weakref.finalize(self, os.close, self.descriptor)

    def write(self, number: int, data: memoryview, offset: int) -> None:
        """Write part `number` at `offset`, in bytes. Raises: Unavailable (no room)."""
        try:
            write_at(self.descriptor, data, offset)
        except OSError as error:
            waits = f"part {number} of {self._what} must wait in {tempfile.gettempdir()} (TMPDIR)"
            raise Unavailable(f"{waits}: {error.strerror}") from None

    def check_open(self, operation: str) -> None:
        """Raise NotFound once the spool is closed."""
        if not self.close.alive:
            raise NotFound(f"{operation} {self._what}: the upload was committed or aborted")
