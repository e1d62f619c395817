"""A volume with sealed names over a store in memory: keys as ever for readers, nothing but shapes for the host."""

import uuid
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.location import Location
from portable.backends.memory import MemoryBackend
from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.backends.recording import RecordingBackend
from portable.backends.registry import open_backend
from portable.errors import (
    AlreadyExists,
    ContextMismatch,
    IntegrityError,
    InvalidKey,
    NotFound,
    PreconditionFailed,
    Unavailable,
)
from portable.keys.volume_keys import VolumeKeys
from portable.names import SealedNames
from portable.volume import Volume
from portable.volume.naming import FOREIGN, NamingBackend
from tests.names.keys import AWKWARD, KEYS

KEYS_OF_VOLUME = VolumeKeys.generate("lake", frame_length=4096, names="sealed")
LONG = Attributes(metadata={"note": "n" * 400})
"""Attributes that need an object of their own."""


def memory():
    url = f"memory://{uuid.uuid4().hex}"
    return RecordingBackend(MemoryBackend(Location(url=url)), url=url)


@pytest.fixture
def backend():
    return memory()


@pytest.fixture
def volume(backend):
    return Volume(backend, KEYS_OF_VOLUME)


def test_new_volumes_have_plain_names_unless_they_are_asked_to_seal_them():
    assert (VolumeKeys.generate("lake").names, KEYS_OF_VOLUME.names) == ("plain", "sealed")


@pytest.mark.parametrize("key", AWKWARD)
def test_objects_at_any_key_are_written_read_listed_and_deleted(volume, backend, key):
    info = volume.write(key, b"data", attributes=LONG, expect=ABSENT)
    assert volume.write(key, b"more data", attributes=LONG, expect=Matches(info.etag)).key == key
    assert (volume.read(key), volume.read(key, 5)) == (b"more data", b"data")
    with volume.open(key) as stream:
        assert stream.read() == b"more data"
    found = volume.info(key)
    assert (found.key, found.stat.key, found.size, found.attributes) == (key, key, 9, LONG)
    assert [(listed.key, listed.size, listed.etag) for listed in volume.list()] == [(key, 9, found.etag)]
    volume.delete(key)
    assert list(volume.list()) == []
    assert {stat.key.partition("/")[0] for stat in backend.list()} == {".portable"}


def test_a_large_object_is_staged_under_its_stored_name(volume, backend):
    data = bytes(range(250)) * (backend.capabilities.part_size // 200)
    assert volume.write("a/large object", BytesIO(data)).stat.key == "a/large object"
    assert volume.read("a/large object") == data
    assert [stat.key for stat in backend.list()] == [volume.stored_key("a/large object")]


def test_a_host_sees_no_segment_of_any_key_in_any_call(volume, backend):
    segments = ["patients", "1234567", "relevé médical", "lab.csv"]
    key = "/".join(segments)
    volume.write(key, bytes(9 << 20), attributes=LONG)
    volume.read(key, 10, 20)
    list(volume.list("patients/1234567/rel"))
    volume.delete(key)
    seen = " ".join(call.key for call in backend.calls)
    assert not [segment for segment in segments if segment in seen]
    assert "rel" not in seen


@given(st.sets(KEYS, max_size=12), st.data())
def test_a_listing_by_prefix_is_all_keys_that_start_with_it(keys, data):
    volume = Volume(MemoryBackend(Location(url=f"memory://{uuid.uuid4().hex}")), KEYS_OF_VOLUME)
    keys = {key for key in keys if not key.startswith(".portable/")}
    for key in keys:
        volume.write(key, b"")
    some = data.draw(st.sampled_from(sorted(keys))) if keys else ""
    prefix = data.draw(st.just(some[: data.draw(st.integers(0, len(some)))]) | st.text(max_size=4))
    assert sorted(info.key for info in volume.list(prefix)) == sorted(key for key in keys if key.startswith(prefix))


def test_a_listing_of_a_folder_asks_the_host_for_that_folder(volume, backend):
    volume.write("a/b/c", b"")
    list(volume.list("a/b/part of a seg"))
    assert [call.key for call in backend.calls if call.verb == "list"] == [f"{volume.stored_key('a/b')}/"]


@pytest.mark.parametrize("prefix", ["x" * 144 + "/", "a/" * 50, "\ud800", "\ud800/"])
def test_a_listing_of_what_no_key_starts_with_is_empty(volume, prefix):
    volume.write("a", b"")
    assert list(volume.list(prefix)) == []


def test_objects_of_this_package_keep_clear_names_and_are_not_listed(volume, backend):
    info = volume.write("k", b"", attributes=LONG)
    assert backend.stat(f".portable/meta/{info.message_id.hex()}").size
    assert [key for key, _ in volume.stored()] == ["k"]
    with pytest.raises(InvalidKey, match="reserved"):
        volume.write(".portable/meta/x", b"")


def test_objects_whose_bytes_were_swapped_are_refused(volume, backend):
    volume.write("a", b"1")
    volume.write("b", b"2")
    one, other = (bytes(backend.get(volume.stored_key(key)).data) for key in "ab")
    backend.put(volume.stored_key("a"), other)
    backend.put(volume.stored_key("b"), one)
    for key in "ab":
        with pytest.raises(ContextMismatch):
            volume.read(key)


@pytest.mark.parametrize(
    "foreign",
    [
        "clear/name.csv",
        "a",
        lambda stored: stored.upper(),
        lambda stored: f"{stored}/{stored}",
        lambda stored: stored.partition("/")[2],
        lambda _: Volume(memory(), VolumeKeys.generate("lake", names="sealed")).stored_key("a/b"),
        lambda _: SealedNames(KEYS_OF_VOLUME.names_key).seal(".portable/meta/x"),
    ],
)
def test_objects_under_foreign_names_hide_nothing_and_are_shown_as_what_they_are(volume, backend, foreign):
    volume.write("a/b", b"1")
    stored = volume.stored_key("a/b")
    name = foreign if isinstance(foreign, str) else foreign(stored)
    backend.put(name, bytes(backend.get(stored).data))
    assert [info.key for info in volume.list()] == ["a/b"]
    assert {(key, stat.key) for key, stat in volume.stored()} == {("a/b", stored), (None, name)}
    assert volume.read("a/b") == b"1"


def test_a_renamed_object_is_gone_from_its_key(volume, backend):
    volume.write("a/b", b"1")
    stored = volume.stored_key("a/b")
    backend.put(stored.replace("/", "/0"), bytes(backend.get(stored).data))
    backend.delete(stored)
    with pytest.raises(NotFound):
        volume.read("a/b")
    assert [key for key, _ in volume.stored()] == [None]


def test_a_clear_volume_over_the_store_shows_stored_names(volume, backend):
    volume.write("a/b", b"1")
    assert [key for key, _ in Volume(backend, None).stored()] == [volume.stored_key("a/b")]
    assert Volume(backend, None).stored_key("a/b") == "a/b"


@pytest.mark.parametrize("key", ["x" * 144, "a/" * 35, "é" * 72, "/" * 40, "\ud800", ""])
def test_keys_that_do_not_fit_are_refused_before_anything_is_sent(volume, backend, key):
    for call in (lambda: volume.write(key, b"", attributes=LONG), lambda: volume.read(key), lambda: volume.delete(key)):
        with pytest.raises(InvalidKey):
            call()
    assert backend.calls == ()


def test_the_prefix_of_the_store_counts(volume, backend):
    key = "/".join(["x" * 143] * 4)
    volume.write(key, b"")
    backend.capabilities = replace(backend.capabilities, key_room=1024 - len("prefix/"))
    with pytest.raises(InvalidKey, match="takes 1023 bytes sealed, and the store has room for 1017"):
        volume.write(key, b"")
    volume.write(key[:-10], b"")


@pytest.mark.parametrize(
    ("url", "room"),
    [("s3://bucket/préfixe", 1015), ("az://container/préfixe", 1016), ("s3://bucket", 1024), ("az://container/a/b", 1020)],
)
def test_hosts_tell_their_room_for_keys(url, room, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "unused")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "dW51c2Vk")
    location = Location(url, account="account" if url.startswith("az") else None, endpoint="http://127.0.0.1:1")
    backend = open_backend(location)
    assert backend.capabilities.key_room == room
    backend.close()


def test_errors_name_the_key_that_was_asked_for(volume, backend):
    stored = volume.stored_key("visits/été.csv")
    calls = {
        NotFound: lambda: volume.read("visits/été.csv"),
        PreconditionFailed: lambda: volume.delete("visits/été.csv", expect=Matches("x")),
    }
    for kind, call in calls.items():
        with pytest.raises(kind, match=r"'visits/été\.csv'") as raised:
            call()
        assert stored not in str(raised.value)
    volume.write("visits/été.csv", b"1")
    with pytest.raises(AlreadyExists, match=r"'visits/été\.csv'"):
        volume.write("visits/été.csv", bytes(20 << 20), expect=ABSENT)


def test_every_verb_of_the_store_takes_and_gives_keys():
    inner = memory()
    backend = NamingBackend(inner, SealedNames(KEYS_OF_VOLUME.names_key))
    assert backend.put("a/b", b"1").key == "a/b"
    upload = backend.begin("a/c")
    upload.part(0, b"22")
    assert upload.commit().key == "a/c"
    backend.begin("a/d").abort()
    assert backend.stat("a/b").key == backend.get("a/b").stat.key == "a/b"
    backend.put(".portable/x", b"333")
    inner.put("strange", b"4444")
    assert {stat.key for stat in backend.list("")} == {"a/b", "a/c", ".portable/x"}
    assert [stat.key for stat in backend.list(".portable/")] == [".portable/x"]
    assert {(stat.key, stat.details.get(FOREIGN)) for stat in backend.inventory()} == {
        ("a/b", None),
        ("a/c", None),
        (".portable/x", None),
        ("strange", "true"),
    }
    backend.delete("a/b")
    assert [stat.key for stat in backend.list("a/")] == ["a/c"]
    backend.close()


def test_an_upload_that_fails_names_its_key(backend, monkeypatch):
    names = NamingBackend(backend, SealedNames(KEYS_OF_VOLUME.names_key))
    stored = names.stored_key("a/b")

    class Cut:
        token = ""

        def part(self, *_):
            raise Unavailable(f"put {stored!r} in s3://bucket: the connection was cut")

        staged = commit = abort = part

    monkeypatch.setattr(backend, "begin", lambda *_, **__: Cut())
    with pytest.raises(Unavailable, match=r"^put 'a/b' in s3://bucket: the connection was cut$"):
        names.begin("a/b").part(0, b"")


def test_one_name_in_two_volumes_of_one_store_is_two_objects(backend):
    other = Volume(backend, VolumeKeys.generate("other", frame_length=4096, names="sealed"))
    volume = Volume(backend, KEYS_OF_VOLUME)
    volume.write("a", b"1")
    other.write("a", b"2")
    assert (volume.read("a"), other.read("a")) == (b"1", b"2")
    with pytest.raises(IntegrityError):
        SealedNames(KEYS_OF_VOLUME.names_key).unseal(other.stored_key("a"))
