"""What profiles claim of checksums, tried on the servers: a bit that flips on the way is never taken as what was sent."""

import os
import uuid
from collections.abc import Callable

import pytest

from portable.backends.traits import contract
from portable.errors import Corrupt, NotFound
from tests.backends.s3_opening import Place
from tests.servers.faults import FlipRequest, Rule

SERVERS = ("seaweedfs", "ministack", "moto", "rclone", "juicefs")


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest) -> Place:
    """Make a bucket on each server in turn."""
    name = str(request.param)
    server = request.getfixturevalue(name)
    return Place(server, server.make_bucket(f"b-{uuid.uuid4().hex[:12]}"), name)


def test_a_put_that_was_altered_on_its_way_is_corrupt(place: Place) -> None:
    with place.behind_proxy() as (backend, proxy):
        proxy.rules = [Rule(FlipRequest(100), method="PUT", times=1)]
        with pytest.raises(Corrupt):
            backend.put("key", os.urandom(1_000))
        assert len(proxy.seen("PUT")) == 1
        if contract(place.provider).put != "md5":  # the host's own check: nothing was stored
            with pytest.raises(NotFound):
                backend.stat("key")


def test_a_put_has_the_checksum_of_the_contract_confirmed(place: Place) -> None:
    with place.open() as backend:
        for data in (b"", b"data", bytearray(100_000)):
            assert backend.put("key", data).confirmed == contract(place.provider).put
        assert backend.capabilities.checksums == {contract(place.provider).put}


def test_a_part_that_was_altered_on_its_way_is_corrupt_and_can_be_sent_again(place: Place) -> None:
    data = os.urandom(100_000)
    with place.behind_proxy() as (backend, proxy):
        upload = backend.begin("key")
        proxy.rules = [Rule(FlipRequest(100), method="PUT", times=1)]
        with pytest.raises(Corrupt):
            upload.part(0, data)
        if place.provider == "rclone":  # it drops the whole upload
            with pytest.raises(NotFound):
                upload.part(0, data)
            return
        if place.provider == "moto":  # it verifies nothing: the altered part stands, until the right one takes its place
            assert upload.staged() == {0: len(data)}
        confirmed = upload.part(0, data)
        assert confirmed == {"seaweedfs": "crc64nvme", "moto": "md5"}.get(place.provider or "", "sha256")
        upload.commit()
        assert bytes(backend.get("key").data) == data


def test_a_commit_confirms_the_whole_object(place: Place) -> None:
    first, last = os.urandom(5 << 20), os.urandom(1_000)
    with place.open() as backend:
        upload = backend.begin("key")
        confirmed = {upload.part(1, last), upload.part(0, first)}
        done = upload.commit()
        assert {done.confirmed} == confirmed
        assert done.etag == backend.stat("key").etag
        assert bytes(backend.get("key").data) == first + last


def test_a_commit_of_other_bytes_than_the_checksum_of_the_whole_is_corrupt(
    seaweedfs: object, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portable.backends import s3_upload

    server = request.getfixturevalue("seaweedfs")
    place = Place(server, server.make_bucket(), "seaweedfs")
    right: Callable[[list[tuple[int, int]]], int] = s3_upload.whole_crc
    monkeypatch.setattr(s3_upload, "whole_crc", lambda parts: right(parts) ^ 1)
    with place.open() as backend:
        upload = backend.begin("key")
        upload.part(0, b"data")
        with pytest.raises(Corrupt):
            upload.commit()
        with pytest.raises(NotFound):
            backend.stat("key")
        upload.abort()
