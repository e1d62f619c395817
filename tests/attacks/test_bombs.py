"""Parser bombs: whatever lengths, counts and depths are claimed, the refusal costs little memory and little time."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portable import open_volume
from portable.errors import ConfigurationError, IntegrityError, KeysError, PortableError
from portable.keys.authority import AuthorityPublic
from portable.opening import read_keyring
from portable.volume.planning import Reading
from portable.volume.reading import WINDOW
from tests.attacks.host import HEADER, KEY, WAYS, Place

MIB = 1 << 20


@contextmanager
def within(memory: int, seconds: float) -> Iterator[None]:
    """Fail where what is done inside allocates more bytes, or takes longer."""
    began = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < memory
    assert time.process_time() - began < seconds


def claim(at: int, value: str) -> Callable[[bytes], bytes]:
    """Make a header that claims `value` (hexadecimal) at an offset."""
    return lambda header: header[:at] + bytes.fromhex(value) + header[at + len(value) // 2 :]


HEADERS = {
    "an encryption context of 65,535 bytes": claim(35, "ffff"),
    "65,535 entries in the context": claim(37, "ffff"),
    "an entry of 65,535 bytes": claim(39, "ffff"),
    "65,535 wrapped data keys": claim(368, "ffff"),
    "no wrapped data key": claim(368, "0000"),
    "a namespace of 65,535 bytes": claim(370, "ffff"),
    "a key name of 65,535 bytes": claim(380, "ffff"),
    "a wrapped key of 65,535 bytes": claim(451, "ffff"),
    "frames of 4 GiB": claim(502, "ffffffff"),
    "frames of no bytes": claim(502, "00000000"),
    "frames of 16 MiB": claim(502, "01000000"),
    "everything at once": lambda _: b"\x02\x04\x78" + b"\xff" * (HEADER - 3),
}
FILL = b"\xff" * (WINDOW + MIB)


@pytest.mark.parametrize("bomb", HEADERS)
def test_a_header_that_claims_enormous_parts_is_refused_in_little_memory(place: Place, bomb: str) -> None:
    place.host.keep(KEY, HEADERS[bomb](place.header) + FILL)
    with within(memory=24 * MIB, seconds=2.0):
        for way in WAYS.values():
            with pytest.raises(IntegrityError):
                way(place.volume, KEY)
    assert max(asked.stop - asked.start for asked in place.host.asked) <= HEADER + WINDOW


@pytest.mark.parametrize("bomb", HEADERS)
def test_nothing_beyond_one_small_request_is_asked_for_when_only_a_description_is_wanted(place: Place, bomb: str) -> None:
    place.host.keep(KEY, HEADERS[bomb](place.header) + FILL)
    place.host.asked.clear()
    with within(memory=MIB, seconds=0.5), pytest.raises(IntegrityError):
        place.volume.info(KEY)
    (asked,) = place.host.asked
    assert asked.start == 0
    assert asked.stop < HEADER + 2 * Reading().ahead


DOCUMENTS = {
    "arrays in arrays": b"[" * (4 * MIB),
    "objects in objects": b'{"version":' * MIB,
    "a number of a million digits": b'{"version":' + b"9" * 1_000_000 + b"}",
    "a version with an exponent": b'{"version":1e999999999}',
    "a million fields": b'{"version":1' + b"".join(b',"f%d":0' % number for number in range(1_000_000)) + b"}",
    "a payload of 15 MiB": b'{"version":1,"payload":"' + b"A" * (15 * MIB) + b'"}',
    "signatures of 15 MiB": b'{"version":1,"signatures":{"ed25519":"' + b"A" * (15 * MIB) + b'"}}',
    "a million recipients": b'{"version":1,"recipients":[' + b"{}," * 1_000_000 + b"{}]}",
    "a string that never ends": b'{"version":1,"payload":"' + b"\\u0041" * MIB,
}


@pytest.mark.parametrize("bomb", DOCUMENTS)
@pytest.mark.parametrize("read", [read_keyring, AuthorityPublic.read], ids=["keyring", "authority file"])
def test_a_document_that_is_a_bomb_is_refused_as_no_document(tmp_path: Path, read: Callable[[Path], object], bomb: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_bytes(DOCUMENTS[bomb])
    with within(memory=64 * MIB, seconds=3.0), pytest.raises((KeysError, ConfigurationError)) as caught:
        read(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("bomb", DOCUMENTS)
def test_a_catalog_that_is_a_bomb_is_refused_as_no_catalog(tmp_path: Path, bomb: str) -> None:
    path = tmp_path / "catalog.json"
    for content in (DOCUMENTS[bomb], b'{"version":1,"entries":{"lake":' + DOCUMENTS[bomb] + b"}}"):
        path.write_bytes(content)
        with within(memory=96 * MIB, seconds=3.0), pytest.raises(PortableError) as caught:
            open_volume("portable://lake", catalog=path)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "read", "limit"),
    [
        ("keyring.json", read_keyring, 16 * MIB),
        ("authority.json", AuthorityPublic.read, MIB),
        ("catalog.json", lambda path: open_volume("portable://lake", catalog=path), 64 * MIB),
    ],
)
def test_of_a_file_of_a_tebibyte_no_more_than_the_limit_is_read(
    tmp_path: Path, name: str, read: Callable[[Path], object], limit: int
) -> None:
    path = tmp_path / name
    with path.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with within(memory=2 * limit + 4 * MIB, seconds=3.0), pytest.raises(ConfigurationError, match="larger than"):
        read(path)
