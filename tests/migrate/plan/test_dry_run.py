"""A plan writes nothing to either host."""

from typing import Any

import pytest

from migrate.engine import Migration
from migrate.plan import make_plan
from portable.backends.recording import MUTATIONS
from tests.migrate.plan.places import Site, entry
from tests.servers import Azurite, SeaweedFS

BODY = b"some bytes of a record"


def test_planning_calls_nothing_that_writes(site: Site) -> None:
    site.put("source", "a/b", b"1")
    site.put("source", ".portable/mine", b"2")
    site.put("target", "other", b"3")
    for unlocked in (False, True):
        with site.migration(unlocked=unlocked) as migration:
            make_plan(migration)
        for host in site.hosts.values():
            assert not {call.verb for call in host.calls} & MUTATIONS


def test_the_journal_is_private_and_beside_the_migration_file(site: Site) -> None:
    site.declare()
    before = {path.name for path in site.folder.iterdir()}
    with site.migration(entry("a")) as migration:
        make_plan(migration)
    journal = site.folder / "lake-exit.journal"
    assert journal.stat().st_mode & 0o777 == 0o600
    made = {path.name for path in site.folder.iterdir()} - before
    assert made == {"lake-exit.journal", "lake-exit.journal.lock"}


def azure_listing(azurite: Azurite, container: str) -> list[Any]:
    """Everything that a listing tells of a container, by the SDK."""
    with azurite.client.get_container_client(container) as client:
        blobs = client.list_blobs(include=["snapshots", "metadata", "uncommittedblobs"])
        return [(blob.name, blob.snapshot, blob.etag, blob.last_modified, blob.size, blob.blob_tier) for blob in blobs]


def s3_state(seaweedfs: SeaweedFS, bucket: str) -> dict[str, Any]:
    """Every object of a bucket as boto3 tells it."""
    found = seaweedfs.client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: (item["ETag"], item["Size"], item["LastModified"]) for item in found}


def test_planning_from_azure_to_s3_leaves_both_as_they_were(
    site: Site, azurite: Azurite, seaweedfs: SeaweedFS, container: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (azurite.env("SOURCE_") | seaweedfs.env("TARGET_")).items():
        monkeypatch.setenv(name, value)
    with azurite.client.get_container_client(container) as client:
        for count in range(7):
            client.upload_blob(f"records/{count}.csv", BODY, metadata={"subject": f"{count}"})
        client.upload_blob("odd//key", BODY)
        client.upload_blob("pages", bytes(512), blob_type="PageBlob")
        client.upload_blob("log", BODY, blob_type="AppendBlob")
        client.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
        with client.get_blob_client("records/0.csv") as blob:
            blob.create_snapshot()
        with client.get_blob_client("records/1.csv") as blob:
            blob.set_standard_blob_tier("Archive")
        with client.get_blob_client("records/2.csv") as blob:
            blob.set_standard_blob_tier("Cool")
    seaweedfs.client.put_object(Bucket=bucket, Key="foreign", Body=BODY)
    site.declare(
        source={"url": f"az://{container}", "credentials": "env:SOURCE_"},
        target={"url": f"s3://{bucket}", "credentials": "env:TARGET_"},
    )
    before = s3_state(seaweedfs, bucket), len(seaweedfs.requests())
    blobs = azure_listing(azurite, container)
    with Migration.open(site.file) as migration:
        plan = make_plan(migration)
    assert azure_listing(azurite, container) == blobs
    assert s3_state(seaweedfs, bucket) == before[0]
    asked = [request for request in seaweedfs.requests()[before[1] :] if request.bucket == bucket]
    assert {request.method for request in asked} == {"GET"}
    counts = {found.kind.id: found.objects for found in plan.findings if found.objects}
    assert counts == {
        "archived": 1,
        "key-refused": 1,
        "target-not-empty": 1,
        "snapshots": 1,
        "blob-types": 2,
        "tiers": 2,
        "directory-stubs": 1,
        "no-content-md5": 2,
    }
    assert (plan.moved.objects, plan.moved.bytes) == (10, 9 * len(BODY) + 512)
    assert plan.entries == 12
    assert plan.totals.reconciled
