"""S3-compatible hosts: obstore carries the bytes, boto3 does what obstore lacks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from typing_extensions import Buffer

from portable.backends import boto3_edge, s3_exact, s3_listing
from portable.backends.attribute_rules import check_s3
from portable.backends.credentials import S3Credentials, s3_credentials
from portable.backends.extras import Lazy
from portable.backends.key_rules import S3_KEY_BYTES, awkward, check_range, check_text, check_writable
from portable.backends.location import Location
from portable.backends.obstore_edge import s3_edge
from portable.backends.protocol import ABSENT, ANY, Attributes, Capabilities, Expectation, Fetched, Matches, Stat, Upload
from portable.backends.resident import Resident
from portable.backends.s3_upload import S3Upload
from portable.errors import Unsupported

PART_SIZE = 16 << 20
"""Bytes. With 10,000 parts the largest object is 156 GiB."""


class S3Backend(Resident):
    """One bucket and prefix of an S3-compatible host.

    What it claims of the host is Amazon's contract: hosts that ignore conditions exist, and a probe tells which.
    """

    capabilities = Capabilities(
        conditional_create=True,
        conditional_replace=True,
        conditional_delete=True,
        attributes=True,
        part_size=PART_SIZE,
        max_parts=10_000,
    )

    def __init__(self, location: Location, credentials: S3Credentials, *, bound: float = 60.0) -> None:
        """`bound` is in seconds. Raises: ConfigurationError."""
        self.url, self.bound = location.url, bound
        self._bucket, self._prefix = location.container, location.prefix
        self.capabilities = replace(self.capabilities, key_room=S3_KEY_BYTES - len(self._prefix.encode()))
        self._edge = s3_edge(self._bucket, self._prefix, credentials, url=self.url, bound=bound)
        self._client = Lazy(partial(boto3_edge.client, credentials, bound=bound, attempts=1))
        self._retrying = Lazy(partial(s3_listing.client, credentials, bound=bound))
        self._sender = Lazy(partial(boto3_edge.sender, bound=bound))

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. Keys that cannot be written are read through boto3."""
        check_range(start, stop)
        if self._is_plain(key):
            return self._edge.get(key, start, stop, if_match)
        return s3_exact.get(self._retrying(), self._target(key), start, stop, if_match, key=key, url=self.url)

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`."""
        if self._is_plain(key):
            return self._edge.stat(key)
        return s3_exact.stat(self._retrying(), self._target(key), key=key, url=self.url)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`."""
        self._check_write(key, attributes)
        etag = self._edge.put(key, data, expect, attributes)
        return Stat(key, memoryview(data).nbytes, datetime.now(UTC), etag, attributes)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. Keys are exact, also those that cannot be written."""
        check_text(prefix, url=self.url)
        return self._objects(prefix, with_details=False)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`. Details: `storage_class`, `checksum_algorithm`, `is_directory_stub`."""
        return self._objects("", with_details=True)

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Under a condition, also a key with nothing at it is PreconditionFailed."""
        self._check_write(key, None)
        if expect == ABSENT:
            raise Unsupported(f"delete {key!r} in {self.url}: nothing can be deleted where nothing is expected")
        if isinstance(expect, Matches):
            with boto3_edge.errors("delete", key, self.url, expect):
                self._client().delete_object(**self._target(key), IfMatch=expect.etag)
            return
        self._edge.delete(key)

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`. Parts of 16 MiB, 10,000 at most."""
        self._check_write(key, attributes)
        created = s3_exact.spelled(attributes)
        return S3Upload(self._client(), self._sender(), self._target(key), created, url=self.url, name=key)

    def close(self) -> None:
        """See `Backend.close`."""
        for lazy in (self._client, self._retrying, self._sender):
            lazy.close()

    def _objects(self, prefix: str, *, with_details: bool) -> Iterator[Stat]:
        for stat in s3_listing.objects(
            self._retrying(), self._bucket, self._prefix, prefix, url=self.url, with_details=with_details
        ):
            if stat.key or with_details:
                yield stat

    def _target(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _is_plain(self, key: str) -> bool:
        check_text(key, url=self.url)
        return awkward(self._prefix + key) is None

    def _check_write(self, key: str, attributes: Attributes | None) -> None:
        check_text(key, url=self.url)
        whole = self._prefix + key
        check_writable(key, len(whole.encode()), S3_KEY_BYTES, url=self.url, whole=whole)
        check_s3(attributes, url=self.url)


def open_s3(location: Location, bound: float) -> S3Backend:
    """Open an `s3:` location. Raises: ConfigurationError."""
    return S3Backend(location, s3_credentials(location), bound=bound)
