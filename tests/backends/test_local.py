"""What a folder as a store must not do."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from portable.backends.location import Location
from portable.backends.protocol import ABSENT, ANY, Backend, Fetched, Folder, Matches
from portable.backends.registry import open_backend
from portable.errors import (
    Denied,
    InvalidKey,
    NotFound,
    PortableError,
    PreconditionFailed,
    RetryableError,
    Unavailable,
    Unsupported,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def backend(root: Path) -> Backend:
    return open_backend(Location(f"file://{root}"))


def uploaded(backend: Backend) -> None:
    upload = backend.begin("folder/key")
    upload.part(0, b"mine")
    backend.resume("folder/key", upload.token).commit()


def test_a_symbolic_link_is_never_followed(backend: Backend, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "file").symlink_to(tmp_path / "outside" / "secret")
    for key in ("folder/secret", "file"):
        with pytest.raises(NotFound):
            backend.get(key)
        with pytest.raises(NotFound):
            backend.stat(key)
        with pytest.raises(InvalidKey):
            backend.put(key, b"overwritten")
        with pytest.raises(InvalidKey):
            backend.put(key, b"overwritten", expect=ABSENT)
    backend.delete("folder/secret")
    assert list(backend.list()) == []
    assert {stat.key: stat.details for stat in backend.inventory()} == {
        "folder": {"file_type": "symbolic link"},
        "file": {"file_type": "symbolic link"},
    }
    assert (tmp_path / "outside" / "secret").read_text() == "secret"


VERBS: dict[str, Callable[[Backend], object]] = {
    "get": lambda backend: backend.get("folder/key"),
    "stat": lambda backend: backend.stat("folder/key"),
    "put": lambda backend: backend.put("folder/key", b"mine"),
    "create": lambda backend: backend.put("folder/new", b"mine", expect=ABSENT),
    "replace": lambda backend: backend.put("folder/key", b"mine", expect=Matches("any")),
    "delete": lambda backend: backend.delete("folder/key"),
    "list": lambda backend: [stat.size for stat in backend.list()],
    "inventory": lambda backend: [stat.size for stat in backend.inventory()],
    "unfinished": lambda backend: list(backend.unfinished()),
    "upload": uploaded,
}


@pytest.mark.parametrize("swapped", ["folder", "folder/key", ".portable-tmp"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_swapped_for_a_link_at_any_step_leads_nowhere(verb: str, swapped: str, tmp_path: Path) -> None:
    calls = ("open", "stat", "mkdir", "link", "replace", "unlink", "rmdir", "scandir")
    step = 0
    done = False
    while not done:
        root, outside = tmp_path / f"root-{step}", tmp_path / f"outside-{step}"
        for folder in (root / "folder", root / ".portable-tmp", outside):
            folder.mkdir(parents=True)
        (outside / "key").write_text("outside")
        (root / "folder" / "key").write_text("inside")
        before = {path.name: path.read_bytes() for path in outside.iterdir()}
        backend = open_backend(Location(f"file://{root}"))
        left = step

        def swap(root: Path = root, outside: Path = outside) -> None:
            target = root / swapped
            target.rename(root.parent / f"{root.name}-moved")
            target.symlink_to(outside / "key" if swapped.endswith("key") else outside)

        def stepping(real: Callable[..., object], swap: Callable[[], None] = swap) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left == -1:
                    swap()
                return real(*arguments, **options)

            return call

        with pytest.MonkeyPatch.context() as patched:
            for name in calls:
                patched.setattr(os, name, stepping(getattr(os, name)))
            try:
                answer = VERBS[verb](backend)
            except PortableError:
                answer = None
        assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
        if isinstance(answer, Fetched):
            assert bytes(answer.data) == b"inside"
        done, step = left >= 0, step + 1


def test_a_folder_swapped_for_a_link_is_not_followed_by_a_delete(backend: Backend, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text("outside")
    (root / "folder").symlink_to(tmp_path / "outside")
    backend.delete("folder/key")
    assert (tmp_path / "outside" / "key").exists()


@pytest.mark.parametrize("key", ["a\0b", "x" * 256, "é" * 128, ".portable-tmp", ".portable-tmp/lock", "a/.portable-tmp/b"])
def test_a_key_that_a_file_system_cannot_hold_is_refused(backend: Backend, key: str) -> None:
    for call in (
        lambda: backend.put(key, b""),
        lambda: backend.get(key),
        lambda: backend.delete(key),
        lambda: backend.begin(key),
    ):
        with pytest.raises(InvalidKey):
            call()


def test_no_object_stands_beside_objects_below_it(backend: Backend) -> None:
    backend.put("a/b", b"below")
    with pytest.raises(InvalidKey, match="beside"):
        backend.put("a", b"above")
    with pytest.raises(InvalidKey, match="beside"):
        backend.put("a", b"above", expect=ABSENT)
    backend.put("c", b"above")
    with pytest.raises(InvalidKey, match="beside"):
        backend.put("c/d", b"below")
    with pytest.raises(NotFound):
        backend.get("a")
    with pytest.raises(NotFound):
        backend.get("c/d")
    backend.delete("c/d")
    assert sorted(stat.key for stat in backend.list()) == ["a/b", "c"]


def test_empty_folders_go_with_their_last_object(backend: Backend, root: Path) -> None:
    backend.put("a/b/c/d", b"")
    backend.put("a/e", b"")
    backend.delete("a/b/c/d")
    assert (root / "a").is_dir()
    assert not (root / "a" / "b").exists()


def test_a_refused_write_leaves_no_folders_and_no_temporary_files(backend: Backend, root: Path) -> None:
    with pytest.raises(PreconditionFailed):
        backend.put("a/b/c", b"data", expect=Matches('"1"'))
    upload = backend.begin("d/e")
    upload.part(0, b"data")
    upload.abort()
    assert [path.name for path in root.iterdir()] == [".portable-tmp"]
    assert [path.name for path in (root / ".portable-tmp").iterdir()] == ["lock"]


def test_a_file_of_a_foreign_encoding_is_accounted_for(backend: Backend, root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9"))).write_bytes(b"data")
    assert list(backend.list()) == []
    (entry,) = backend.inventory()
    assert (entry.key, entry.size, entry.details) == ("caf\\xe9", 4, {"unreadable_name": "true"})


def test_no_prefix_leads_out_of_the_root_or_to_temporary_files(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    backend.put("folder/key", b"data")
    for prefix in ("../", "folder/../../", "./", "/", "folder//", ".portable-tmp/"):
        assert list(backend.list(prefix)) == []
        assert list(backend.children(prefix)) == []
    assert [stat.key for stat in backend.list("folder/")] == ["folder/key"]


def test_a_prefix_that_no_key_has_leads_to_nothing_and_one_that_is_no_text_is_refused(backend: Backend) -> None:
    backend.put("folder/key", b"data")
    for prefix in ("a\0b/", "a\0b", "folder/\0", "x" * 300 + "/", "x" * 300, "é" * 128 + "/x"):
        assert list(backend.list(prefix)) == []
        assert list(backend.children(f"{prefix.rstrip('/')}/")) == []
    for prefix in ("\ud800/", "\udcff", "folder/\ud800"):
        with pytest.raises(InvalidKey, match="surrogates"):
            list(backend.list(prefix))


LISTINGS: dict[str, Callable[[Backend], object]] = {
    "list": lambda backend: list(backend.list()),
    "children": lambda backend: list(backend.children("folder/")),
    "inventory": lambda backend: list(backend.inventory()),
    "unfinished": lambda backend: list(backend.unfinished()),
}


@pytest.mark.parametrize(("refusal", "told"), [(errno.EACCES, Denied), (errno.EIO, Unavailable), (errno.ESTALE, Unavailable)])
@pytest.mark.parametrize("listing", LISTINGS)
def test_a_folder_that_cannot_be_read_ends_a_listing_with_an_error_of_ours(
    listing: str, refusal: int, told: type[PortableError], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.put("folder/key", b"data")

    def failing(*_: object) -> None:
        raise OSError(refusal, "as the system says")

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(told, match=r"root"):
        LISTINGS[listing](backend)


@pytest.mark.parametrize(
    ("call", "code", "told"),
    [
        ("replace", errno.EXDEV, Unsupported),
        ("replace", errno.EROFS, Denied),
        ("replace", errno.EINVAL, InvalidKey),
        ("replace", errno.EILSEQ, InvalidKey),
        ("replace", errno.ENAMETOOLONG, InvalidKey),
        ("link", errno.EPERM, Unsupported),
        ("link", errno.EOPNOTSUPP, Unsupported),
        ("link", errno.EACCES, Denied),
    ],
)
def test_what_a_file_system_never_does_is_no_error_to_try_again_after(
    call: str, code: int, told: type[PortableError], backend: Backend, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(told, match="key") as caught:
            backend.put("folder/key", b"data", expect=ABSENT if call == "link" else ANY)
    assert not isinstance(caught.value, RetryableError)
    assert [path.name for path in root.iterdir()] == [".portable-tmp"]


def test_a_folder_without_a_file_is_a_folder_of_its_level(backend: Backend, root: Path) -> None:
    (root / "empty" / "below").mkdir(parents=True)
    (root / "link").symlink_to(root / "empty")
    backend.put("key", b"data")
    assert list(backend.list()) == [stat for stat in backend.children() if not isinstance(stat, Folder)]
    assert [entry.prefix for entry in backend.children() if isinstance(entry, Folder)] == ["empty/"]
