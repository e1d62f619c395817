"""Mutations that the host carried out, and whose answer was lost: found out, and never taken for someone else's."""

import pytest

from portable.backends.protocol import ABSENT, ANY, Attributes, Expectation, Matches, Upload
from portable.errors import AlreadyExists, Denied, NotFound, OutcomeUnknown, PreconditionFailed, RetryableError
from tests.backends.faults.conftest import BOUND, BRIEF, Host, within
from tests.servers.faults import Latency, LoseResponse, Refuse, Status

OURS, THEIRS = b"ours " * 1000, b"theirs"


@pytest.fixture(params=[ANY, ABSENT, "matches"])
def expect(request: pytest.FixtureRequest, host: Host) -> Expectation:
    """Name each expectation in turn; for the last, an older object stands at `key`."""
    return Matches(host.direct.put("key", b"older").etag) if request.param == "matches" else request.param


@pytest.mark.parametrize("fault", [LoseResponse(), Refuse(), Status(500, "InternalError")], ids=str)
def test_a_put_succeeds_when_its_answer_is_lost(host: Host, expect: Expectation, fault: object) -> None:
    host.fail("put", fault, times=1)
    with within(BOUND):
        stat = host.open().put("key", OURS, expect=expect, attributes=Attributes(metadata={"note": "kept"}))
    found = host.direct.get("key")
    assert bytes(found.data) == OURS
    assert (stat.etag, stat.size) == (found.stat.etag, len(OURS))
    assert [each.key for each in host.direct.list()] == ["key"]
    described = host.open().stat("key")
    assert described.attributes is not None
    assert dict(described.attributes.metadata) == {"note": "kept"}


@pytest.mark.parametrize("times", [1, 2])
def test_a_competitors_object_is_not_taken_for_ones_own(host: Host, times: int) -> None:
    host.direct.put("key", THEIRS)
    with pytest.raises(AlreadyExists):
        host.open().put("key", OURS, expect=ABSENT)
    host.fail("put", LoseResponse(), times=times)
    with within(BOUND), pytest.raises(OutcomeUnknown):
        host.open().put("key", OURS, expect=ABSENT)
    assert bytes(host.direct.get("key").data) == THEIRS


def test_a_competitors_version_is_not_taken_for_ones_own(host: Host) -> None:
    older = host.direct.put("key", b"older")
    host.direct.put("key", THEIRS)
    with pytest.raises(PreconditionFailed):
        host.open().put("key", OURS, expect=Matches(older.etag))
    host.fail("put", LoseResponse(), times=1)
    with within(BOUND), pytest.raises(OutcomeUnknown):
        host.open().put("key", OURS, expect=Matches(older.etag))
    assert bytes(host.direct.get("key").data) == THEIRS


@pytest.mark.parametrize("fault", [LoseResponse(), Refuse()], ids=str)
def test_a_competitor_that_comes_between_the_attempts_leaves_the_outcome_unknown(host: Host, fault: object) -> None:
    host.fail("put", fault, times=1)
    host.fail("put", Latency(0), times=1, meanwhile=lambda: host.direct.put("key", THEIRS))
    with within(BOUND), pytest.raises(OutcomeUnknown):
        host.open().put("key", OURS, expect=ABSENT)
    assert bytes(host.direct.get("key").data) == THEIRS


def test_a_put_whose_answers_are_all_lost_is_settled_or_unknown(host: Host, expect: Expectation) -> None:
    host.fail("put", LoseResponse())
    backend = host.open(BRIEF)
    with within(BRIEF):
        try:
            stat = backend.put("key", OURS, expect=expect)
        except RetryableError:
            pass  # the outcome is unknown, and said to be
        else:
            assert stat.etag == host.direct.stat("key").etag
    assert bytes(host.direct.get("key").data) == OURS


def staged(host: Host, parts: int = 2) -> tuple[Upload, bytes]:
    """Stage parts: one small, or as many as asked for, of which all but the last are as large as parts must be."""
    backend = host.open(BOUND if parts == 1 else 30.0)
    upload = backend.begin("key", attributes=Attributes(metadata={"note": "kept"}))
    size = backend.capabilities.part_size if parts > 1 else len(OURS)
    body = [OURS.ljust(size, b"."), *[OURS] * (parts - 1)]
    for number, data in enumerate(body):
        upload.part(number, data)
    return upload, b"".join(body)


def test_a_commit_succeeds_when_its_answer_is_lost(host: Host, expect: Expectation) -> None:
    upload, body = staged(host, parts=1)
    host.fail("commit", LoseResponse(), times=1)
    with within(BOUND):
        stat = upload.commit(expect)
    found = host.direct.get("key")
    assert bytes(found.data) == body
    assert (stat.etag, stat.size) == (found.stat.etag, len(body))
    assert [each.key for each in host.direct.list()] == ["key"]
    assert list(host.direct.unfinished()) == []


def test_a_commit_does_not_take_a_competitors_object_for_its_own(host: Host) -> None:
    upload, _ = staged(host, parts=1)
    host.fail("commit", Refuse(), times=1)
    host.fail("commit", Latency(0), times=1, meanwhile=lambda: host.direct.put("key", THEIRS))
    with within(BOUND), pytest.raises(OutcomeUnknown):
        upload.commit(ABSENT)
    assert bytes(host.direct.get("key").data) == THEIRS


@pytest.mark.parametrize("fault", [LoseResponse(), Status(500, "InternalError")], ids=str)
def test_parts_are_staged_when_answers_are_lost(host: Host, fault: object) -> None:
    host.fail("part", fault, times=1)
    upload, body = staged(host, parts=2)
    upload.commit()
    assert bytes(host.direct.get("key").data) == body


@pytest.mark.parametrize("kind", ["s3"])
def test_an_upload_begins_when_the_answer_is_lost(host: Host) -> None:
    """The upload whose answer was lost dangles, and is listed."""
    host.fail("begin", LoseResponse(), times=1)
    upload, body = staged(host, parts=1)
    upload.commit()
    assert bytes(host.direct.get("key").data) == body
    dangling = list(host.direct.unfinished())
    assert [each.key for each in dangling] == ["key"]
    host.direct.resume("key", dangling[0].token).abort()
    assert list(host.direct.unfinished()) == []


@pytest.mark.parametrize("fault", [LoseResponse(), Refuse()], ids=str)
@pytest.mark.parametrize("conditional", [False, True])
def test_a_delete_succeeds_when_its_answer_is_lost(host: Host, fault: object, conditional: bool) -> None:  # noqa: FBT001
    stat = host.direct.put("key", OURS)
    host.fail("delete", fault, times=1)
    with within(BOUND):
        host.open().delete("key", expect=Matches(stat.etag) if conditional else ANY)
    with pytest.raises(NotFound):
        host.direct.stat("key")


def test_a_conditional_delete_spares_a_competitors_object(host: Host) -> None:
    stat = host.direct.put("key", OURS)
    host.fail("delete", Refuse(), times=1)
    host.fail("delete", Latency(0), times=1, meanwhile=lambda: host.direct.put("key", THEIRS))
    with within(BOUND), pytest.raises((PreconditionFailed, OutcomeUnknown)):
        host.open().delete("key", expect=Matches(stat.etag))
    assert bytes(host.direct.get("key").data) == THEIRS


def test_a_refusal_is_not_repeated(host: Host) -> None:
    host.fail("put", Status(403, "AccessDenied"))
    with pytest.raises(Denied):
        host.open().put("key", OURS)
    assert len(host.sent("put")) == 1
