"""Sealed names: one name a key, which opens at its place alone and says nothing but lengths."""

import pickle
import re
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from portable.errors import IntegrityError, InvalidKey
from portable.keys.derivation import derive
from portable.names import SEGMENT_BYTES, STORED_BYTES, SealedNames, obstacle, stored_length
from tests.names import independent
from tests.names.keys import AWKWARD, KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "sealed-names.md").read_text()
NAMES_KEY = bytes(range(64))
NAMES = SealedNames(NAMES_KEY)
OTHER = SealedNames(bytes(64))

RFC_5297 = [
    (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ["101112131415161718191a1b1c1d1e1f2021222324252627"],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc93",
        "40c02b9690c4dc04daef7f6afe5c",
    ),
    (
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
        "7bdb6e3b432667eb06f4d14bff2fbd0f",
        "cb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
    ),
]
"""Appendix A.1 and A.2: key, associated data, plaintext, SIV, ciphertext."""


def the_other_places(stored: str) -> list[str]:
    """Return names that a host can make of a stored name."""
    segments = stored.split("/")
    return [
        stored.upper(),
        stored[:-1],
        stored + "0",
        f"{stored}/",
        f"/{stored}",
        f"{stored}/{segments[0]}",
        f"{segments[-1]}/{stored}",
        "/".join(reversed(segments)) if len(segments) > 1 else f"{stored}/{stored}",
        stored[:-2] + ("0" if stored[-2] != "0" else "1") + stored[-1],
        "1" + stored[1:] if stored[0] != "1" else "2" + stored[1:],
    ]


@pytest.mark.parametrize(("key", "associated", "plaintext", "siv", "ciphertext"), RFC_5297)
def test_both_implementations_of_the_cipher_give_the_vectors_of_the_rfc(key, associated, plaintext, siv, ciphertext):
    key, plaintext, expected = (bytes.fromhex(value) for value in (key, plaintext, siv + ciphertext))
    associated = [bytes.fromhex(value) for value in associated]
    assert AESSIV(key).encrypt(plaintext, associated) == expected
    assert AESSIV(key).decrypt(expected, associated) == plaintext
    assert independent.siv_encrypt(key, associated, plaintext) == expected


@given(KEYS, st.binary(min_size=64, max_size=64))
def test_names_are_those_of_a_second_implementation(key, names_key):
    assert SealedNames(names_key).seal(key) == independent.seal(names_key, key)


@pytest.mark.parametrize("key", AWKWARD)
def test_awkward_keys_are_those_of_a_second_implementation_and_come_back(key):
    stored = NAMES.seal(key)
    assert stored == independent.seal(NAMES_KEY, key)
    assert NAMES.unseal(stored) == key


def test_the_page_shows_real_names():
    values, names = re.findall(r"```text\n(.*?)```", PAGE.partition("## Worked example")[2], re.DOTALL)
    volume_id, secret, names_key = (bytes.fromhex(digits) for digits in re.findall(r"= ([0-9a-f]+)", values))
    assert derive(secret, salt=volume_id, purpose=b"names", length=64) == names_key
    assert independent.names_key(secret, volume_id) == names_key
    rows = [line.split() for line in names.splitlines()]
    assert len(rows) == 6
    for key, stored in rows:
        assert SealedNames(names_key).seal(key) == independent.seal(names_key, key) == stored


@given(KEYS)
def test_every_key_comes_back(key):
    stored = NAMES.seal(key)
    assert NAMES.unseal(stored) == key
    assert len(stored) == stored_length(key) <= STORED_BYTES


@given(st.sets(KEYS, min_size=2, max_size=8))
def test_different_keys_have_different_names_also_to_file_systems_without_case(keys):
    assert len({NAMES.seal(key).upper() for key in keys}) == len(keys)


@given(KEYS, KEYS)
def test_keys_of_one_folder_are_stored_in_one_folder_and_others_are_not(one, other):
    folders = [key.rpartition("/")[:2] for key in (one, other)]
    stored = [NAMES.seal(key).rpartition("/")[:2] for key in (one, other)]
    assert (folders[0] == folders[1]) == (stored[0] == stored[1])


def test_equal_segments_under_different_parents_look_unrelated():
    stored = [NAMES.seal(key).split("/")[-1] for key in ("b.csv", "a/b.csv", "c/b.csv", "b.csv/b.csv", "/b.csv")]
    assert len(set(stored)) == 5
    assert len({segment[:8] for segment in stored}) == 5


@pytest.mark.parametrize("key", ["patients/1234567/relevé.csv", "a" * 100, "2024/01/02/part-00000.parquet"])
def test_names_hold_nothing_of_the_key_but_lengths(key):
    stored = NAMES.seal(key)
    assert re.fullmatch(r"[0-9a-v]+(/[0-9a-v]+)*", stored)
    assert [len(segment) * 5 // 8 - 16 for segment in stored.split("/")] == [len(s.encode()) for s in key.split("/")]
    same_shape = re.sub(r"[^/]", "x", key.replace("é", "xx"))
    assert len(NAMES.seal(same_shape)) == len(stored)
    assert all(one[:6] != other[:6] for one, other in pairwise([stored, NAMES.seal(same_shape), OTHER.seal(key)]))


@given(KEYS)
def test_a_name_opens_in_its_own_volume_at_its_own_place_alone(key):
    stored = NAMES.seal(key)
    for foreign in [*the_other_places(stored), OTHER.seal(key)]:
        with pytest.raises(IntegrityError, match="not a name that this volume made"):
            NAMES.unseal(foreign)


@given(st.text(max_size=80) | st.text(alphabet=independent.ALPHABET + "/", max_size=1100) | KEYS)
def test_what_nobody_sealed_is_refused(name):
    with pytest.raises(IntegrityError):
        NAMES.unseal(name)


@pytest.mark.parametrize("hostile", ["/" * 5000, "0" * 5000, "/".join(["0" * 26] * 2000), "0" * 26 + "\n", "٣" * 26, ""])
def test_hostile_names_are_refused(hostile):
    with pytest.raises(IntegrityError):
        NAMES.unseal(hostile)


@pytest.mark.parametrize("last", "123456789abcdef")
def test_bits_behind_the_last_byte_are_refused(last):
    """Of 17 bytes, 28 characters leave four bits over: without the check one key would have sixteen names."""
    stored = NAMES.seal("a")
    spelled = stored[:-1] + independent.ALPHABET[independent.ALPHABET.index(stored[-1]) ^ int(last, 16)]
    with pytest.raises(IntegrityError):
        NAMES.unseal(spelled)


@pytest.mark.parametrize("plaintext", [b"a/b", b"\xff", b"/"])
def test_authentic_segments_that_no_writer_makes_are_refused(plaintext):
    message = AESSIV(NAMES_KEY).encrypt(plaintext, [bytes(16)])
    with pytest.raises(IntegrityError):
        NAMES.unseal(independent.base32hex(message))


def test_the_empty_key_is_refused():
    with pytest.raises(IntegrityError):
        NAMES.unseal(independent.seal(NAMES_KEY, ""))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x" * 144, "a segment of 144 bytes, and 143 can be sealed"),
        ("é" * 72, "a segment of 144 bytes"),
        ("a/" * 35, "takes 1041 bytes sealed, and the store has room for 1024"),
        ("/" * 3000, "takes 81026 bytes sealed"),
        ("\ud800", "not valid Unicode"),
    ],
)
def test_keys_that_do_not_fit_are_refused_in_words(key, said):
    with pytest.raises(InvalidKey, match=re.escape(said)):
        NAMES.seal(key)


def test_the_limits_are_those_of_the_page():
    table = PAGE.partition("| Segments in the key |")[2].partition("\n\n")[0]
    rows = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|$", table, re.MULTILINE)]
    assert len(rows) == 6
    for segments, each, whole in rows:
        key = "/".join(["x" * each] * segments)
        assert len(key) == whole
        assert obstacle(key) is None
        assert obstacle("/".join(["x" * (each + 1)] * segments))
    assert obstacle("/" * 36) is None
    assert obstacle("/" * 37)
    assert (stored_length("x" * SEGMENT_BYTES), stored_length("x" * (SEGMENT_BYTES + 1))) == (255, 256)


def test_no_key_is_longer_than_the_page_says():
    """By dynamic programming: the most bytes of key in each room, a last segment of n bytes behind any key that fits."""
    best = [-1] * (STORED_BYTES + 1)
    for room in range(STORED_BYTES + 1):
        for n in range(SEGMENT_BYTES + 1):
            left = room - stored_length("x" * n)
            if left >= 0:
                before = best[left - 1] if left else -1
                best[room] = max(best[room], n, before + 1 + n if before >= 0 else n)
    assert f"No key of more than {best[STORED_BYTES]} bytes fits." in PAGE


@given(KEYS, st.integers(0, 200))
def test_the_prefix_of_a_folder_is_shared_by_the_keys_below_it(key, cut):
    prefix = key[:cut]
    folder = NAMES.seal_folder(prefix)
    assert folder is not None
    assert NAMES.seal(key).startswith(folder)
    assert folder.count("/") == prefix.count("/")


@pytest.mark.parametrize("prefix", ["x" * 144 + "/", "a/" * 40, "\ud800/"])
def test_there_are_no_keys_below_what_cannot_be_sealed(prefix):
    assert NAMES.seal_folder(prefix) is None


def test_names_neither_show_nor_pickle_their_key():
    assert repr(NAMES) == "<SealedNames>"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(NAMES)
