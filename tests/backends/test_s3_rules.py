"""What an S3 backend refuses by its host's contract, before anything is sent: the port behind it is closed."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.credentials import S3Credentials
from portable.backends.key_rules import awkward
from portable.backends.location import Location
from portable.backends.protocol import ABSENT, Attributes, Matches
from portable.backends.s3 import S3Backend
from portable.errors import InvalidKey, Unavailable, Unsupported

SOME = Matches('"0"')


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A port that nothing listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def opened(provider: str, endpoint: str) -> S3Backend:
    return S3Backend(Location("s3://bucket/root", provider=provider), S3Credentials(endpoint, "r", "a", "s"), bound=2.0)


@pytest.mark.parametrize(
    ("provider", "honoured"),
    [("aws", {"create", "replace", "delete"}), ("ceph", {"create", "replace"}), ("rclone", set()), ("swift", set())],
)
def test_a_condition_that_the_host_ignores_is_not_sent(provider: str, honoured: set[str], endpoint: str) -> None:
    backend = opened(provider, endpoint)
    for name, call in {
        "create": lambda: backend.put("key", b"", expect=ABSENT),
        "replace": lambda: backend.put("key", b"", expect=SOME),
        "delete": lambda: backend.delete("key", expect=SOME),
    }.items():
        assert getattr(backend.capabilities, f"conditional_{name}") == (name in honoured)
        with pytest.raises(Unavailable if name in honoured else Unsupported):
            call()
    backend.close()


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ("seaweedfs", "a/" + "é" * 128),
        ("rclone", "x" * 256 + "/a"),
        ("seaweedfs", ".uploads/x"),
        ("seaweedfs", "a/b.versions"),
        ("juicefs", "a//b"),
        ("rclone", "e\u0301"),
        ("aws", "a\uffff"),
    ],
)
def test_a_key_that_the_host_would_not_hold_is_not_sent(provider: str, key: str, endpoint: str) -> None:
    backend = opened(provider, endpoint)
    for write in (
        lambda: backend.put(key, b""),
        lambda: backend.begin(key),
        lambda: backend.delete(key),
        lambda: backend.resume(key, "token"),
    ):
        with pytest.raises(InvalidKey):
            write()
    backend.close()


@pytest.mark.parametrize(
    ("provider", "attributes"),
    [
        ("ceph", Attributes(metadata={"with_underscore": "1"})),
        ("juicefs", Attributes(content_language="fr")),
        ("juicefs", Attributes(metadata={"name": "1"})),
    ],
)
def test_attributes_that_the_host_would_change_are_not_sent(provider: str, attributes: Attributes, endpoint: str) -> None:
    backend = opened(provider, endpoint)
    with pytest.raises(Unsupported):
        backend.put("key", b"", attributes=attributes)
    with pytest.raises(Unavailable):
        backend.put("key", b"", attributes=Attributes())
    backend.close()


def test_features_that_the_host_lacks_are_not_asked_for(endpoint: str) -> None:
    features = opened("rclone", endpoint).features
    for call in (
        lambda: features.tags("key"),
        lambda: features.replace_tags("key", {"a": "1"}),
        lambda: features.versions("key"),
        lambda: features.read_version("key", "1"),
        lambda: features.restore("key", days=1),
        lambda: features.restored("key"),
        lambda: features.lock("key"),
    ):
        with pytest.raises(Unsupported):
            call()


@given(st.text(alphabet="ab./\\\n\x7f\x1fé\uffff", max_size=9))
def test_awkward_keys_are_those_that_the_rules_name(key: str) -> None:
    segments = key.split("/")
    expected = (
        {"", ".", ".."} & set(segments)
        or "\\" in key
        or any(ord(character) < 32 or character in "\x7f\uffff" for character in key)
    )
    assert (awkward(key) is not None) == bool(expected)


@pytest.mark.parametrize(("provider", "key"), [("rclone", "e\u0301"), ("aws", ""), ("aws", "a" * 1025)])
def test_what_is_no_key_of_the_host_is_not_asked_for(provider: str, key: str, endpoint: str) -> None:
    backend = S3Backend(Location("s3://bucket", provider=provider), S3Credentials(endpoint, "r", "a", "s"), bound=2.0)
    for read in (backend.get, backend.stat):
        with pytest.raises(InvalidKey):
            read(key)
    backend.close()
