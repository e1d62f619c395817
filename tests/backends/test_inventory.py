"""What inventories and listings account for: entries that other tools drop."""

from collections.abc import Iterator, Mapping

import pytest
from typing_extensions import Buffer

from portable.backends import s3_listing
from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.registry import open_backend
from portable.backends.s3_wire import S3Wire
from portable.errors import InvalidKey, NotFound, Unavailable, Unsupported
from tests.servers import Azurite, SeaweedFS

AWKWARD = ["/lead", "a//b", "tail/", "line\nbreak"]


@pytest.fixture
def azure(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Location(f"az://{container}", credentials="env:TEST_"), bound=20.0)
    yield backend
    backend.close()


@pytest.fixture
def s3(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    for name, value in seaweedfs.env("TEST_").items():
        monkeypatch.setenv(name, value)
    backend = open_backend(Location(f"s3://{bucket}", credentials="env:TEST_"), bound=20.0)
    yield backend
    backend.close()


def test_awkward_keys_at_azure_are_listed_and_read_as_they_are(azure: Backend, azurite: Azurite, container: str) -> None:
    for key in [*AWKWARD, "lead", "tail", "plain"]:
        azurite.client.get_blob_client(container, key).upload_blob(key.encode(), metadata={"Name": "value"})
    expected = sorted([*AWKWARD, "lead", "tail", "plain"])
    assert sorted(stat.key for stat in azure.list()) == sorted(stat.key for stat in azure.inventory()) == expected
    for listed in azure.inventory():
        fetched = azure.get(listed.key)
        assert bytes(fetched.data) == listed.key.encode()
        assert bytes(azure.get(listed.key, 1, 3).data) == listed.key.encode()[1:3]
        assert fetched.stat == azure.stat(listed.key)
        assert fetched.stat.etag == listed.etag
        assert fetched.stat.attributes == listed.attributes
        assert bytes(azure.get(listed.key, 99, if_match=listed.etag).data) == b""
    for key in ("no//such", "no/"):
        with pytest.raises(NotFound):
            azure.get(key)


def test_no_request_is_sent_for_a_key_that_clients_would_resolve_to_another(azure: Backend, azurite: Azurite) -> None:
    before = len(azurite.requests())
    for key in ("../other/key", "a/./b", ".."):
        with pytest.raises(InvalidKey):
            azure.get(key)
        with pytest.raises(InvalidKey):
            azure.stat(key)
    assert len(azurite.requests()) == before


def test_an_azure_inventory_tells_what_is_no_plain_current_blob(azure: Backend, azurite: Azurite, container: str) -> None:
    blobs = azurite.client.get_container_client(container)
    blobs.upload_blob("plain", b"data")
    blobs.upload_blob("snapshotted", b"old")
    blobs.get_blob_client("snapshotted").create_snapshot()
    blobs.upload_blob("snapshotted", b"newer", overwrite=True)
    blobs.get_blob_client("appended").create_append_blob()
    blobs.get_blob_client("paged").create_page_blob(512)
    blobs.upload_blob("folder", b"", metadata={"hdi_isfolder": "true"})
    blobs.get_blob_client("staged").stage_block("AAAA", b"data")
    entries = list(azure.inventory())
    current = {entry.key: entry for entry in entries if "snapshot" not in entry.details}
    assert {key: entry.details["blob_type"] for key, entry in current.items()} == {
        "plain": "BlockBlob",
        "snapshotted": "BlockBlob",
        "appended": "AppendBlob",
        "paged": "PageBlob",
        "folder": "BlockBlob",
        "staged": "BlockBlob",
    }
    assert [(entry.key, entry.size) for entry in entries if "snapshot" in entry.details] == [("snapshotted", 3)]
    assert current["snapshotted"].size == 5
    assert [key for key, entry in current.items() if "is_directory_stub" in entry.details] == ["folder"]
    assert [key for key, entry in current.items() if "uncommitted" in entry.details] == ["staged"]
    assert current["plain"].details["content_md5"] == "jXd/OF09/siBXSD3SWAm3A=="
    assert current["plain"].details["tier"] == "Hot"
    assert all(entry.etag for entry in entries)
    assert sorted(stat.key for stat in azure.list()) == ["appended", "folder", "paged", "plain", "snapshotted"]
    with pytest.raises(Unsupported, match="snapshots"):
        azure.delete("snapshotted")


def test_a_folder_marker_at_s3_keeps_its_slash(s3: Backend, seaweedfs: SeaweedFS, bucket: str) -> None:
    for key in ("folder/", "folder/key"):
        seaweedfs.client.put_object(Bucket=bucket, Key=key, Body=b"")
    assert sorted(stat.key for stat in s3.list()) == ["folder/", "folder/key"]
    details = {stat.key: stat.details for stat in s3.inventory()}
    assert details["folder/"]["is_directory_stub"] == "true"
    assert "is_directory_stub" not in details["folder/key"]
    assert bytes(s3.get("folder/").data) == b""
    assert s3.stat("folder/").key == "folder/"


def test_a_marker_of_the_root_itself_is_inventoried_and_not_listed(s3: Backend, seaweedfs: SeaweedFS, bucket: str) -> None:
    for key in ("folder/", "folder/key"):
        seaweedfs.client.put_object(Bucket=bucket, Key=key, Body=b"")
    inside = open_backend(Location(f"s3://{bucket}/folder", credentials="env:TEST_"))
    assert [stat.key for stat in inside.list()] == ["key"]
    assert sorted(stat.key for stat in inside.inventory()) == ["", "key"]
    inside.close()


def test_requests_show_what_was_written(s3: Backend, seaweedfs: SeaweedFS, bucket: str) -> None:
    s3.put("folder/é x", b"data")
    s3.get("folder/é x")
    s3.delete("folder/é x")
    seen = [(request.method, request.key) for request in seaweedfs.requests() if request.bucket == bucket and request.key]
    assert sorted(seen) == [("DELETE", "folder/é x"), ("GET", "folder/é x"), ("PUT", "folder/é x")]


def test_a_listing_that_never_ends_is_stopped(s3: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a", "b"):
        s3.put(key, b"")
    honest = S3Wire.page

    def looping(wire: S3Wire, asked: Mapping[str, object], *, key: str) -> Buffer:
        first = {name: value for name, value in asked.items() if name != "continuation-token"}
        return honest(wire, first, key=key)

    monkeypatch.setattr(s3_listing, "PAGE_SIZE", 1)
    monkeypatch.setattr(S3Wire, "page", looping)
    for listed in (s3.list, s3.children, s3.inventory):
        with pytest.raises(Unavailable, match="repeats"):
            list(listed())
