"""Versions, tags, storage classes, restores and locks."""

import time
from collections.abc import Iterator

import pytest

from portable.backends.s3 import S3Backend
from portable.errors import NotFound, PortableError, Unsupported
from tests.backends.s3_opening import Place
from tests.servers import Moto, SeaweedFS


@pytest.fixture
def place(seaweedfs: SeaweedFS, bucket: str) -> Place:
    """Name a bucket of SeaweedFS."""
    return Place(seaweedfs, bucket, "seaweedfs")


@pytest.fixture
def at_moto(moto: Moto) -> Iterator[tuple[Place, S3Backend]]:
    """Open a bucket of moto, which has archives."""
    place = Place(moto, moto.make_bucket(), "moto")
    with place.open() as backend:
        yield place, backend


def test_versions_of_a_key_are_listed_and_read(place: Place) -> None:
    place.server.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    with place.open("folder") as backend:
        etags = [backend.put("key", data).etag for data in (b"first", b"second")]
        backend.put("key-sibling", b"")
        time.sleep(1.1)  # the host tells times in seconds
        backend.delete("key")
        marker, second, first = backend.features.versions("key")
        assert (marker.is_delete_marker, marker.is_latest, second.is_latest) == (True, True, False)
        assert {first.etag, second.etag} == set(etags)
        assert {first.size, second.size} == {5, 6}
        by_etag = {version.etag: version.version_id for version in (first, second)}
        assert bytes(backend.features.read_version("key", by_etag[etags[0]]).data) == b"first"
        assert bytes(backend.features.read_version("key", by_etag[etags[1]], 1, 3).data) == b"ec"
        assert list(backend.features.versions("nothing")) == []
        with pytest.raises(PortableError):
            backend.features.read_version("key", "no such version")
        with pytest.raises(NotFound):
            backend.get("key")


def test_versions_go_on_over_their_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.server.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    with place.open() as backend:
        for number in range(5):
            backend.put("key", bytes(number))
        client = backend._client()
        whole = client.list_object_versions
        monkeypatch.setattr(client, "list_object_versions", lambda **parameters: whole(**parameters, MaxKeys=2))
        assert sorted(version.size for version in backend.features.versions("key")) == [0, 1, 2, 3, 4]


def test_tags_are_read_and_replaced_and_leave_the_bytes_alone(place: Place) -> None:
    with place.open("folder") as backend:
        backend.put("key", b"data")
        assert backend.features.tags("key") == {}
        backend.features.replace_tags("key", {"a": "1", "é": "ü"})
        backend.features.replace_tags("key", {"b": "2"})
        assert backend.features.tags("key") == {"b": "2"}
        assert bytes(backend.get("key").data) == b"data"
        with pytest.raises(NotFound):
            backend.features.tags("nothing")


def test_an_archived_object_is_restored(at_moto: tuple[Place, S3Backend]) -> None:
    place, backend = at_moto
    place.server.client.put_object(Bucket=place.bucket, Key="cold", Body=b"data", StorageClass="GLACIER")
    backend.put("warm", b"data")
    assert backend.features.storage_class("cold") == "GLACIER"
    assert backend.features.storage_class("warm") == "STANDARD"
    assert backend.features.restored("cold") is None
    with pytest.raises((PortableError), match="restore"):
        backend.get("cold")
    backend.features.restore("cold", days=2)
    restored = backend.features.restored("cold")
    assert restored is not None
    assert restored.is_ongoing or restored.until is not None
    assert bytes(backend.get("cold").data) == b"data"


def test_the_lock_of_an_object_is_told(moto: Moto) -> None:
    client, bucket = moto.client, "locked-bucket"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    with Place(moto, bucket, "moto").open() as backend:
        backend.put("free", b"")
        assert backend.features.lock("free") is None
        backend.put("held", b"")
        client.put_object_legal_hold(Bucket=bucket, Key="held", LegalHold={"Status": "ON"})
        lock = backend.features.lock("held")
        assert lock is not None
        assert (lock.mode, lock.legal_hold) == (None, True)


def test_a_feature_that_the_host_lacks_is_refused(place: Place) -> None:
    with place.open() as backend, pytest.raises(Unsupported):
        backend.features.restore("key", days=1)
