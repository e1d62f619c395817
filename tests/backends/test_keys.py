"""Keys that break others: each is held byte for byte, or refused by name before anything is written, and none hides another."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portable.backends.protocol import Backend
from portable.backends.retrying import RetryingBackend
from portable.errors import Denied, InvalidKey, NotFound, PortableError, RetryableError
from tests.backends.hosts import Store


@dataclass(frozen=True)
class Case:
    """A key, and keys that a careless host or client would take it for."""

    key: str
    beside: tuple[str, ...] = ()


HELD_EVERYWHERE = {
    "a space": Case("a b", ("a+b", "ab")),
    "a plus": Case("a+b", ("a b",)),
    "an escaped slash": Case("a%2Fb", ("a/b",)),
    "an escaped letter": Case("a%41", ("aA",)),
    "a per cent sign": Case("a%", ("a",)),
    "spaces around": Case(" a ", ("a",)),
    "NFC": Case("\u00e9/\u00e9", ()),
    "NFD": Case("e\u0301/e\u0301", ()),
    "beyond the basic plane": Case("\U0001f600/\U0001f600"),
    "a question mark": Case("a?b=c", ("a",)),
    "a number sign": Case("a#b", ("a",)),
    "marks of XML and shells": Case("a&b;c='d',\"e\"<f>|*:g`^{}[]~$(h)!@", ("a",)),
    "a hidden name": Case(".hidden/.name", ("hidden/name",)),
    "dots inside": Case("a..b/..c", ("a",)),
    "separators of Unicode": Case("a\u0085\u2028\u00a0b", ("ab", "a b")),
    "a segment of 255 bytes": Case("x" * 255, ("x" * 254,)),
    "a segment of 255 bytes that are not ASCII": Case("\u00e9" * 127 + "x", ("\u00e9" * 127,)),
    "many segments": Case("/".join(["d" * 40] * 10), ("/".join(["d" * 40] * 9 + ["e"]),)),
}
HELD_OR_REFUSED = {
    "empty": Case(""),
    "two slashes": Case("a//b", ("a/b",)),
    "a leading slash": Case("/a", ("a",)),
    "a trailing slash": Case("a/", ("a",)),
    "a trailing slash above others": Case("a/", ("a/b",)),
    "a dot": Case(".", ("a",)),
    "a dot segment": Case("a/./b", ("a/b",)),
    "two dots": Case("..", ("a",)),
    "a segment of two dots": Case("a/../b", ("b", "a/b")),
    "two dots that lead out": Case("../a", ("a",)),
    "three dots": Case("a/...", ("a/..b",)),
    "a dot at the end": Case("a.", ("a",)),
    "a dot at the end of a segment": Case("a./b", ("a/b",)),
    "a backslash": Case("a\\b", ("a/b", "ab", "a\uff3cb")),
    "a newline": Case("a\nb", ("a b", "ab")),
    "a carriage return": Case("a\rb", ("a\nb", "ab")),
    "a tab": Case("a\tb", ("a b", "ab")),
    "a control character": Case("a\x01b", ("ab",)),
    "a delete character": Case("a\x7fb", ("ab",)),
    "a NUL": Case("a\0b", ("a", "ab")),
    "no character of XML": Case("a\uffffb", ("ab", "a\ufffdb")),
    "a lone surrogate": Case("a\ud800b", ("ab", "a\ufffdb", "a?b")),
    "NFC beside NFD": Case("\u00e9", ("e\u0301",)),
    "NFD beside NFC": Case("e\u0301", ("\u00e9",)),
    "a capital beside a small letter": Case("A/B", ("a/b", "A/b")),
    "a small letter beside a capital": Case("a/b", ("A/B", "a/B")),
    "below an object": Case("foo/bar", ("foo",)),
    "above an object": Case("foo", ("foo/bar",)),
    "far above an object": Case("foo", ("foo/bar/baz", "foo/bar.baz")),
    "a segment of 256 bytes": Case("x" * 256, ("x" * 255,)),
    "a segment of 300 bytes that are not ASCII": Case("\u00e9" * 150, ("\u00e9" * 127,)),
    "1,024 bytes": Case("/".join(["k" * 204] * 5), ("/".join(["k" * 204] * 4),)),
    "1,024 bytes that are not ASCII": Case("/".join(["\u00e9" * 51 + "xx"] * 9 + ["\u00e9" * 40 + "x" * 7])),
    "1,025 bytes": Case("/".join(["k" * 204] * 5) + "x", ("/".join(["k" * 204] * 5),)),
    "fullwidth forms": Case("\uff0e/\uff0f\uff3c\u201b\u2400", ("./a",)),
    "names of SeaweedFS's own": Case("a/.uploads/b", ("a/b",)),
    "a version of SeaweedFS's own": Case("a.versions/b", ("a/b",)),
    "names of MinIO's own": Case(".minio.sys/a", ("a",)),
    "a name of ours": Case(".portable-tmp/a", ("a",)),
}
CASES = {**HELD_EVERYWHERE, **HELD_OR_REFUSED}

Contents = Mapping[str, bytes]


def contents(backend: Backend) -> Contents:
    return {stat.key: bytes(backend.get(stat.key).data) for stat in backend.list()}


def contents_of(backend: Backend, keys: Iterable[str]) -> Contents:
    return {key: bytes(backend.get(key).data) for key in keys}


def stage(backend: Backend, key: str, data: bytes) -> None:
    upload = backend.begin(key)
    try:
        upload.part(0, data)
        upload.commit()
    except PortableError:
        upload.abort()
        raise


def check_names(error: PortableError, key: str) -> None:
    """Demand an error that names the key and does not ask to try again."""
    assert not isinstance(error, RetryableError), error
    assert repr(key[:20])[1:-1] in str(error)


def put_if_held(backend: Backend, key: str, data: bytes) -> bool:
    """Put an object at the key, and tell whether the store took it."""
    try:
        backend.put(key, data)
    except PortableError as error:
        check_names(error, key)
        return False
    return True


def expect_held(backend: Backend, key: str, beside: Contents) -> None:
    """Demand that what was put at the key is there, under this key, and changes nothing else, until it is deleted."""
    stat = backend.stat(key)
    assert stat.key == key
    assert contents(backend) == {**beside, key: b"put"}
    prefix = key[:2] if key.startswith(".") else key[:1]  # JuiceFS refuses to list what begins with "."
    listed = [entry for entry in backend.list(prefix) if entry.key == key]
    inventoried = [entry for entry in backend.inventory() if entry.key == key]
    assert [(entry.size, entry.etag) for entry in (*listed, *inventoried)] == [(3, stat.etag)] * 2
    now = b"staged"
    try:
        stage(backend, key, now)
    except InvalidKey as error:  # SeaweedFS takes `a` above `a/b` in one request, and not in parts
        check_names(error, key)
        now = b"put"
    assert contents(backend) == {**beside, key: now}
    backend.delete(key)
    assert contents(backend) == beside
    with pytest.raises(NotFound):
        backend.stat(key)


def expect_refused(backend: Backend, key: str, beside: Contents) -> None:
    """Demand that no call writes, finds or removes anything by the key."""
    with pytest.raises(PortableError) as caught:
        stage(backend, key, b"staged")
    check_names(caught.value, key)
    for read in (backend.stat, backend.get):
        with pytest.raises((NotFound, InvalidKey, Denied)):
            read(key)
    with suppress(InvalidKey):
        backend.delete(key)
    assert contents(backend) == beside


def put_beside(backend: Backend, keys: Iterable[str]) -> Contents:
    """Put a sentinel at each key that the store takes."""
    sentinels = {key: b"sentinel %d" % number for number, key in enumerate(keys)}
    return {key: data for key, data in sentinels.items() if put_if_held(backend, key, data)}


ALIASED = {"rclone": ("NFD",)}
"""Of a server: keys that it does not tell from others, which are refused for that."""


@pytest.mark.parametrize("name", CASES)
def test_a_key_is_held_as_it_is_or_refused_by_name(store: Store, name: str) -> None:
    backend, case = store.backend, CASES[name]
    beside = put_beside(backend, case.beside)
    held = put_if_held(backend, case.key, b"put")
    (expect_held if held else expect_refused)(backend, case.key, beside)
    aliased = name in ALIASED.get(store.host.server or "", ())
    assert held or aliased or name not in HELD_EVERYWHERE or store.host.scheme.startswith("fsspec")


SEGMENTS = st.text(st.sampled_from("aA.\\ \n%2F+?#\u00e9e\u0301\u212b\u2028\U0001f600\0"), max_size=4)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize("kind", ["memory", "local", "seaweedfs", "azurite"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_two_keys_are_two_objects(store: Store, keys: list[str]) -> None:
    backend, (key, other) = store.backend, keys
    beside = put_beside(backend, [other])
    held = put_if_held(backend, key, b"put")
    (expect_held if held else expect_refused)(backend, key, beside)
    for left in beside:
        backend.delete(left)
    assert contents(backend) == {}


BREAKS_ITS_LISTING = {"azurite": ("a control character", "a NUL", "no character of XML")}
"""Of a server: keys that it takes, and then answers every listing with 500."""


def test_an_object_that_others_planted_hides_none_and_is_listed_as_the_host_lists_it(store: Store) -> None:
    backend, client = store.backend, store.client
    mine = put_beside(backend, ["0/first", "m/among", "zz/last"])
    left_out = BREAKS_ITS_LISTING.get(store.host.server or "", ())
    for case in (case for name, case in CASES.items() if name not in left_out):
        with suppress(Exception):  # what the host's own client refuses is not planted
            client.put(case.key, b"planted")
    listed = {stat.key for stat in backend.list()}
    if store.host.scheme.startswith("fsspec"):  # filesystems rename `a/`, and leave out what they cannot address
        assert listed >= set(mine)
    else:
        assert listed == client.keys() - {""}
    assert {stat.key for stat in backend.inventory()} >= listed
    assert contents_of(backend, mine) == mine
    host = backend.inner if isinstance(backend, RetryingBackend) else backend  # some cannot be read, now or ever
    for key in listed & client.keys():
        with suppress(PortableError):
            assert bytes(host.get(key).data) == client.get(key)


@pytest.mark.parametrize("kind", BREAKS_ITS_LISTING)
def test_a_listing_that_the_host_breaks_is_an_error_and_no_shorter_listing(store: Store) -> None:
    backend = store.backend
    assert isinstance(backend, RetryingBackend)
    backend.put("standing", b"")
    store.client.put(CASES[BREAKS_ITS_LISTING[store.kind][0]].key, b"planted")
    for listing in (backend.inner.list, backend.inner.inventory):
        with pytest.raises(PortableError):
            list(listing())
