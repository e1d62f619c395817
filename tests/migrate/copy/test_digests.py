import hashlib
import hmac
import itertools
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate import digests
from migrate.digests import LEAF, LeafDigest, digest_key
from portable.errors import ConfigurationError
from portable.keys.volume_keys import VolumeKeys

KEY = bytes(range(32))
SMALL_LEAF = 7


def digest_of(*chunks: bytes, key: bytes = KEY) -> bytes:
    taken = LeafDigest()
    for chunk in chunks:
        taken.update(chunk)
    assert taken.size == sum(map(len, chunks))
    return taken.keyed(key)


def by_definition(data: bytes, leaf: int) -> bytes:
    leaves = b"".join(hashlib.sha256(data[start : start + leaf]).digest() for start in range(0, len(data), leaf))
    message = b"portable/v1/object-digest\0" + len(data).to_bytes(8, "big") + leaves
    return hmac.new(KEY, message, hashlib.sha256).digest()


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_any_chunking_gives_the_digest_that_is_defined(data: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:stop] for start, stop in itertools.pairwise(bounds)]
    with mock.patch.object(digests, "LEAF", SMALL_LEAF):
        assert digest_of(*chunks) == by_definition(data, SMALL_LEAF)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_different_objects_have_different_digests(one: bytes, other: bytes) -> None:
    with mock.patch.object(digests, "LEAF", SMALL_LEAF):
        assert (digest_of(one) == digest_of(other)) == (one == other)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_flipped_bit_changes_the_digest(content: bytes, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    with mock.patch.object(digests, "LEAF", SMALL_LEAF):
        assert digest_of(content) != digest_of(bytes(flipped))


def test_an_object_longer_than_a_leaf_follows_the_definition() -> None:
    data = bytes(LEAF) + b"tail"
    assert digest_of(data) == digest_of(data[:5], data[5:LEAF], data[LEAF:]) == by_definition(data, LEAF)


def test_another_key_gives_another_digest() -> None:
    assert digest_of(b"data") != digest_of(b"data", key=bytes(32))


def test_any_buffer_is_taken() -> None:
    assert digest_of(memoryview(b"0123456789")[::1]) == digest_of(bytearray(b"0123456789")) == digest_of(b"0123456789")  # type: ignore[arg-type]


def test_digests_are_keyed_by_the_target_and_where_it_is_clear_by_the_source() -> None:
    one, other = VolumeKeys.generate("one"), VolumeKeys.generate("other")
    assert digest_key(one, other) == one.digest_key
    assert digest_key(None, other) == other.digest_key
    with pytest.raises(ConfigurationError, match="encrypt the target"):
        digest_key(None, None)
