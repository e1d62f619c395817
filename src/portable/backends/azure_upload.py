"""Azure staged uploads: blocks under names of their own, then one block list."""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace
from typing_extensions import Buffer

from portable.backends import azure_requests as requests
from portable.backends.answers import describe
from portable.backends.azure_wire import AzureWire
from portable.backends.parts import check_part, check_parts
from portable.backends.protocol import ANY, Attributes, Checksum, Expectation, Stat
from portable.errors import NotFound

LARGEST_PART: Final = 4000 << 20
"""Bytes that a block may have ("Scalability and performance targets for Blob storage")."""
MAX_PARTS: Final = 50_000


def new_token() -> str:
    """Return what begins the ids of a new upload's blocks: the second, and 96 random bits.

    With fixed ids, two writers of one blob would mix their blocks.
    """
    return f"{int(time.time()):08x}{secrets.token_hex(12)}"


class AzureUpload:
    """One set of blocks. Parts may be staged from several threads.

    The service keeps uncommitted blocks until a week after the last one was staged, or until the blob is written by anybody.
    """

    def __init__(self, wire: AzureWire, name: str, token: str, *, key: str, url: str, attributes: Attributes | None) -> None:
        """`name` is the blob's, the store's prefix included."""
        self._wire, self._name, self._key, self._url = wire, name, key, url
        self.token, self._attributes = token, attributes
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}
        self._confirmed: dict[int, Checksum] = {}
        self._aborted = False

    def part(self, number: int, data: Buffer) -> Checksum:
        """See `Upload.part`."""
        self._check_open("part")
        length = memoryview(data).nbytes
        check_part(number, length, part_size=LARGEST_PART, max_parts=MAX_PARTS, key=self._key, url=self._url)
        confirmed = self._wire.stage(self._name, requests.block_id(self.token, number), data, key=self._key)
        with self._lock:
            self._sizes[number], self._confirmed[number] = length, confirmed
        return confirmed

    def staged(self) -> Mapping[int, int]:
        """See `Upload.staged`."""
        self._check_open("list the blocks of")
        found = self._wire.blocks(self._name, key=self._key).get(self.token, {})
        with self._lock:
            if self._sizes and not found:
                raise NotFound(f"{describe('list the blocks of', self._key, self._url)}: they do not exist any more")
        return found

    def adopt(self, staged: Mapping[int, int]) -> None:
        """Count parts that stand at the host as staged; what confirmed them is not known here."""
        with self._lock:
            self._sizes = {**staged, **self._sizes}

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`. `Stat.confirmed` is what the host confirmed of every part."""
        self._check_open("commit")
        with self._lock:
            numbers, size = sorted(self._sizes), sum(self._sizes.values())
            all_confirmed = {self._confirmed.get(number, "none") for number in numbers}
        check_parts(numbers, key=self._key, url=self._url)
        ids = [requests.block_id(self.token, number) for number in numbers]
        done = self._wire.commit(self._name, ids, expect, self._attributes, size=size, key=self._key)
        return replace(done, confirmed=all_confirmed.pop()) if len(all_confirmed) == 1 else done

    def abort(self) -> None:
        """Take no more parts, and send nothing: the service drops the blocks (see the class).

        It has no request that drops uncommitted blocks. Committing an empty list in their place would show readers an empty
        blob, or change a standing one, and drop the blocks of other writers; overwriting them would harm a commit whose
        answer was lost and that is still on its way.
        """
        self._aborted = True

    def _check_open(self, operation: str) -> None:
        if self._aborted:
            raise NotFound(f"{describe(operation, self._key, self._url)}: the upload was aborted")
