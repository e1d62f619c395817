"""What every backend promises: the five verbs, over each kind of host."""

import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from portable.backends import azure_listing
from portable.backends.protocol import ABSENT, Attributes, Backend, Matches
from portable.backends.retrying import RetryingBackend
from portable.backends.s3 import S3Backend
from portable.errors import AlreadyExists, InvalidKey, NotFound, PortableError, PreconditionFailed, Unsupported
from tests.backends.hosts import Store, refusal


def content(backend: Backend, key: str) -> bytes:
    return bytes(backend.get(key).data)


def keys(backend: Backend, prefix: str = "") -> list[str]:
    return sorted(stat.key for stat in backend.list(prefix))


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(100_000)], ids=["empty", "a byte", "100 kB"])
def test_what_was_put_is_got(backend: Backend, data: bytes) -> None:
    stat = backend.put("folder/key", data)
    fetched = backend.get("folder/key")
    assert bytes(fetched.data) == data
    assert (stat.key, stat.size) == ("folder/key", len(data))
    assert fetched.stat.etag == stat.etag == backend.stat("folder/key").etag
    assert fetched.stat.size == len(data)


@pytest.mark.parametrize("kind_of_buffer", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_put(backend: Backend, kind_of_buffer: type) -> None:
    backend.put("key", kind_of_buffer(b"data"))
    assert content(backend, "key") == b"data"


@pytest.mark.parametrize("kind", ["memory", "local", "fsspec-memory", "fsspec-local"])
def test_a_buffer_whose_bytes_do_not_lie_together_is_put_in_their_order(backend: Backend) -> None:
    apart = memoryview(b"a.b.c.")[::2]
    backend.put("key", apart)
    upload = backend.begin("staged")
    upload.part(0, apart)
    upload.commit()
    assert content(backend, "key") == content(backend, "staged") == b"abc"


def test_the_time_of_a_change_is_in_utc_and_now(backend: Backend) -> None:
    put = backend.put("key", b"")
    told = backend.stat("key")
    for modified in (put.modified, told.modified, next(iter(backend.list())).modified):
        assert modified.utcoffset() == timedelta(0)
        assert abs(modified - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 10, b"0123456789"),
        (0, None, b"0123456789"),
        (3, 5, b"34"),
        (3, None, b"3456789"),
        (8, 100, b"89"),
        (9, 10, b"9"),
        (10, 11, b""),
        (10, None, b""),
        (99, 100, b""),
        (99, None, b""),
        (5, 5, b""),
        (5, 3, b""),
    ],
)
def test_ranges_are_clamped_to_the_object(backend: Backend, start: int, stop: int | None, expected: bytes) -> None:
    backend.put("key", b"0123456789")
    fetched = backend.get("key", start, stop)
    assert bytes(fetched.data) == expected
    assert fetched.stat.size == 10


@pytest.mark.parametrize(("start", "stop"), [(0, None), (0, 1), (0, 10), (5, None), (5, 9)])
def test_every_range_of_an_empty_object_is_empty(backend: Backend, start: int, stop: int | None) -> None:
    backend.put("key", b"")
    assert bytes(backend.get("key", start, stop).data) == b""


def test_a_negative_range_is_refused(backend: Backend) -> None:
    backend.put("key", b"data")
    with pytest.raises(PortableError, match="negative"):
        backend.get("key", -2)


def test_a_read_can_demand_a_version(backend: Backend) -> None:
    first = backend.put("key", b"first")
    assert bytes(backend.get("key", 1, 3, if_match=first.etag).data) == b"ir"
    backend.put("key", b"second")
    for start, stop in ((0, None), (1, 3), (99, 100), (2, 2)):
        with pytest.raises(PreconditionFailed):
            backend.get("key", start, stop, if_match=first.etag)


def test_an_etag_changes_with_the_bytes(backend: Backend) -> None:
    assert backend.put("key", b"first").etag != backend.put("key", b"other").etag


def test_what_is_not_there_is_not_found(backend: Backend) -> None:
    for read in (backend.get, backend.stat):
        with pytest.raises(NotFound, match="nothing/here"):
            read("nothing/here")


def test_a_missing_container_is_not_found(store: Store) -> None:
    if store.host.scheme == "memory":
        assert list(store.missing().list()) == []  # memory stores begin with their first opening
        return
    missing = store.missing()
    for call in (
        lambda: list(missing.list()),
        lambda: list(missing.inventory()),
        lambda: missing.get("key"),
        lambda: missing.stat("key"),
        lambda: missing.put("key", b""),
        lambda: missing.delete("key"),
    ):
        with pytest.raises(NotFound):
            call()
    missing.close()


def test_a_create_is_refused_where_an_object_stands(backend: Backend) -> None:
    standing = backend.put("key", b"first")
    with pytest.raises(refusal(backend.capabilities.conditional_create, AlreadyExists)):
        backend.put("key", b"second", expect=ABSENT)
    assert content(backend, "key") == b"first"
    assert backend.stat("key").etag == standing.etag


def test_a_create_makes_an_object_or_is_refused_by_the_capability(backend: Backend) -> None:
    if backend.capabilities.conditional_create:
        created = backend.put("folder/key", b"first", expect=ABSENT)
        assert backend.stat("folder/key").etag == created.etag
    else:
        with pytest.raises(Unsupported):
            backend.put("folder/key", b"first", expect=ABSENT)
    assert keys(backend) == ["folder/key"] * backend.capabilities.conditional_create


def test_a_replace_is_refused_where_another_version_stands(backend: Backend) -> None:
    first = backend.put("key", b"first")
    second = backend.put("key", b"second")
    with pytest.raises(refusal(backend.capabilities.conditional_replace, PreconditionFailed)):
        backend.put("key", b"third", expect=Matches(first.etag))
    assert content(backend, "key") == b"second"
    assert backend.stat("key").etag == second.etag


def test_a_replace_takes_the_place_of_its_version_or_is_refused_by_the_capability(backend: Backend) -> None:
    standing = backend.put("key", b"first")
    if backend.capabilities.conditional_replace:
        second = backend.put("key", b"second", expect=Matches(standing.etag))
        assert content(backend, "key") == b"second"
        backend.put("key", b"third", expect=Matches(second.etag))
        assert content(backend, "key") == b"third"
    else:
        with pytest.raises(Unsupported):
            backend.put("key", b"second", expect=Matches(standing.etag))
        assert content(backend, "key") == b"first"


def test_a_replace_is_refused_where_nothing_stands(backend: Backend) -> None:
    etag = backend.put("other", b"data").etag
    with pytest.raises(refusal(backend.capabilities.conditional_replace, PreconditionFailed)):
        backend.put("folder/key", b"data", expect=Matches(etag))
    assert keys(backend) == ["other"]


def winners(racers: int, write: Callable[[int], object], lost: type[PortableError]) -> list[int]:
    """Let `racers` writers write at once, and return the numbers of those that were told that they did."""
    barrier = Barrier(racers)

    def race(number: int) -> int | None:
        barrier.wait()
        try:
            write(number)
        except lost:
            return None
        return number

    with ThreadPoolExecutor(racers) as pool:
        return [number for number in pool.map(race, range(racers)) if number is not None]


@pytest.mark.parametrize("round_", range(2))
def test_one_of_many_creators_wins(store: Store, round_: int) -> None:
    backend, able = store.backend, store.backend.capabilities.conditional_create

    def create(number: int) -> None:
        backend.put("races/key", b"%d" % number, expect=ABSENT)

    won = winners(store.host.racers, create, refusal(able, AlreadyExists))
    assert len(won) == able
    assert [content(backend, stat.key) for stat in backend.list()] == [b"%d" % number for number in won]


def test_one_of_many_replacers_wins(store: Store) -> None:
    backend, able = store.backend, store.backend.capabilities.conditional_replace
    standing = backend.put("key", b"first").etag

    def replace(number: int) -> None:
        backend.put("key", b"%d" % number, expect=Matches(standing))

    won = winners(store.host.racers, replace, refusal(able, PreconditionFailed))
    assert len(won) == able
    assert content(backend, "key") == (b"%d" % won[0] if able else b"first")


def test_one_of_many_deleters_wins(store: Store) -> None:
    backend, able = store.backend, store.backend.capabilities.conditional_delete
    standing = backend.put("key", b"data").etag

    def delete(number: int) -> None:
        backend.delete("key", expect=Matches(standing))

    won = winners(store.host.racers, delete, refusal(able, PreconditionFailed))
    assert len(won) == able
    assert keys(backend) == ["key"] * (not able)


def test_one_of_many_committers_wins(store: Store) -> None:
    backend, able = store.backend, store.backend.capabilities.conditional_commit
    uploads = [backend.begin("key") for _ in range(store.host.racers)]
    for number, upload in enumerate(uploads):
        upload.part(0, b"%d" % number)
    won = winners(store.host.racers, lambda number: uploads[number].commit(ABSENT), refusal(able, AlreadyExists))
    for upload in uploads:
        upload.abort()
    assert len(won) == able
    assert [content(backend, stat.key) for stat in backend.list()] == [b"%d" % number for number in won]


def test_what_was_deleted_is_gone(backend: Backend) -> None:
    backend.put("folder/key", b"data")
    backend.delete("folder/key")
    assert keys(backend) == []
    with pytest.raises(NotFound):
        backend.stat("folder/key")


def test_deleting_nothing_is_a_success(backend: Backend) -> None:
    backend.delete("nothing")
    backend.delete("folder/nothing")


def test_a_delete_is_refused_where_another_version_stands(backend: Backend) -> None:
    able = backend.capabilities.conditional_delete
    first = backend.put("key", b"first")
    second = backend.put("key", b"second")
    with pytest.raises(refusal(able, PreconditionFailed)):
        backend.delete("key", expect=Matches(first.etag))
    assert content(backend, "key") == b"second"
    if able:
        backend.delete("key", expect=Matches(second.etag))
    for expected in (second.etag, first.etag):
        with pytest.raises(refusal(able, PreconditionFailed)):
            backend.delete("key", expect=Matches(expected))
    assert keys(backend) == ["key"] * (not able)


def test_nothing_is_deleted_where_nothing_is_expected(backend: Backend) -> None:
    backend.put("key", b"data")
    with pytest.raises(Unsupported):
        backend.delete("key", expect=ABSENT)
    assert keys(backend) == ["key"]


def test_a_prefix_is_a_plain_string(backend: Backend) -> None:
    for key in ("ab.c", "ab/c", "ab/d/e", "abc/d", "b"):
        backend.put("x/" + key, b"")
    assert keys(backend, "x/ab") == ["x/ab.c", "x/ab/c", "x/ab/d/e", "x/abc/d"]
    assert keys(backend, "x/ab/") == ["x/ab/c", "x/ab/d/e"]
    assert keys(backend, "x/abc") == ["x/abc/d"]
    assert keys(backend, "x/ab/d/e") == ["x/ab/d/e"]
    assert keys(backend, "nothing") == []


def make_pages_small(backend: Backend, monkeypatch: pytest.MonkeyPatch, size: int = 50) -> None:
    """Let the host list `size` keys in an answer, where it lists in pages."""
    monkeypatch.setattr(azure_listing, "PAGE_SIZE", size)
    if isinstance(backend, RetryingBackend) and isinstance(backend.inner, S3Backend):
        events = backend.inner._client().meta.events
        events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": size})


def test_a_listing_goes_on_over_its_pages(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pages_small(backend, monkeypatch)
    names = [f"folder-{number % 7}/object {number:05}" for number in range(180)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: backend.put(name, b""), names))
    listed = [stat.key for stat in backend.list()]
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(names)
    wanted = "folder-3/object 00"
    assert keys(backend, wanted) == sorted(name for name in names if name.startswith(wanted))
    assert sorted(stat.key for stat in backend.inventory()) == sorted(names)


def test_a_listing_and_a_stat_agree(backend: Backend) -> None:
    backend.put("folder/key", b"data")
    (listed,) = backend.list()
    (inventoried,) = backend.inventory()
    told = backend.stat("folder/key")
    for stat in (listed, inventoried):
        assert (stat.key, stat.size, stat.etag) == (told.key, told.size, told.etag)
        assert stat.modified.replace(microsecond=0) == told.modified.replace(microsecond=0)


def test_a_prefix_bounds_the_store(store: Store) -> None:
    store.backend.put("outside", b"outside")
    store.backend.put("a/b-sibling", b"outside")
    inside = store.open("a/b")
    inside.put("key", b"inside")
    assert content(store.backend, "a/b/key") == b"inside"
    assert keys(inside) == ["key"]
    assert keys(inside, "k") == ["key"]
    assert [stat.key for stat in inside.inventory()] == ["key"]
    for key in ("../outside", "../b-sibling", "/outside", "outside", "../../outside"):
        with pytest.raises((NotFound, InvalidKey)):
            inside.get(key)
    inside.delete("outside")
    inside.delete("key")
    assert keys(store.backend) == ["a/b-sibling", "outside"]
    inside.close()


ATTRIBUTES = Attributes(
    content_type="text/csv; charset=utf-8",
    cache_control="max-age=60",
    content_disposition='attachment; filename="a b.csv"',
    content_encoding="identity",
    content_language="fr",
    metadata={"sourceetag": "0x8D+/= :", "n": "1"},
)


def test_attributes_come_back(store: Store) -> None:
    backend = store.backend
    if not backend.capabilities.attributes:
        with pytest.raises(Unsupported):
            backend.put("key", b"data", attributes=ATTRIBUTES)
        with pytest.raises(Unsupported):
            backend.begin("key", attributes=ATTRIBUTES)
        assert list(backend.inventory()) == []
        return
    backend.put("key", b"data", attributes=ATTRIBUTES)
    upload = backend.begin("staged", attributes=ATTRIBUTES)
    upload.part(0, b"data")
    upload.commit()
    for key in ("key", "staged"):
        assert backend.stat(key).attributes == ATTRIBUTES
        assert backend.get(key).stat.attributes == ATTRIBUTES
    for stat in backend.inventory():
        assert stat.attributes in (None, ATTRIBUTES)


@pytest.mark.parametrize("kind", ["seaweedfs", "azurite"])
@pytest.mark.parametrize(
    "attributes",
    [
        Attributes(metadata={"name": "é"}),
        Attributes(metadata={"né": "value"}),
        Attributes(metadata={"a b": "value"}),
        Attributes(metadata={"": "value"}),
        Attributes(metadata={"name": ""}),
        Attributes(metadata={"name": " spaced "}),
        Attributes(metadata={"name": "two\nlines"}),
        Attributes(metadata={"name": "1", "NAME": "2"}),
        Attributes(metadata={"Content-Type": "text/plain"}),
        Attributes(metadata={"name": "x" * 9_000}),
        Attributes(content_type="é"),
        Attributes(content_disposition="two\r\nlines"),
    ],
    ids=ascii,
)
def test_attributes_that_would_change_are_refused(backend: Backend, attributes: Attributes) -> None:
    with pytest.raises(Unsupported):
        backend.put("key", b"data", attributes=attributes)
    with pytest.raises(Unsupported):
        backend.begin("key", attributes=attributes)
    assert keys(backend) == []


@pytest.mark.parametrize("name", ["with-dash", "under_score", "n1"])
def test_a_name_of_metadata_comes_back_or_is_refused(store: Store, name: str) -> None:
    backend, attributes = store.backend, Attributes(metadata={name: "value"})
    able = backend.capabilities.attributes
    try:
        backend.put("key", b"data", attributes=attributes)
    except Unsupported:
        assert not able or (store.kind, name) in {("azurite", "with-dash"), ("ceph", "under_score"), ("swift", "under_score")}
        assert keys(backend) == []
    else:
        told = backend.stat("key").attributes
        assert told is not None
        assert told.metadata == {name: "value"}


def test_a_backend_prints_its_url_and_is_never_pickled(backend: Backend) -> None:
    assert repr(backend).startswith(type(backend).__name__ + "(")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(backend)


def test_many_threads_read_and_write_at_once(backend: Backend) -> None:
    def work(number: int) -> bool:
        data = os.urandom(1_000)
        backend.put(f"k/{number}", data)
        time.sleep(0)
        return content(backend, f"k/{number}") == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(80)))
