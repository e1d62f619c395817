"""One probe of each server for a whole run of the tests, in a bucket that keeps versions and takes locks where there is one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from portable.backends.location import Location
from portable.probe import Outcome, probe
from tests.servers import Azurite, S3Server

ALWAYS: Final = ("seaweedfs", "ministack", "moto", "rclone", "juicefs", "azurite")
"""The servers that a package index has."""
WITH_DEBIAN_PACKAGES: Final = ("ceph", "swift")
_WITH_HISTORY: Final = ("ministack",)
_LOCKING: Final = ("ministack", "rclone")
_REFERENCE: Final = "env:PROBED_"


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, also where no test's fixture can."""
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def container_of(name: str, server: Any) -> str:
    """Make a container of a server and return its URL."""
    if isinstance(server, Azurite):
        return f"az://{server.make_container()}/some/place"
    assert isinstance(server, S3Server)
    if name not in _WITH_HISTORY:
        return f"s3://{server.make_bucket()}/some/place"
    bucket = f"probed-{name}"
    server.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    server.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return f"s3://{bucket}/some/place"


def probed(name: str, server: Any, url: str = "", **options: Any) -> Outcome:
    """Probe a server."""
    with environment(server.env("PROBED_")):
        location = Location(url or container_of(name, server), credentials=_REFERENCE)
        return probe(location, **{"quick": True, "allow_lock": name in _LOCKING, **options})
