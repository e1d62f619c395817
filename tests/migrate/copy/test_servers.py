"""From Azure to S3 on real servers: what survives the move, and what verification finds there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, ContentSettings

from migrate.copy import copy_objects
from migrate.deletions import delete_vanished
from migrate.states import Sum
from migrate.verify import MISSING, STRANGE, Finding, verify_objects
from portable.backends.location import Location
from portable.backends.registry import open_backend
from portable.volume import Volume
from tests.migrate.copy.places import KEYS, Exchange
from tests.servers import Azurite, SeaweedFS

UNICODE = "dossier médical/été 2024/naïve ☃ 𝄞 + & = ?.csv"


class Moving(Exchange):
    """A container at Azurite, a bucket at SeaweedFS, their vendors' own clients, and the journal between them."""

    def __init__(self, folder: Path, container: ContainerClient, s3: Any, bucket: str) -> None:
        super().__init__(folder)
        self.container, self.s3, self.bucket = container, s3, bucket
        source = Location(f"az://{container.container_name}", credentials="env:SOURCE_")
        target = Location(f"s3://{bucket}/lake", credentials="env:TARGET_")
        self.source = Volume(open_backend(source, bound=20.0), None)
        self.target = Volume(open_backend(target, bound=20.0), KEYS)

    def copy(self) -> None:
        self.take_inventory()
        copy_objects(self.journal, self.source, self.target, workers=4)

    def stored(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=f"lake/{key}")["Body"].read()

    def store(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"lake/{key}", Body=data)

    def close(self) -> None:
        self.journal.close()
        self.source.close()
        self.target.close()


@pytest.fixture
def moving(
    tmp_path: Path, azurite: Azurite, container: str, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Moving]:
    for name, value in {**azurite.env("SOURCE_"), **seaweedfs.env("TARGET_")}.items():
        monkeypatch.setenv(name, value)
    with azurite.client.get_container_client(container) as client:
        moving = Moving(tmp_path, client, seaweedfs.client, bucket)
        yield moving
        moving.close()


def test_headers_metadata_and_original_time_survive(moving: Moving) -> None:
    settings = ContentSettings(
        content_type="text/csv; charset=utf-8",
        cache_control="max-age=3600",
        content_disposition='attachment; filename="été.csv"'.encode("ascii", "ignore").decode(),
        content_encoding="gzip",
        content_language="fr-FR",
    )
    moving.container.upload_blob("described.csv", b"1;2;3", content_settings=settings, metadata={"owner": "lake", "step": "7"})
    original = moving.container.get_blob_client("described.csv").get_blob_properties()

    moving.copy()

    copy = moving.target.info("described.csv")
    assert copy.attributes is not None
    assert copy.attributes.content_type == settings.content_type
    assert copy.attributes.cache_control == settings.cache_control
    assert copy.attributes.content_disposition == settings.content_disposition
    assert copy.attributes.content_encoding == settings.content_encoding
    assert copy.attributes.content_language == settings.content_language
    assert dict(copy.attributes.metadata) == {"owner": "lake", "step": "7"}
    assert copy.modified == original["last_modified"]
    assert copy.modified.tzinfo is not None
    assert datetime(2020, 1, 1, tzinfo=UTC) < copy.modified
    assert moving.target.read("described.csv") == b"1;2;3"


def test_large_empty_and_awkward_objects_arrive_whole(moving: Moving) -> None:
    large = bytes(range(251)) * (40 * (1 << 20) // 251)
    moving.container.upload_blob("large.bin", large)
    moving.container.upload_blob("empty", b"")
    moving.container.upload_blob(UNICODE, b"unicode")

    moving.copy()

    assert moving.states() == {"large.bin": "copied", "empty": "copied", UNICODE: "copied"}
    assert "-" in moving.s3.head_object(Bucket=moving.bucket, Key="lake/large.bin")["ETag"], "sent in parts"
    assert moving.target_holds() == {"large.bin": large, "empty": b"", UNICODE: b"unicode"}
    found = verify_objects(moving.journal, moving.source, moving.target, workers=4)
    assert found.clean
    assert moving.journal.totals().all_verified
    moving.take_inventory()
    assert set(moving.states().values()) == {"verified"}, "the tokens of reading and of listing agree"


def test_a_flipped_byte_a_missing_and_an_extra_object_are_each_named(moving: Moving) -> None:
    for number in range(12):
        moving.container.upload_blob(f"objects/{number}", bytes([number]) * 20_000)
    moving.copy()
    flipped = bytearray(moving.stored("objects/3"))
    flipped[9_000] ^= 1
    moving.store("objects/3", bytes(flipped))
    moving.s3.delete_object(Bucket=moving.bucket, Key="lake/objects/5")
    moving.store("objects/strange", b"anything")

    found = verify_objects(moving.journal, moving.source, moving.target, workers=4)

    assert (found.verified.objects, found.failed.objects, found.extra) == (10, 2, 1)
    assert Finding("objects/strange", "extra", STRANGE) in found.findings
    assert Finding("objects/5", "failed", MISSING) in found.findings
    (corrupt,) = (finding for finding in found.findings if finding.key == "objects/3")
    assert corrupt.reason.startswith("corrupt at the target: ")
    assert moving.journal.totals().reconciled


def test_a_delta_replaces_and_deletes_conditionally(moving: Moving) -> None:
    for number in range(5):
        moving.container.upload_blob(f"{number}", b"first")
    moving.copy()
    moving.container.upload_blob("1", b"second", overwrite=True)
    moving.container.get_blob_client("2").set_http_headers(ContentSettings(content_type="text/plain"))
    moving.container.delete_blob("3")
    moving.store("4", b"put there by somebody else")
    moving.container.upload_blob("4", b"second", overwrite=True)

    moving.copy()

    assert delete_vanished(moving.journal, moving.target).deleted == Sum(1, 5)
    assert moving.states() == {"0": "copied", "1": "copied", "2": "copied", "3": "vanished", "4": "failed"}
    assert moving.target.read("1") == b"second"
    attributes = moving.target.info("2").attributes
    assert attributes is not None
    assert attributes.content_type == "text/plain"
    assert moving.stored("4") == b"put there by somebody else"
    assert {info.key for info in moving.target.list()} == {"0", "1", "2", "4"}
