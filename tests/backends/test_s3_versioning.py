"""Conditions at a host that honours them only in buckets without versions."""

from collections.abc import Iterator

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Matches
from portable.backends.registry import open_backend
from portable.errors import AlreadyExists, Unsupported
from tests.servers.s3_server import S3Server

pytestmark = pytest.mark.hosts


@pytest.fixture
def bucket(ceph: S3Server) -> Iterator[str]:
    name = ceph.make_bucket()
    yield name
    ceph.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    versions = ceph.client.list_object_versions(Bucket=name)
    for version in [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())]:
        ceph.client.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
    ceph.remove_bucket(name)


def test_a_condition_is_refused_before_it_is_sent_where_versions_are_kept(
    ceph: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ceph.env("TEST_").items():
        monkeypatch.setenv(name, value)
    location = Location(f"s3://{bucket}", credentials="env:TEST_", provider="ceph")
    plain = open_backend(location, bound=20.0)
    standing = plain.put("key", b"standing", expect=ABSENT)
    with pytest.raises(AlreadyExists):
        plain.put("key", b"other", expect=ABSENT)
    plain.close()

    ceph.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versioned = open_backend(location, bound=20.0)
    for expect in (ABSENT, Matches(standing.etag)):
        with pytest.raises(Unsupported, match="bucket with versions"):
            versioned.put("key", b"other", expect=expect)
    assert bytes(versioned.get("key").data) == b"standing"
    versioned.close()
