"""Staged uploads at Azure that another process finds and goes on with."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portable.backends.azure import AzureBackend, open_azure
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.errors import AlreadyExists, NotFound, PreconditionFailed, Unsupported
from tests.servers import Azurite

Open = Callable[[str], AzureBackend]


@pytest.fixture
def reopen(azurite: Azurite, container: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open the test's container at a prefix, each time as another process would."""
    for name, value in azurite.env("TEST_").items():
        monkeypatch.setenv(name, value)
    opened = []

    def open_at(prefix: str = "") -> AzureBackend:
        opened.append(open_azure(Location(f"az://{container}/{prefix}", credentials="env:TEST_"), 20.0))
        return opened[-1]

    yield open_at
    for backend in opened:
        backend.close()


@pytest.fixture
def blobs(azurite: Azurite, container: str) -> Any:
    """The vendor's client of the container."""
    return azurite.client.get_container_client(container)


def test_an_upload_is_gone_on_with_by_another_process(reopen: Open) -> None:
    parts = [os.urandom(1_000), os.urandom(2_000), os.urandom(500)]
    attributes = Attributes(content_type="text/csv", metadata={"name": "value"})
    upload = reopen("lake").begin("folder/é", attributes=attributes)
    upload.part(0, parts[0])
    upload.part(2, parts[2])
    again = reopen("lake").resume("folder/é", upload.token, attributes=attributes)
    assert again.token == upload.token
    assert again.staged() == {0: 1_000, 2: 500}
    again.part(1, parts[1])
    done = again.commit(ABSENT)
    fetched = reopen("lake").get("folder/é")
    assert bytes(fetched.data) == b"".join(parts)
    assert fetched.stat.attributes == attributes
    assert (done.size, done.etag, done.confirmed) == (3_500, fetched.stat.etag, "none")


def test_staged_parts_are_told_as_the_host_has_them(reopen: Open) -> None:
    upload = reopen("").begin("key")
    assert upload.staged() == {}
    upload.part(0, b"first, and longer")
    upload.part(0, b"second")
    assert upload.staged() == {0: 6}


def test_an_upload_of_which_nothing_stands_is_gone(reopen: Open, blobs: Any) -> None:
    backend = reopen("")
    with pytest.raises(NotFound):
        backend.resume("key", "0" * 32)
    upload = backend.begin("key")
    upload.part(0, b"data")
    other = backend.begin("key")
    other.part(0, b"another commit drops all blocks")
    other.commit()
    for gone in (upload.staged, upload.commit, lambda: backend.resume("key", upload.token)):
        with pytest.raises(NotFound):
            gone()
    assert bytes(backend.get("key").data) == b"another commit drops all blocks"
    blobs.get_blob_client("other").stage_block("AAAA", b"foreign")
    with pytest.raises(NotFound):
        backend.resume("other", "AAAA")


def test_a_resumed_upload_commits_under_its_condition(reopen: Open) -> None:
    backend = reopen("")
    standing = backend.put("key", b"standing")
    upload = backend.begin("key")
    upload.part(0, b"staged")
    again = reopen("").resume("key", upload.token)
    with pytest.raises(AlreadyExists):
        again.commit(ABSENT)
    with pytest.raises(PreconditionFailed):
        again.commit(Matches('"0x8D0000000000000"'))
    assert again.commit(Matches(standing.etag)).size == 6


def test_unfinished_uploads_are_found_with_their_beginning(reopen: Open, blobs: Any) -> None:
    backend = reopen("lake")
    assert list(backend.unfinished()) == []
    uploads = [
        backend.begin("a/b"),
        backend.begin("two"),
        backend.begin("two"),
        reopen("other").begin("key"),
    ]
    for upload in uploads:
        upload.part(0, b"data")
    finished = backend.begin("finished")
    finished.part(0, b"data")
    finished.commit()
    backend.begin("nothing staged")
    blobs.get_blob_client("lake/foreign").stage_block("AAAA", b"foreign")
    found = list(backend.unfinished())
    assert {(each.key, each.token) for each in found} == {
        ("a/b", uploads[0].token),
        ("two", uploads[1].token),
        ("two", uploads[2].token),
    }
    for each in found:
        assert each.started is not None
        assert abs(datetime.now(UTC) - each.started) < timedelta(minutes=1)
        assert backend.resume(each.key, each.token).staged() == {0: 4}
    with pytest.raises(NotFound):
        list(open_azure(Location("az://missing", credentials="env:TEST_"), 20.0).unfinished())


def test_an_upload_over_a_standing_blob_is_found_by_its_token_alone(reopen: Open) -> None:
    backend = reopen("")
    backend.put("key", b"standing")
    upload = backend.begin("key")
    upload.part(0, b"data")
    assert list(backend.unfinished()) == []
    assert backend.resume("key", upload.token).staged() == {0: 4}
    assert [block.size for block in backend.features.blocks("key")[1]] == [4]


def test_an_abort_harms_nothing_that_stands_or_is_staged(reopen: Open, azurite: Azurite, container: str) -> None:
    backend = reopen("")
    standing = backend.put("key", b"standing")
    mine, other = backend.begin("key"), backend.begin("key")
    mine.part(0, b"mine")
    other.part(0, b"other")
    again = reopen("").resume("key", mine.token)
    before = len(azurite.requests())
    again.abort()
    again.abort()
    assert len(azurite.requests()) == before
    for call in (lambda: again.part(0, b"x"), again.commit, again.staged):
        with pytest.raises(NotFound, match="aborted"):
            call()
    assert backend.stat("key").etag == standing.etag
    other.commit(Matches(standing.etag))
    assert bytes(backend.get("key").data) == b"other"


def test_blocks_of_another_writer_are_left_alone(reopen: Open, blobs: Any) -> None:
    foreign = "A" * 38  # ids of one blob have one length
    blobs.get_blob_client("key").stage_block(foreign, b"foreign")
    upload = reopen("").begin("key")
    upload.part(0, b"ours")
    assert upload.staged() == {0: 4}
    upload.commit()
    assert blobs.download_blob("key").readall() == b"ours"


def test_blocks_whose_ids_have_another_length_are_in_the_way(reopen: Open, blobs: Any) -> None:
    blobs.get_blob_client("key").stage_block("AAAA", b"foreign")
    with pytest.raises(Unsupported, match="InvalidBlobOrBlock"):
        reopen("").begin("key").part(0, b"ours")
