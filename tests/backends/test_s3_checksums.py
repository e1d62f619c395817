"""Checksums of parts and of what they come to, against implementations that are not ours."""

import base64
import hashlib
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends.s3_checksums import composite_etag, read_crc, spelled, sum_of, weakest, whole_crc
from portable.backends.traits import PartChecksum

POLYNOMIAL = 0x9A6C9329AC4BC9B5
"""CRC-64/NVME, reflected (NVM Express command set specification, section 5.2.1.3.4)."""


def slow_crc(data: bytes) -> int:
    def step(crc: int, _: int) -> int:
        return (crc >> 1) ^ POLYNOMIAL if crc & 1 else crc >> 1

    return reduce(lambda crc, byte: reduce(step, range(8), crc ^ byte), data, (1 << 64) - 1) ^ ((1 << 64) - 1)


def test_the_check_value_of_the_specification() -> None:
    assert slow_crc(b"123456789") == 0xAE8B14860A799888
    assert sum_of(memoryview(b"123456789"), "whole", signed=False).crc == 0xAE8B14860A799888
    assert spelled(0xAE8B14860A799888) == "rosUhgp5mIg="


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_the_parts_checksums_come_to_that_of_the_whole(parts: list[bytes]) -> None:
    sums = [sum_of(memoryview(part), "whole", signed=False).crc or 0 for part in parts]
    assert sums == [slow_crc(part) for part in parts]
    assert whole_crc([(crc, len(part)) for crc, part in zip(sums, parts, strict=True)]) == slow_crc(b"".join(parts))


@given(st.integers(0, (1 << 64) - 1))
def test_a_crc_is_read_as_it_is_spelled(crc: int) -> None:
    assert read_crc(spelled(crc)) == crc


@pytest.mark.parametrize("text", [None, "", "AAAA", "not base64!", base64.b64encode(bytes(9)).decode()])
def test_what_is_no_crc_is_read_as_none(text: str | None) -> None:
    assert read_crc(text) is None


def test_an_etag_of_parts_is_the_md5_of_their_md5s() -> None:
    etags = [f'"{hashlib.md5(part).hexdigest()}"' for part in (b"one", b"two")]  # noqa: S324
    joined = b"".join(hashlib.md5(part).digest() for part in (b"one", b"two"))  # noqa: S324
    assert composite_etag(etags) == f'"{hashlib.md5(joined).hexdigest()}-2"'  # noqa: S324
    assert composite_etag(['"no md5"']) is None
    assert composite_etag(['"abcd"']) is None


def test_the_weakest_of_checksums() -> None:
    assert weakest([]) == "none"
    assert weakest(["sha256", "crc64nvme", "md5"]) == "md5"
    assert weakest(["crc64nvme", "none"]) == "none"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("whole", {"x-amz-checksum-crc64nvme": "7a5hQ478J4A="}, {"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}),
        (
            "sha256",
            {"x-amz-checksum-sha256": "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="},
            {"x-amz-checksum-sha256": "x"},
        ),
        ("md5", {"etag": '"8d777f385d3dfec8815d20f7496026dc"'}, {"etag": '"0"'}),
    ],
)
def test_a_part_is_confirmed_by_what_its_answer_says(kind: PartChecksum, right: dict[str, str], wrong: dict[str, str]) -> None:
    check = sum_of(memoryview(b"data"), kind, signed=False)
    assert check.confirmed(right) == check.checksum
    assert check.confirmed(wrong) is None
    assert check.confirmed({}) == "none"


def test_a_signed_part_is_confirmed_by_being_taken() -> None:
    check = sum_of(memoryview(b"data"), "sha256", signed=True)
    assert check.payload == hashlib.sha256(b"data").hexdigest()
    assert check.confirmed({}) == "sha256"
    assert sum_of(memoryview(b"data"), "none", signed=False).confirmed({}) == "none"
