"""Azure staged uploads: blocks under names of their own, then one block list."""

import base64
import secrets
import threading
from datetime import UTC
from typing import Any

from typing_extensions import Buffer

from portable.backends import azure_edge
from portable.backends.extras import needed
from portable.backends.parts import check_parts
from portable.backends.protocol import ANY, Attributes, Expectation, Stat


class AzureUpload:
    """One set of blocks. Their ids begin with random bytes: two writers with fixed ids would mix their blocks in one blob."""

    def __init__(self, staging: Any, committing: Any, *, key: str, url: str, attributes: Attributes | None) -> None:
        """`staging` and `committing` are `BlobClient`s of the blob; the first may repeat requests."""
        self._staging, self._committing, self._key, self._url = staging, committing, key, url
        self._attributes = attributes
        self._prefix = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}

    def part(self, number: int, data: Buffer) -> None:
        """See `Upload.part`."""
        view = memoryview(data).cast("B")
        with azure_edge.errors("part", self._key, self._url):
            self._staging.stage_block(self._block_id(number), view, view.nbytes)
        with self._lock:
            self._sizes[number] = view.nbytes

    def commit(self, expect: Expectation = ANY) -> Stat:
        """See `Upload.commit`."""
        with self._lock:
            numbers, size = sorted(self._sizes), sum(self._sizes.values())
        check_parts(numbers, key=self._key, url=self._url)
        block = needed("azure.storage.blob").BlobBlock
        with azure_edge.errors("commit", self._key, self._url, expect):
            done = self._committing.commit_block_list(
                [block(self._block_id(number)) for number in numbers],
                **azure_edge.content_settings(self._attributes),
                **azure_edge.condition(expect),
            )
        return Stat(self._key, size, done["last_modified"].astimezone(UTC), azure_edge.quoted(done["etag"]), self._attributes)

    def abort(self) -> None:
        """Do nothing: blocks that no list names are invisible, and Azure drops them after a week or with the next commit."""

    def _block_id(self, number: int) -> str:
        return base64.b64encode(f"{self._prefix}{number:06}".encode()).decode()
