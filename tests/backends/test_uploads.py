"""Staged uploads, over each kind of host."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from portable.backends.protocol import ABSENT, Backend, Matches
from portable.errors import AlreadyExists, ConfigurationError, NotFound, PreconditionFailed


def two_and_a_half(backend: Backend) -> list[bytes]:
    size = backend.capabilities.part_size
    return [os.urandom(size), os.urandom(size), os.urandom(size // 2)]


def keys(backend: Backend) -> list[str]:
    return [stat.key for stat in backend.list()]


def test_parts_from_several_threads_become_one_object(backend: Backend) -> None:
    parts = two_and_a_half(backend)
    upload = backend.begin("folder/large")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upload.part, [2, 0, 1], [parts[2], bytearray(parts[0]), memoryview(parts[1])]))
    assert keys(backend) == []
    with pytest.raises(NotFound):
        backend.stat("folder/large")
    done = upload.commit(ABSENT)
    whole = b"".join(parts)
    fetched = backend.get("folder/large")
    assert bytes(fetched.data) == whole
    assert (done.size, done.etag) == (len(whole), fetched.stat.etag)
    seam = backend.capabilities.part_size
    assert bytes(backend.get("folder/large", seam - 3, seam + 3).data) == whole[seam - 3 : seam + 3]
    upload.abort()
    assert keys(backend) == ["folder/large"]


def test_a_part_can_be_staged_again(backend: Backend) -> None:
    upload = backend.begin("key")
    upload.part(0, b"first, and longer")
    upload.part(0, b"second")
    upload.commit()
    assert bytes(backend.get("key").data) == b"second"


def test_a_commit_is_refused_where_an_object_stands(backend: Backend) -> None:
    standing = backend.put("key", b"standing")
    upload = backend.begin("key")
    upload.part(0, b"staged")
    with pytest.raises(AlreadyExists):
        upload.commit(ABSENT)
    upload.abort()
    upload = backend.begin("key")
    upload.part(0, b"staged")
    with pytest.raises(PreconditionFailed):
        upload.commit(Matches('"0x8D0000000000000"'))
    upload.abort()
    assert bytes(backend.get("key").data) == b"standing"
    upload = backend.begin("key")
    upload.part(0, b"staged")
    upload.commit(Matches(standing.etag))
    assert bytes(backend.get("key").data) == b"staged"


def test_a_replacing_commit_is_refused_where_nothing_stands(backend: Backend) -> None:
    upload = backend.begin("folder/key")
    upload.part(0, b"staged")
    with pytest.raises(PreconditionFailed):
        upload.commit(Matches('"0x8D0000000000000"'))
    upload.abort()
    assert keys(backend) == []


def test_one_of_many_committers_wins(backend: Backend) -> None:
    uploads = []
    for number in range(4):
        upload = backend.begin("key")
        upload.part(0, b"%d" % number)
        uploads.append(upload)

    def commit(number: int) -> int | None:
        try:
            uploads[number].commit(ABSENT)
        except AlreadyExists:
            uploads[number].abort()
            return None
        return number

    with ThreadPoolExecutor(4) as pool:
        winners = [number for number in pool.map(commit, range(4)) if number is not None]
    assert len(winners) == 1
    assert bytes(backend.get("key").data) == b"%d" % winners[0]


def test_two_uploads_to_one_key_do_not_mix(backend: Backend) -> None:
    first, second = backend.begin("key"), backend.begin("key")
    first.part(0, b"first")
    second.part(0, b"second")
    first.commit()
    assert bytes(backend.get("key").data) == b"first"
    second.abort()
    assert bytes(backend.get("key").data) == b"first"


def test_what_is_aborted_leaves_nothing(backend: Backend) -> None:
    upload = backend.begin("folder/key")
    upload.part(0, b"staged")
    upload.abort()
    upload.abort()
    assert keys(backend) == []


@pytest.mark.parametrize("numbers", [[], [1], [0, 2]])
def test_a_commit_without_all_its_parts_is_refused(backend: Backend, numbers: list[int]) -> None:
    upload = backend.begin("key")
    for number in numbers:
        upload.part(number, b"data")
    with pytest.raises(ConfigurationError, match="parts"):
        upload.commit()
    upload.abort()
    assert keys(backend) == []
