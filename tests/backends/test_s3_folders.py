"""Hosts whose keys are files: `a` and `a/b` cannot both stand there, and neither is lost over the other."""

import pytest

from portable.backends.s3 import S3Backend
from portable.errors import InvalidKey, Throttled, Unavailable
from tests.backends.s3_opening import Place
from tests.servers import JuiceFS
from tests.servers.faults import LoseResponse, Rule, Status


@pytest.fixture(params=["rclone", "juicefs"])
def place(request: pytest.FixtureRequest) -> Place:
    """Make a bucket on each server in turn."""
    server = request.getfixturevalue(request.param)
    return Place(server, server.make_bucket(), request.param)


def committed(backend: S3Backend, key: str) -> None:
    upload = backend.begin(key)
    upload.part(0, b"staged")
    upload.commit()


@pytest.mark.parametrize("write", [lambda backend, key: backend.put(key, b"new"), committed], ids=["put", "commit"])
@pytest.mark.parametrize(("standing", "key"), [("root/a/b", "a"), ("root/a", "a/b"), ("root/a", "a/b/c"), ("root", "a")])
def test_a_key_above_or_below_another_is_invalid_and_nothing_is_lost(place: Place, standing: str, key: str, write) -> None:  # type: ignore[no-untyped-def]  # a function of the table
    with place.open() as outside, place.open("root") as backend:
        outside.put(standing, b"standing")
        with pytest.raises(InvalidKey, match="files and folders"):
            write(backend, key)
        assert place.keys() == [standing]
        assert bytes(outside.get(standing).data) == b"standing"


def test_deleting_a_folder_is_deleting_nothing(place: Place) -> None:
    with place.open() as backend:
        backend.put("a/b", b"standing")
        backend.delete("a")
        assert place.keys() == ["a/b"]


def test_deleting_below_an_object_leaves_it(place: Place) -> None:
    with place.open() as backend:
        backend.put("a", b"standing")
        backend.delete("a/b")
        assert place.keys() == ["a"]
        assert bytes(backend.get("a").data) == b"standing"


def test_a_host_that_fails_is_still_unavailable(place: Place) -> None:
    with place.behind_proxy() as (backend, proxy):
        proxy.rules = [Rule(Status(500, "InternalError"), method="PUT")]
        with pytest.raises(Unavailable):
            backend.put("a/b", b"")


WRITES = {
    "put": lambda backend: backend.put("a/b", b""),
    "delete": lambda backend: backend.delete("a/b"),
    "begin": lambda backend: backend.begin("a/b"),
}


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("fault", [Status(429), Status(503, "SlowDown", {"Retry-After": "7"})], ids=["429", "503"])
def test_a_host_that_wants_fewer_requests_is_not_asked_what_stands_there(juicefs: JuiceFS, verb: str, fault: Status) -> None:
    with Place(juicefs, juicefs.make_bucket(), "juicefs").behind_proxy() as (backend, proxy):
        proxy.rules = [Rule(fault)]
        with pytest.raises(Throttled, match=verb) as raised:
            WRITES[verb](backend)
        assert raised.value.retry_after == (7.0 if fault.headers else None)
        assert len(proxy.seen()) == 1


@pytest.mark.parametrize("verb", WRITES)
def test_a_look_that_fails_hides_no_error(juicefs: JuiceFS, verb: str) -> None:
    with Place(juicefs, juicefs.make_bucket(), "juicefs").behind_proxy() as (backend, proxy):
        proxy.rules = [
            Rule(Status(503, "SlowDown", {"Retry-After": "7"}), method="GET|HEAD"),
            Rule(Status(500, "InternalError")),
        ]
        with pytest.raises(Unavailable, match=f"^{verb} .*InternalError"):
            WRITES[verb](backend)
        assert len(proxy.seen("GET|HEAD")) == 1


@pytest.mark.parametrize("verb", WRITES)
def test_where_no_answer_came_none_is_explained(juicefs: JuiceFS, verb: str) -> None:
    with Place(juicefs, juicefs.make_bucket(), "juicefs").behind_proxy() as (backend, proxy):
        proxy.rules = [Rule(LoseResponse())]
        with pytest.raises(Unavailable, match=verb):
            WRITES[verb](backend)
        assert len(proxy.seen()) == 1
