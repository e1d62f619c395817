"""Sends the S3 requests of the data path: each once, signed, within its time, its answer checked or refused."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar

from msgspec.structs import replace
from typing_extensions import Buffer

from portable.backends import s3_multipart as multipart
from portable.backends import s3_requests as requests
from portable.backends.answers import describe, no_answer, not_understood, read_retry_after, refusal
from portable.backends.credentials import S3Credentials
from portable.backends.http_fields import condition, quoted
from portable.backends.pacing import Pace
from portable.backends.parts import part_seconds
from portable.backends.protocol import ANY, Attributes, Expectation, Fetched, Matches, Stat
from portable.backends.s3_checksums import Sum
from portable.backends.s3_rules import Rules
from portable.backends.s3_signing import Signers
from portable.backends.sigv4 import UNSIGNED
from portable.backends.wire import READS, REFUSAL_ROOM, Answer, Wire, allowance
from portable.errors import Corrupt, PortableError, PreconditionFailed, Unsupported

T = TypeVar("T")

_PAGE_ROOM: Final = 64 << 20
"""Bytes that a page of a listing may have."""


class S3Wire:
    """The requests of one bucket. A name is whole, the store's prefix included; `key` is what messages call it."""

    def __init__(self, bucket: str, credentials: S3Credentials, rules: Rules, pace: Pace, *, bound: float) -> None:
        """`bound` is in seconds. Raises: ConfigurationError."""
        contract = rules.contract
        self._container = requests.container(credentials.endpoint, bucket, contract.addressing)
        self._url, self._bound, self._pace = rules.url, bound, pace
        self._written, self._most_seconds = requests.in_class(rules.storage_class), contract.parts.seconds
        self._signer = Signers(credentials, url=rules.url)
        self._wire = Wire(credentials.transport, url=rules.url)

    def get(
        self, name: str, start: int, stop: int | None, if_match: str | None, *, key: str, version: str | None = None
    ) -> Fetched:
        """GetObject: do what `Backend.get` does, for the latest version or another one."""
        if stop is not None and stop <= start:
            return Fetched(b"", self.stat(name, if_match, key=key, version=version))
        expect: Expectation = ANY if if_match is None else Matches(if_match)
        room = None if stop is None else max(stop - start, REFUSAL_ROOM)
        headers = requests.byte_range(start, stop) | condition(expect)
        answer = self._send("GET", name, headers, query=_versioned(version), operation="get", key=key, room=room)
        if answer.status == 416:
            stat = self.stat(name, if_match, key=key, version=version)
            if start < stat.size:
                raise self._refusal(answer, "get", key, expect)
            return Fetched(b"", stat)
        if answer.status not in (200, 206):
            raise self._refusal(answer, "get", key, expect)
        length = memoryview(answer.body).nbytes
        try:
            begins, size = requests.found(answer.headers, length)
            stat = requests.stat(key, size, answer.headers)
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="get", key=key, url=self._url) from None
        self._check_version(stat, if_match, "get")
        if start >= size:
            return Fetched(b"", stat)
        if begins != start or length != min(size if stop is None else stop, size) - start:
            raise no_answer(f"{length} bytes from {begins} on came", operation="get", key=key, url=self._url)
        return Fetched(answer.body, stat)

    def stat(self, name: str, if_match: str | None = None, *, key: str, version: str | None = None) -> Stat:
        """HeadObject: do what `Backend.stat` does, for the latest version or another one."""
        expect: Expectation = ANY if if_match is None else Matches(if_match)
        query = _versioned(version)
        answer = self._send("HEAD", name, condition(expect), query=query, operation="stat", key=key)
        if answer.status == 400:  # an expired token, or a key that cannot be: only the body of a GET's answer says which
            headers = requests.byte_range(0, 1) | condition(expect)
            told = self._send("GET", name, headers, query=query, operation="stat", key=key, room=REFUSAL_ROOM)
            answer = told if told.status == 400 else answer
        if answer.status != 200:
            raise self._refusal(answer, "stat", key, expect)
        try:
            stat = requests.stat(key, int(answer.headers["content-length"]), answer.headers)
        except (KeyError, ValueError) as error:
            raise not_understood(error, operation="stat", key=key, url=self._url) from None
        self._check_version(stat, if_match, "stat")
        return stat

    def put(self, name: str, data: Buffer, check: Sum, expect: Expectation, attributes: Attributes | None, *, key: str) -> Stat:
        """PutObject: do what `Backend.put` does; `check` is the checksum of `data`."""
        headers = {**check.headers, **condition(expect), **self._written, **requests.described(attributes)}
        answer = self._send("PUT", name, headers, data, payload=check.payload, operation="put", key=key)
        if answer.status != 200:
            raise self._refusal(answer, "put", key, expect)
        try:
            etag = quoted(answer.headers.get("etag", ""))
        except ValueError as error:
            raise not_understood(error, operation="put", key=key, url=self._url) from None
        if not etag:
            raise Unsupported(f"{describe('put', key, self._url)}: the host gives no ETag, so versions cannot be told apart")
        confirmed = check.confirmed(answer.headers)
        if confirmed is None:
            raise Corrupt(
                f"{describe('put', key, self._url)}: other bytes came to the host than were sent, and may stand there"
            )
        size = memoryview(data).nbytes
        return Stat(key, size, datetime.now(UTC), etag, attributes, confirmed=confirmed)

    def create(self, name: str, attributes: Attributes | None, *, whole: bool, key: str) -> str:
        """CreateMultipartUpload, and return the upload's id; `whole` asks for a checksum of the whole object."""
        headers = {**requests.described(attributes), **self._written, **multipart.creation(whole=whole)}
        answer = self._post(name, headers, b"", {"uploads": ""}, operation="begin", key=key)
        if answer.status != 200:
            raise self._refusal(answer, "begin", key)
        return self._understood(multipart.begun, answer, "begin", key)

    def stage(self, name: str, token: str, number: int, data: Buffer, check: Sum, *, key: str) -> Mapping[str, str]:
        """UploadPart, and return the headers of the answer; `number` is counted from 0."""
        query = {"partNumber": number + 1, "uploadId": token}
        seconds = part_seconds(memoryview(data).nbytes, self._bound, self._most_seconds)
        answer = self._send(
            "PUT", name, check.headers, data, query=query, payload=check.payload, operation="part", key=key, seconds=seconds
        )
        if answer.status != 200:
            raise self._refusal(answer, "part", key)
        return answer.headers

    def parts(self, name: str, token: str, after: int, *, key: str) -> tuple[Mapping[int, multipart.Listed], bool]:
        """ListParts: those behind the first `after`, by number counted from 0, and whether more follow."""
        query = {"uploadId": token, "part-number-marker": after}
        answer = self._send("GET", name, {}, query=query, operation="resume", key=key, room=_PAGE_ROOM)
        if answer.status != 200:
            raise self._refusal(answer, "resume", key)
        return self._understood(multipart.parts, answer, "resume", key)

    def complete(
        self,
        name: str,
        token: str,
        parts: Iterable[tuple[str, int | None]],
        whole: int | None,
        expect: Expectation,
        *,
        key: str,
        etag_told: bool,
    ) -> multipart.Done:
        """CompleteMultipartUpload. `parts` are ETags and CRC-64/NVME in order; `whole` is the object's, to be compared."""
        headers = {**multipart.sum_of_whole(whole), **condition(expect)}
        answer = self._post(name, headers, multipart.completion(parts), {"uploadId": token}, operation="commit", key=key)
        if answer.status == 200 and (code := requests.code(answer.body)):
            answer = replace(answer, status=multipart.late_status(code))
        if answer.status != 200:
            raise self._refusal(answer, "commit", key, expect)
        return self._understood(partial(multipart.committed, etag_told=etag_told), answer, "commit", key)

    def abort(self, name: str, token: str, *, key: str) -> None:
        """AbortMultipartUpload. Raises: NotFound (there is none)."""
        answer = self._send("DELETE", name, {}, query={"uploadId": token}, operation="abort", key=key)
        if answer.status not in (200, 204):
            raise self._refusal(answer, "abort", key)

    def delete(self, name: str, expect: Expectation, *, key: str) -> None:
        """DeleteObject: do what `Backend.delete` does."""
        answer = self._send("DELETE", name, condition(expect), operation="delete", key=key)
        was_gone = answer.status == 404 and expect == ANY and requests.code(answer.body) == "NoSuchKey"
        if answer.status not in (200, 204) and not was_gone:
            raise self._refusal(answer, "delete", key, expect)

    def page(self, asked: Mapping[str, object], *, key: str = "") -> Buffer:
        """ListObjects, ListObjectsV2 or ListMultipartUploads: one page as it came.

        `key` is what messages call what is looked for.
        """
        answer = self._send("GET", "", {}, query=asked, operation="list", key=key, room=_PAGE_ROOM)
        if answer.status != 200:
            raise self._refusal(answer, "list", key)
        return answer.body

    def close(self) -> None:
        """Release connections."""
        self._wire.close()

    def _send(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str],
        body: Buffer | None = None,
        *,
        query: Mapping[str, object] | None = None,
        payload: str = UNSIGNED,
        operation: str,
        key: str,
        room: int | None = None,
        seconds: float | None = None,
    ) -> Answer:
        target = requests.target(self._container, name, query)
        most, stall = allowance(method, seconds or self._bound)
        reads = method in READS
        waited = self._pace(operation, key, reads=reads)
        return self._wire.send(
            method,
            target,
            self._signer().headers(method, target, headers, payload=payload, at=time.time()),
            body,
            seconds=most - waited,
            stall=stall,
            operation=operation,
            key=key,
            room=room if reads else REFUSAL_ROOM,
        )

    def _post(
        self, name: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, object], *, operation: str, key: str
    ) -> Answer:
        payload = sha256(body).hexdigest()
        return self._send("POST", name, headers, body, query=query, payload=payload, operation=operation, key=key)

    def _understood(self, read: Callable[[Buffer], T], answer: Answer, operation: str, key: str) -> T:
        try:
            return read(answer.body)
        except ValueError as error:
            raise not_understood(error, operation=operation, key=key, url=self._url) from None

    def _refusal(self, answer: Answer, operation: str, key: str, expect: Expectation = ANY) -> PortableError:
        after = read_retry_after(answer.headers.get("retry-after"))
        code = requests.code(answer.body)
        return refusal(answer.status, code, operation=operation, key=key, url=self._url, expect=expect, retry_after=after)

    def _check_version(self, stat: Stat, if_match: str | None, operation: str) -> None:
        """Hosts exist that ignore If-Match; the answer's own ETag says which version it is about."""
        if if_match is not None and stat.etag != if_match:
            raise PreconditionFailed(f"{describe(operation, stat.key, self._url)}: another version stands there")


def _versioned(version: str | None) -> dict[str, str] | None:
    return None if version is None else {"versionId": version}
