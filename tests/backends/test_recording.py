"""Records of calls, and stores that must not be written to."""

import uuid

import pytest

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.backends.recording import Call, RecordingBackend
from portable.backends.registry import open_backend
from portable.errors import Denied, NotFound


@pytest.fixture
def inner() -> Backend:
    return open_backend(Location(f"memory://r-{uuid.uuid4().hex}"))


def test_calls_are_recorded_with_their_bytes(inner: Backend) -> None:
    recording = RecordingBackend(inner, url="memory://r")
    recording.put("a", b"12345")
    assert bytes(recording.get("a", 1, 3).data) == b"23"
    recording.stat("a")
    assert [stat.key for stat in recording.list("a")] == [stat.key for stat in recording.inventory()] == ["a"]
    upload = recording.begin("b")
    upload.part(0, b"123")
    upload.commit()
    recording.delete("a")
    assert recording.calls == (
        Call("put", "a", 5),
        Call("get", "a", 2),
        Call("stat", "a"),
        Call("list", "a"),
        Call("inventory", ""),
        Call("begin", "b"),
        Call("part", "b", 3),
        Call("commit", "b"),
        Call("delete", "a"),
    )
    assert [call.verb for call in recording.mutations] == ["put", "begin", "part", "commit", "delete"]


def test_a_read_only_store_denies_every_mutation_and_reads_on(inner: Backend) -> None:
    inner.put("a", b"12345")
    recording = RecordingBackend(inner, url="memory://r", read_only=True)
    for mutate in (
        lambda: recording.put("a", b"1"),
        lambda: recording.delete("a"),
        lambda: recording.begin("a"),
    ):
        with pytest.raises(Denied, match="memory://r"):
            mutate()
    assert bytes(recording.get("a").data) == b"12345"
    assert recording.mutations == ()


def test_a_failed_read_is_recorded_too(inner: Backend) -> None:
    recording = RecordingBackend(inner, url="memory://r")
    with pytest.raises(NotFound):
        recording.get("missing")
    assert recording.calls == (Call("get", "missing"),)
