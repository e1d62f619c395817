"""Sends the Blob service requests of one container: each once, signed, within its time, its answer checked or refused."""

from collections.abc import Mapping
from hashlib import md5
from typing import Final

from typing_extensions import Buffer

from portable.backends import azure_requests as requests
from portable.backends.answers import describe, is_missing_container, no_answer, not_understood, read_retry_after, refusal
from portable.backends.azure_signing import Signer
from portable.backends.credentials import AzureCredentials
from portable.backends.http_fields import condition
from portable.backends.parts import part_seconds
from portable.backends.protocol import ANY, Attributes, Checksum, Expectation, Fetched, Matches, Stat
from portable.backends.target import target_of
from portable.backends.wire import REFUSAL_ROOM, Answer, Wire, allowance
from portable.errors import Corrupt, PortableError, PreconditionFailed

PAGE_ROOM = 128 << 20
"""Bytes that a page of a listing may have: 5,000 blobs, each with 8 KiB of metadata, and a list of blocks."""
_CHECKSUM_NOT_KNOWN: Final = "FeatureNotSupported"
"""What Azurite, unless it is started with --loose, answers to a range that is asked for with its checksum."""


class AzureWire:
    """The requests of the data path. A name is whole, the store's prefix included; `key` is what messages call it."""

    def __init__(
        self, container: str, credentials: AzureCredentials, *, url: str, bound: float, tier: str | None = None
    ) -> None:
        """`bound` is in seconds; `tier` is the access tier of what is written. Raises: ConfigurationError."""
        self._written = requests.in_tier(tier)
        self._container, self._url, self._bound = target_of(f"{credentials.endpoint}/{container}"), url, bound
        self._signer = Signer(container, credentials, url=url)
        self._wire = Wire(credentials.transport, url=url)
        self._checks_ranges = True

    def get(self, name: str, start: int, stop: int | None, if_match: str | None, *, key: str) -> Fetched:
        """Get Blob: do what `Backend.get` does."""
        if stop is not None and stop <= start:
            return Fetched(b"", self.stat(name, if_match, key=key))
        expect: Expectation = ANY if if_match is None else Matches(if_match)
        asked = requests.byte_range(start, stop, checked=self._checks_ranges)
        room = None if stop is None else max(stop - start, REFUSAL_ROOM)
        answer = self._send("GET", name, asked, None, expect=expect, operation="get", key=key, room=room)
        if answer.status == 500 and requests.RANGE_CRC64 in asked and _code(answer) == _CHECKSUM_NOT_KNOWN:
            self._checks_ranges = False
            return self.get(name, start, stop, if_match, key=key)
        if answer.status == 416:
            found = self.stat(name, if_match, key=key)
            if start < found.size:
                raise self._refusal(answer, "get", key, expect)
            return Fetched(b"", found)
        if answer.status not in (200, 206):
            raise self._refusal(answer, "get", key, expect)
        try:
            begins, size = requests.place(answer.headers)
            found = requests.stat(key, size, answer.headers, requests.attributes(answer.headers))
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="get", key=key, url=self._url) from None
        self._check_version(found, if_match, "get")
        if start >= size:  # Azurite answers 206 to a range of an empty blob
            return Fetched(b"", found)
        length = memoryview(answer.body).nbytes
        if begins != start or length != min(size if stop is None else stop, size) - start:
            raise no_answer(f"{length} bytes from {begins} on came", operation="get", key=key, url=self._url)
        return Fetched(answer.body, found, self._compared(answer, key))

    def stat(self, name: str, if_match: str | None = None, *, key: str) -> Stat:
        """Get Blob Properties: do what `Backend.stat` does."""
        expect: Expectation = ANY if if_match is None else Matches(if_match)
        answer = self._send("HEAD", name, {}, None, expect=expect, operation="stat", key=key)
        if answer.status != 200:
            raise self._refusal(answer, "stat", key, expect)
        try:
            _, size = requests.place(answer.headers)
            found = requests.stat(key, size, answer.headers, requests.attributes(answer.headers))
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="stat", key=key, url=self._url) from None
        self._check_version(found, if_match, "stat")
        return found

    def put(self, name: str, data: Buffer, expect: Expectation, attributes: Attributes | None, *, key: str) -> Stat:
        """Put Blob: do what `Backend.put` does."""
        crc = requests.checksum(data)
        headers = {"x-ms-blob-type": "BlockBlob", requests.CRC64: crc, **self._written, **requests.described(attributes)}
        answer = self._send("PUT", name, headers, data, expect=expect, operation="put", key=key)
        confirmed = self._confirmed(answer, crc, "put", key, expect)
        try:
            return requests.stat(key, memoryview(data).nbytes, answer.headers, attributes, confirmed)
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="put", key=key, url=self._url) from None

    def delete(self, name: str, expect: Expectation, *, key: str) -> None:
        """Delete Blob: do what `Backend.delete` does."""
        answer = self._send("DELETE", name, {}, None, expect=expect, operation="delete", key=key)
        was_gone = answer.status == 404 and expect == ANY and not is_missing_container(_code(answer))
        if answer.status != 202 and not was_gone:
            raise self._refusal(answer, "delete", key, expect)

    def stage(self, name: str, block: str, data: Buffer, *, key: str) -> Checksum:
        """Put Block, and return what the answer confirmed of it."""
        crc = requests.checksum(data)
        query = requests.block_query(block)
        seconds = part_seconds(memoryview(data).nbytes, self._bound)
        answer = self._send("PUT", name, {requests.CRC64: crc}, data, query, operation="part", key=key, seconds=seconds)
        return self._confirmed(answer, crc, "part", key)

    def commit(
        self, name: str, blocks: list[str], expect: Expectation, attributes: Attributes | None, *, size: int, key: str
    ) -> Stat:
        """Put Block List: make the blob of staged blocks, which are `size` bytes together."""
        body = requests.block_list(blocks)
        crc = requests.checksum(body)
        headers = {"Content-Type": "application/xml", requests.CRC64: crc, **self._written, **requests.described(attributes)}
        answer = self._send("PUT", name, headers, body, "comp=blocklist", expect=expect, operation="commit", key=key)
        self._confirmed(answer, crc, "commit", key, expect)
        try:
            return requests.stat(key, size, answer.headers, attributes)
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="commit", key=key, url=self._url) from None

    def blocks(self, name: str, *, key: str) -> dict[str, dict[int, int]]:
        """Get Block List: the lengths of the blocks that this package staged and nobody committed, by token and number.

        Raises: NotFound (the container), Denied, Unavailable.
        """
        operation = "list the blocks of"
        query = "comp=blocklist&blocklisttype=uncommitted"
        answer = self._send("GET", name, {}, None, query, operation=operation, key=key, room=PAGE_ROOM)
        if answer.status == 404 and not is_missing_container(_code(answer)):
            return {}
        if answer.status != 200:
            raise self._refusal(answer, operation, key)
        try:
            return requests.uncommitted(requests.xml(answer.body))
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation=operation, key=key, url=self._url) from None

    def page(self, query: str) -> tuple[Answer, PortableError | None]:
        """List Blobs: one page, and what is to be raised if it is none. Raises: Denied, Unavailable."""
        query = f"restype=container&comp=list&{query}"
        answer = self._send("GET", "", {}, None, query, operation="list", key="", room=PAGE_ROOM)
        return answer, None if answer.status == 200 else self._refusal(answer, "list", "")

    def close(self) -> None:
        """Release connections."""
        self._wire.close()

    def _send(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str],
        body: Buffer | None,
        query: str = "",
        *,
        operation: str,
        key: str,
        expect: Expectation = ANY,
        room: int | None = REFUSAL_ROOM,
        seconds: float | None = None,
    ) -> Answer:
        signed_query, signed_headers, waited = self._signer.signature(self._bound)
        most, stall = allowance(method, seconds or self._bound)
        return self._wire.send(
            method,
            requests.target(self._container, name, query, signed_query),
            {"x-ms-version": requests.VERSION, **signed_headers, **condition(expect), **headers},
            body,
            seconds=most - waited,
            stall=stall,
            operation=operation,
            key=key,
            room=room,
        )

    def _refusal(self, answer: Answer, operation: str, key: str, expect: Expectation = ANY) -> PortableError:
        after = read_retry_after(answer.headers.get("retry-after"))
        return refusal(
            answer.status, _code(answer), operation=operation, key=key, url=self._url, expect=expect, retry_after=after
        )

    def _check_version(self, found: Stat, if_match: str | None, operation: str) -> None:
        """Hosts and caches exist that ignore If-Match; the answer's own ETag says which version it is about."""
        if if_match is not None and found.etag != if_match:
            raise PreconditionFailed(f"{describe(operation, found.key, self._url)}: another version stands there")

    def _confirmed(self, answer: Answer, crc: str, operation: str, key: str, expect: Expectation = ANY) -> Checksum:
        """Compare the checksum that was sent with the one that the host computed, where it tells it."""
        if answer.status != 201:
            raise self._refusal(answer, operation, key, expect)
        told = answer.headers.get(requests.CRC64)
        if told is None:
            return "none"
        if told != crc:
            raise Corrupt(f"{describe(operation, key, self._url)}: other bytes came to the host than were sent (CRC64)")
        return "crc64nvme"

    def _compared(self, answer: Answer, key: str) -> Checksum:
        """Compare the bytes of a blob with the checksum that came with them.

        The MD5 of a large blob is left alone: it takes two seconds a gigabyte, and says only what the blob's writer claimed.
        """
        if told := answer.headers.get(requests.CRC64):
            confirmed: Checksum = "crc64nvme"
            fits = told == requests.checksum(answer.body)
        elif answer.status == 200 and (told := answer.headers.get("content-md5")):
            if memoryview(answer.body).nbytes > requests.CHECKED_RANGE:
                return "none"
            confirmed, fits = "md5", told == requests.base64(md5(answer.body, usedforsecurity=False).digest())
        else:
            return "none"
        if not fits:
            raise Corrupt(
                f"{describe('get', key, self._url)}: the bytes do not fit the checksum that came with them ({confirmed})"
            )
        return confirmed


def _code(answer: Answer) -> str:
    code: str = answer.headers.get("x-ms-error-code", "")
    return code
