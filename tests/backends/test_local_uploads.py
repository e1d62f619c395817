"""Uploads to a folder that outlive the process that began them."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portable.backends import local_parts
from portable.backends.local import LocalBackend
from portable.backends.local_staging import STALE
from portable.backends.local_upload import PART_SIZE
from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.errors import ConfigurationError, InvalidKey, NotFound


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def backend(root: Path) -> Backend:
    return LocalBackend(Location(f"file://{root}"))


def private(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".portable-tmp").iterdir() if path.name != "lock")


def test_an_upload_says_when_it_began(backend: Backend) -> None:
    before = time.time()
    upload = backend.begin("a/b")
    (found,) = backend.unfinished()
    assert (found.key, found.token) == ("a/b", upload.token)
    assert found.started is not None
    assert before - 1 <= found.started.timestamp() <= time.time() + 1


def test_a_part_that_is_staged_again_and_interrupted_counts_no_more(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = backend.begin("key")
    upload.part(0, b"first")
    resumed = backend.resume("key", upload.token)

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    for each in (upload, resumed):
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", interrupted)
            with pytest.raises(KeyboardInterrupt):
                each.part(0, b"other")
        assert each.staged() == {}
        with pytest.raises(ConfigurationError, match="parts"):
            each.commit()
        each.part(0, b"first")
    upload.commit()
    assert bytes(backend.get("key").data) == b"first"


def test_a_part_that_the_disk_did_not_take_does_not_count(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = backend.begin("key")

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(Exception, match="Input/output error"):
            upload.part(0, b"data")
    assert upload.staged() == {}


def test_what_was_committed_is_written_to_no_more(backend: Backend, root: Path) -> None:
    upload = backend.begin("key")
    upload.part(0, b"data")
    other = backend.resume("key", upload.token)
    done = upload.commit()
    for act in (lambda: other.part(0, b"late"), other.staged, other.commit):
        with pytest.raises(NotFound, match="upload does not exist"):
            act()
    other.abort()
    assert backend.stat("key") == done
    assert private(root) == []


def test_an_upload_that_became_an_object_before_a_crash_is_written_to_no_more(backend: Backend, root: Path) -> None:
    upload = backend.begin("key")
    upload.part(0, b"data")
    os.link(root / ".portable-tmp" / upload.token, root / "key")
    assert list(backend.unfinished()) == []
    with pytest.raises(NotFound):
        backend.resume("key", upload.token)
    with pytest.raises(NotFound):
        upload.part(0, b"late")
    assert bytes(backend.get("key").data) == b"data"


@pytest.mark.parametrize("token", ["", "lock", "../key", "x/../../key", "0" * 31, "0" * 32, "A" * 32])
def test_a_token_of_no_upload_reaches_no_file(backend: Backend, root: Path, token: str) -> None:
    backend.put("key", b"data")
    with pytest.raises(NotFound):
        backend.resume("key", token)
    assert (root / "key").read_bytes() == b"data"


def test_an_upload_belongs_to_its_key(backend: Backend) -> None:
    upload = backend.begin("key")
    with pytest.raises(NotFound):
        backend.resume("other", upload.token)
    with pytest.raises(InvalidKey):
        backend.resume("../key", upload.token)


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_a_part_that_no_upload_has_is_refused(backend: Backend, number: int) -> None:
    with pytest.raises(ConfigurationError, match="counted from 0"):
        backend.begin("key").part(number, b"data")
    with pytest.raises(ConfigurationError, match="over"):
        backend.begin("key").part(0, bytes(PART_SIZE + 1))


def test_a_store_that_is_only_read_gets_no_private_folder(backend: Backend, root: Path) -> None:
    assert list(backend.unfinished()) == []
    assert list(root.iterdir()) == []


def test_what_a_crash_left_goes_after_a_day_and_uploads_stay(
    backend: Backend, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = backend.begin("key")
    became = backend.begin("became")
    os.link(root / ".portable-tmp" / became.token, root / "became")
    for name in ("a" * 32, "b" * 32 + ".parts", "foreign"):
        (root / ".portable-tmp" / name).touch()
    before = private(root)
    LocalBackend(Location(f"file://{root}")).put("other", b"")
    assert private(root) == before
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + STALE + 60)
    for _ in range(2):
        LocalBackend(Location(f"file://{root}")).put("other", b"")
    assert private(root) == sorted([upload.token, upload.token + ".parts", "foreign"])
    assert (root / "became").exists()
    assert upload.staged() == {}


def test_uploads_hold_no_files_open(backend: Backend) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    uploads = [backend.begin(f"{number}") for number in range(10)]
    for upload in uploads:
        upload.part(0, b"data")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


SIZES = st.one_of(st.none(), st.integers(0, PART_SIZE))


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 99_999), SIZES)), st.data())
def test_a_journal_that_was_cut_short_tells_no_more_than_was_written(
    key: str, records: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    pieces = [local_parts.heading(key), *(local_parts.record(number, size) for number, size in records)]
    whole = b"".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))
    journal = local_parts.read(whole[:cut])
    expected: dict[int, int] = {}
    end = len(pieces[0])
    for piece, (number, size) in zip(pieces[1:], records, strict=True):
        end += len(piece)
        if end <= cut + 1:  # the last line break is not needed
            expected.pop(number, None)
            expected |= {} if size is None else {number: size}
    if cut < len(pieces[0]):
        assert journal is None
    else:
        assert journal is not None
        assert (journal.key, journal.sizes) == (key, expected)
        again = local_parts.read(whole[:cut] + local_parts.record(7, 9))
        assert again is not None
        assert again.sizes == expected | {7: 9}


@pytest.mark.parametrize(
    "first",
    [
        b"[" * 100_000,
        b'{"key": "key", "started": ' + b"[" * 100_000,
        b'{"key": "key", "started": "2026-11-22T04:05:06"}',
        b'{"key": "key", "started": "2026-11-22"}',
        b'{"key": "key", "started": "9999-12-31T23:59:59-12:00"}',
        b'{"key": "key", "started": 5}',
        b"[1]",
        b"{}",
        b"\xff",
    ],
    ids=lambda first: str(first[-50:]),
)
def test_a_damaged_journal_is_none_and_hides_no_upload(first: bytes, backend: Backend, root: Path) -> None:
    damaged, upload = backend.begin("key"), backend.begin("other")
    (root / ".portable-tmp" / f"{damaged.token}.parts").write_bytes(first + b"\n")
    assert [found.token for found in backend.unfinished()] == [upload.token]
    with pytest.raises(NotFound):
        backend.resume("key", damaged.token)


@given(st.binary())
def test_any_bytes_are_read_as_a_journal_or_as_none(data: bytes) -> None:
    local_parts.read(data)
