"""Multipart uploads that another process goes on with, and those that nobody does."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.backends.s3 import S3Backend
from portable.backends.wire import Answer
from portable.errors import AlreadyExists, ConfigurationError, NotFound, PreconditionFailed, Throttled, Unavailable
from tests.backends.s3_opening import Place
from tests.servers import SeaweedFS
from tests.servers.faults import LoseResponse, Rewrite, Rule, Status

PART = 5 << 20
"""Bytes: the least that a part but the last may have."""


@pytest.fixture
def place(seaweedfs: SeaweedFS, bucket: str) -> Place:
    """Name a bucket of SeaweedFS."""
    return Place(seaweedfs, bucket, "seaweedfs")


def ask(backend: S3Backend, monkeypatch: pytest.MonkeyPatch, besides: Mapping[str, object]) -> None:
    """Let what reads ask for this, too."""
    wire = backend._wire
    send = wire._send

    def asking(method: str, *given: Any, query: Mapping[str, object] | None = None, **named: Any) -> Answer:
        return send(method, *given, query={**(query or {}), **besides} if method == "GET" else query, **named)

    monkeypatch.setattr(wire, "_send", asking)


def test_another_process_goes_on_with_an_upload(place: Place) -> None:
    first, last = os.urandom(PART), os.urandom(1_000)
    attributes = Attributes(content_type="text/csv", metadata={"name": "value"})
    with place.open() as one:
        begun = one.begin("folder/key", attributes=attributes)
        begun.part(0, first)
    with place.open() as other:
        upload = other.resume("folder/key", begun.token, attributes=attributes)
        assert upload.staged() == {0: PART}
        assert upload.part(1, last) == "crc64nvme"
        assert upload.staged() == {0: PART, 1: 1_000}
        done = upload.commit()
        assert bytes(other.get("folder/key").data) == first + last
        told = other.stat("folder/key")
        assert (done.etag, done.size, told.attributes) == (told.etag, told.size, attributes)
        # SeaweedFS lists parts without their checksums: what was sent before is not vouched for here.
        assert done.confirmed == "none"


def test_parts_that_are_sent_again_by_the_other_process_count_in_full(place: Place) -> None:
    first, last = os.urandom(PART), os.urandom(1_000)
    with place.open() as backend:
        begun = backend.begin("key")
        begun.part(0, os.urandom(PART))
        begun.part(1, last)
        upload = backend.resume("key", begun.token)
        upload.part(0, first)
        upload.part(1, last)
        assert upload.commit().confirmed == "crc64nvme"
        assert bytes(backend.get("key").data) == first + last


def test_a_list_of_parts_goes_on_over_its_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open() as backend:
        upload = backend.begin("key")
        for number in range(5):
            upload.part(number, bytes(number + 1))
        ask(backend, monkeypatch, {"max-parts": 2})
        assert upload.staged() == {number: number + 1 for number in range(5)}
        assert backend.resume("key", upload.token).staged() == upload.staged()


def test_an_upload_that_is_gone_is_not_found(place: Place) -> None:
    with place.open() as backend:
        upload = backend.begin("key")
        upload.abort()
        with pytest.raises(NotFound):
            backend.resume("key", upload.token)
        with pytest.raises(NotFound):
            upload.part(0, b"data")
        with pytest.raises(NotFound):
            upload.staged()


def test_unfinished_uploads_are_listed_below_the_store_alone(place: Place) -> None:
    with place.open("a/b") as inside, place.open() as outside:
        assert list(inside.unfinished()) == []
        begun = {(key, inside.begin(key).token) for key in ("é x", "é x", "c/d")}
        beside = outside.begin("a/b-sibling").token
        finished = inside.begin("finished")
        finished.part(0, b"")
        finished.commit()
        assert {(found.key, found.token) for found in inside.unfinished()} == begun
        assert beside in {found.token for found in outside.unfinished()}
        for found in inside.unfinished():
            assert found.started is not None
            inside.resume(found.key, found.token).abort()
        assert list(inside.unfinished()) == []


def test_a_list_of_uploads_goes_on_over_its_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open() as backend:
        begun = {backend.begin(f"key {number}").token for number in range(5)}
        ask(backend, monkeypatch, {"max-uploads": 2})
        found = [upload.token for upload in backend.unfinished()]
        assert len(found) == 5
        assert set(found) == begun


def test_a_list_of_uploads_that_never_ends_is_stopped(place: Place) -> None:
    def looping(_: str, body: bytes) -> bytes:
        return body.replace(b"<IsTruncated>false", b"<NextKeyMarker>k</NextKeyMarker><IsTruncated>true")

    with place.behind_proxy() as (backend, proxy):
        backend.begin("key")
        proxy.rules = [Rule(Rewrite(looping), method="GET", target="uploads")]
        with pytest.raises(Unavailable, match="repeats"):
            list(backend.unfinished())


def test_a_commit_holds_its_condition(place: Place) -> None:
    # One at a time SeaweedFS honours them; its profile claims none, because it does not when they race.
    with replace(place, provider=None).open() as backend:
        standing = backend.put("key", b"standing")
        upload = backend.begin("key")
        upload.part(0, b"staged")
        with pytest.raises(AlreadyExists):
            upload.commit(ABSENT)
        with pytest.raises(PreconditionFailed):
            upload.commit(Matches('"0"'))
        assert upload.commit(Matches(standing.etag)).confirmed == "crc64nvme"
        assert bytes(backend.get("key").data) == b"staged"


def test_a_commit_without_all_its_parts_is_not_sent(place: Place) -> None:
    with place.behind_proxy() as (backend, proxy):
        upload = backend.begin("key")
        upload.part(1, b"data")
        with pytest.raises(ConfigurationError, match="parts"):
            upload.commit()
        assert [each.method for each in proxy.seen()] == ["POST", "PUT"]


def test_every_request_of_an_upload_is_sent_once(place: Place) -> None:
    with place.behind_proxy() as (backend, proxy):
        upload = backend.begin("key")
        proxy.rules = [Rule(LoseResponse())]
        for call in (lambda: upload.part(0, b"data"), upload.commit, upload.staged, upload.abort, lambda: backend.begin("key")):
            proxy.log.clear()
            if call == upload.commit:
                upload._parts[0] = upload._parts.get(0) or _part()
            with pytest.raises(Unavailable):
                call()
            assert len(proxy.seen()) == 1


def _part() -> object:
    from portable.backends.s3_upload import _Part

    return _Part('"8d777f385d3dfec8815d20f7496026dc"', 4, None, "none")


def test_what_the_host_wants_to_wait_is_told(place: Place) -> None:
    with place.behind_proxy() as (backend, proxy):
        upload = backend.begin("key")
        proxy.rules = [Rule(Status(503, "SlowDown", {"Retry-After": "7"}))]
        for call in (
            lambda: upload.part(0, b"data"),
            upload.staged,
            upload.abort,
            lambda: next(iter(backend.list())),
            lambda: backend.delete("key", expect=Matches('"0"')),
        ):
            with pytest.raises(Throttled) as raised:
                call()
            assert raised.value.retry_after == 7.0
        proxy.log.clear()
        for call in (lambda: backend.put("key", b""), lambda: backend.get("key"), lambda: backend.delete("key")):
            with pytest.raises(Throttled):
                call()
        assert len(proxy.seen()) == 3
