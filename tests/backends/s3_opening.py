"""S3 backends without the wrapper that repeats calls: a bucket of a server, or what a proxy makes of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portable.backends.credentials import S3Credentials
from portable.backends.location import Location
from portable.backends.s3 import S3Backend
from portable.backends.traits import Contract
from tests.servers import S3Server
from tests.servers.fault_proxy import FaultProxy

BOUND = 20.0
"""Seconds."""


@dataclass(frozen=True)
class Place:
    """A bucket of a server, and the name of the profile that describes the server."""

    server: S3Server
    bucket: str
    provider: str | None

    @contextmanager
    def open(
        self,
        prefix: str = "",
        *,
        endpoint: str | None = None,
        bound: float = BOUND,
        contract: Contract | None = None,
        storage_class: str | None = None,
    ) -> Iterator[S3Backend]:
        """Open a prefix of the bucket; under another `contract` than the server's, where one is given."""
        server = self.server
        credentials = S3Credentials(endpoint or server.endpoint, server.region, server.access_key, server.secret_key)
        location = Location(
            f"s3://{self.bucket}/{prefix}", provider=self.provider, storage_class=storage_class, contract=contract
        )
        backend = S3Backend(location, credentials, bound=bound)
        yield backend
        backend.close()

    @contextmanager
    def behind_proxy(self, *, bound: float = BOUND) -> Iterator[tuple[S3Backend, FaultProxy]]:
        """Open the bucket through a proxy that does what its rules say."""
        with FaultProxy(self.server.endpoint) as proxy, self.open(endpoint=proxy.endpoint, bound=bound) as backend:
            yield backend, proxy

    def keys(self) -> list[str]:
        """List the bucket's keys by boto3."""
        answer = self.server.client.list_objects_v2(Bucket=self.bucket)
        return [entry["Key"] for entry in answer.get("Contents", [])]


MakePlace = Callable[[str], Place]
"""Takes the name of a fixture that is a server, which is also the name of its profile."""
