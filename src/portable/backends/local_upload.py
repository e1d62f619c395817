"""A staged upload to a folder: a file that the parts fill, and a journal of those that are durable."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from typing_extensions import Buffer

from portable.backends import local_parts
from portable.backends.local_files import flat, write_at
from portable.backends.local_locks import ALONE, SHARED, held
from portable.backends.local_staging import Staging
from portable.backends.parts import check_part, check_sizes
from portable.backends.protocol import ANY, Checksum, Expectation, Stat, Unfinished
from portable.clock import boottime
from portable.errors import NotFound

if TYPE_CHECKING:
    from portable.backends.local import LocalBackend

PART_SIZE: Final = 8 << 20
"""Bytes: part n lies at n times this, so every part but the last has exactly this size."""
MAX_PARTS: Final = 1_000_000
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


class LocalUpload:
    """Nothing is held open between calls. A part counts when it and its record are on the disk."""

    def __init__(self, backend: "LocalBackend", staging: Staging, key: str, token: str) -> None:
        self._backend, self._staging, self._key, self.token = backend, staging, key, token
        self._recorded: set[int] = set()
        self._committed = False

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`. Raises ConfigurationError for a part larger than the part size."""
        view = flat(data)
        check_part(number, view.nbytes, part_size=PART_SIZE, max_parts=MAX_PARTS, key=self._key, url=self._backend.url)
        # The descriptor is this part's own: a failure to write to the disk shows at every descriptor that was open then, once.
        with self._open("part", SHARED) as descriptor:
            if number in self._recorded:
                self._staging.note(self.token, local_parts.record(number, None))
            write_at(descriptor, view, number * PART_SIZE)
            os.fsync(descriptor)
            self._staging.note(self.token, local_parts.record(number, view.nbytes))
            self._recorded.add(number)
        return "none"

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`."""
        with self._open("staged", SHARED):
            sizes = dict(sorted(self._sizes().items()))
        self._recorded |= sizes.keys()
        return sizes

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`. Raises ConfigurationError where a part is missing, or one before the last is short."""
        until = boottime() + self._backend.bound
        with self._open("commit", ALONE, until) as descriptor:
            sizes = self._sizes()
            check_sizes(sizes, PART_SIZE, key=self._key, url=self._backend.url)
            os.ftruncate(descriptor, sum(sizes.values()))
            stat = self._backend.publish(self.token, descriptor, self._key, expect, until)
        self._committed = True
        # The object stands: a journal that stays behind without its file is no upload, and goes after a day.
        with suppress(OSError):
            self._staging.discard(self.token)
        return stat

    def abort(self) -> None:
        """See `Upload.abort`."""
        if not self._committed:
            with self._backend.errors("abort", self._key):
                self._staging.discard(self.token)

    @contextmanager
    def _open(self, operation: str, lock: int, until: float | None = None) -> Iterator[int]:
        """Open the file. Parts share its lock, a commit has it alone: what is an object is written to no more."""
        until = boottime() + self._backend.bound if until is None else until
        with self._backend.errors(operation, self._key):
            try:
                with self._staging.file(self.token) as descriptor, held(descriptor, lock, until):
                    if not self._staging.stands(self.token, descriptor):
                        raise FileNotFoundError
                    yield descriptor
            except FileNotFoundError as error:
                if isinstance(error, NotFound):
                    raise
                raise NotFound(
                    f"{operation} {self._key!r} in {self._backend.url}: the upload does not exist (any more)"
                ) from None

    def _sizes(self) -> dict[int, int]:
        journal = local_parts.read(self._staging.journal(self.token))
        if journal is None or journal.key != self._key:
            raise FileNotFoundError
        return journal.sizes


def begun(backend: "LocalBackend", staging: Staging, key: str) -> LocalUpload:
    """Begin an upload that survives this process."""
    name, descriptor = staging.new()
    os.close(descriptor)
    try:
        staging.new_journal(name, local_parts.heading(key))
    except BaseException:
        staging.discard(name)
        raise
    return LocalUpload(backend, staging, key, name)


def resumed(backend: "LocalBackend", staging: Staging, key: str, token: str) -> LocalUpload:
    """Go on with an upload. Raises: NotFound (there is none such for this key)."""
    if not _TOKEN.fullmatch(token):
        raise NotFound(f"resume {key!r} in {backend.url}: {token!r} is the token of no upload")
    upload = LocalUpload(backend, staging, key, token)
    upload.staged()
    return upload


def unfinished(staging: Staging) -> Iterator[Unfinished]:
    """List the uploads that were neither committed nor aborted."""
    for name in staging.uploads():
        try:
            with staging.file(name):
                journal = local_parts.read(staging.journal(name))
        except FileNotFoundError:
            continue
        if journal is not None:
            yield Unfinished(journal.key, name, journal.started)
