"""Any fsspec filesystem as a store.

fsspec has no conditional write, no compare-and-swap, and no words for attributes: such calls are refused, and nothing is
emulated. A read is checked by asking for the version before it and after it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import Buffer

from portable.backends.fsspec_edge import FilesystemEdge
from portable.backends.fsspec_upload import MAX_PARTS, PART_SIZE, FsspecUpload
from portable.backends.fsspec_versions import described, entity_tag
from portable.backends.fsspec_writing import Spooled, Writer, writer
from portable.backends.key_rules import awkward, check_range, check_text
from portable.backends.levels import check_level, folder_of, level
from portable.backends.protocol import (
    ANY,
    Attributes,
    Capabilities,
    Expectation,
    Fetched,
    Folder,
    Stat,
    Unfinished,
    Upload,
)
from portable.backends.resident import Resident
from portable.errors import ConfigurationError, Denied, InvalidKey, NotFound, PreconditionFailed, Unavailable, Unsupported

_READ_ATTEMPTS: Final = 3
_PATH_BYTES: Final = 1024
"""UTF-8 bytes of container and key together: what the object stores among the filesystems take."""


class FsspecBackend(Resident):
    """A folder of an fsspec filesystem, or a prefix of one that has buckets.

    `root` is a path as the filesystem spells it (`bucket/prefix`, `/folder`). Its container must stand: the first segment where
    paths begin without a slash, otherwise the whole root. Give it a filesystem of its own, made with
    `use_listings_cache=False, skip_instance_cache=True`: its caches are dropped before each look, and must not be filled
    meanwhile. `close` closes the filesystem's connections with `owned`. Not for use in a forked process. What the filesystem
    follows is followed: its own local files lead through symbolic links out of the root, which `LocalBackend` never does.

    Raises: ConfigurationError.
    """

    def __init__(self, filesystem: Any, root: str, *, url: str | None = None, bound: float = 60.0, owned: bool = False) -> None:
        protocol = filesystem.protocol if isinstance(filesystem.protocol, str) else filesystem.protocol[0]
        self.url = url or f"fsspec+{protocol}://{root.lstrip('/')}"
        self.bound, self._owned = bound, owned
        self._edge = FilesystemEdge(filesystem, url=self.url, bound=bound)
        self._root = root.rstrip("/")
        self._container = self._root if root.startswith("/") else self._root.partition("/")[0]
        if not self._root or not self._edge.holds(f"{self._root}/key"):
            raise ConfigurationError(f"{self.url}: the filesystem has no folder {root!r}, or calls it otherwise")
        self._writer = writer(self._edge, self._root, self._check_container, self._look)
        self.capabilities = Capabilities(
            part_size=PART_SIZE,
            max_parts=MAX_PARTS,
            key_room=_PATH_BYTES - len(f"{self._root}/".encode()),
            empty_folders=True,
        )

    def get(self, key: str, start: int = 0, stop: int | None = None, *, if_match: str | None = None) -> Fetched:
        """See `Backend.get`. The version is asked for before and after: Unavailable where it keeps changing meanwhile."""
        check_range(start, stop)
        path = self._path(key)
        before = self._described("get", path, key)
        for _ in range(_READ_ATTEMPTS):
            if if_match is not None and before.etag != if_match:
                raise PreconditionFailed(f"get {key!r} in {self.url}: another version stands there")
            end = before.size if stop is None else min(stop, before.size)
            if start >= end:
                return Fetched(b"", before)
            data = self._edge.run("cat_file", path, start=start, end=end, operation="get", key=key)
            after = self._described("get", path, key)
            if after.etag == before.etag and len(data) == end - start:
                return Fetched(data, before)
            before = after
        raise Unavailable(f"get {key!r} in {self.url}: the object changed while it was read, or not all of it came")

    def stat(self, key: str) -> Stat:
        """See `Backend.stat`. It tells no attributes."""
        return self._described("stat", self._path(key), key)

    def put(self, key: str, data: Buffer, *, expect: Expectation = ANY, attributes: Attributes | None = None) -> Stat:
        """See `Backend.put`. Where the host's answer names no ETag, the object is asked for it after the write."""
        path = self._writable(key, expect, attributes)
        whole = bytes(data)
        return self._written(path, key, len(whole), self._whole_writer("put", key).put(path, whole, key))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See `Backend.list`. The filesystem gives the whole listing at once, and it is held in memory."""
        return (stat for stat in self._find(prefix) if "file_type" not in stat.details)

    def children(self, prefix: str = "") -> Iterator[Stat | Folder]:
        """See `Backend.children`. Of keys that cannot be written here, the filesystem's own listing may leave some out.

        A prefix that the filesystem would read as another one is listed with all that is below it.
        """
        check_level(prefix, url=self.url)
        if awkward(f"{prefix}name"):
            return level(self.list(prefix), prefix)
        return self._level(prefix)

    def inventory(self) -> Iterator[Stat]:
        """See `Backend.inventory`: what the filesystem tells, which is not all that a host may hold.

        Details: `file_type` of what is neither a file nor a folder.
        """
        return self._find("")

    def delete(self, key: str, *, expect: Expectation = ANY) -> None:
        """See `Backend.delete`. Folders that become empty stay."""
        path = self._writable(key, expect, None, operation="delete")
        try:
            self._edge.run("rm_file", path, operation="delete", key=key)
        except NotFound:
            self._check_container()

    def begin(self, key: str, *, attributes: Attributes | None = None) -> Upload:
        """See `Backend.begin`. Parts wait in a temporary file of this machine; `commit` sends the object."""
        path = self._writable(key, ANY, attributes, operation="begin")
        self._whole_writer("begin", key)

        def send(spooled: Spooled) -> Stat:
            return self._written(path, key, spooled.size, self._whole_writer("commit", key).upload(path, spooled, key))

        return FsspecUpload(key, send, url=self.url)

    def resume(
        self,
        key: str,
        token: str,  # noqa: ARG002  # the contract's
        *,
        attributes: Attributes | None = None,  # noqa: ARG002
    ) -> Upload:
        """See `Backend.resume`. Raises: Unsupported."""
        raise Unsupported(f"resume {key!r} in {self.url}: the parts of an upload wait in the process that began it")

    def unfinished(self) -> Iterator[Unfinished]:
        """See `Backend.unfinished`. Raises: Unsupported."""
        raise Unsupported(f"unfinished uploads of {self.url}: fsspec has no way to list them; the host's own backend may have")

    def close(self) -> None:
        """See `Backend.close`."""
        if self._owned:
            self._edge.close()

    def _described(self, operation: str, path: str, key: str) -> Stat:
        info = self._edge.info(path, operation=operation, key=key)
        if info.get("type") != "file":
            raise NotFound(f"{operation} {key!r} in {self.url}: no object is there, but a {info.get('type')}")
        return described(info, key, url=self.url)

    def _look(self, path: str, key: str) -> Stat | None:
        with suppress(NotFound, Denied):  # a write needs no leave to read
            return self._described("stat", path, key)
        return None

    def _written(self, path: str, key: str, size: int, answer: object) -> Stat:
        etag = entity_tag(answer)
        if etag is not None:
            return Stat(key, size, datetime.now(UTC), etag)
        stat = answer if isinstance(answer, Stat) else self._described("put", path, key)
        if stat.size != size:
            raise Unavailable(f"put {key!r} in {self.url}: {stat.size} of {size} bytes stand there now")
        return stat

    def _whole_writer(self, operation: str, key: str) -> Writer:
        if self._writer is None:
            raise Unsupported(
                f"{operation} {key!r} in {self.url}: the filesystem has no write that appears whole, and no rename"
            )
        return self._writer

    def _find(self, prefix: str) -> Iterator[Stat]:
        check_text(prefix, url=self.url)
        root, is_empty = f"{self._root}/", True
        entries = self._edge.find(self._container, f"{root}{prefix}".removeprefix(f"{self._container}/"))
        with suppress(NotFound):  # nothing below the prefix, or no container, which is asked for below
            for info in entries:
                is_empty = False
                name, kind = str(info["name"]), info.get("type")
                if not f"{name}/".startswith(f"{self._container}/"):
                    raise Unsupported(f"list {self.url}: the filesystem lists other paths than it takes ({name!r})")
                key = name.removeprefix(root)
                if name.startswith(root + prefix) and kind != "directory" and not self._is_private(key):
                    yield described(info, key, url=self.url, details={} if kind == "file" else {"file_type": str(kind)})
        if is_empty:
            self._check_container()

    def _level(self, prefix: str) -> Iterator[Stat | Folder]:
        start = f"{self._root}/{prefix}"
        try:
            entries = self._edge.level(start.removesuffix("/"))
        except NotFound:  # nothing below the prefix, or no container
            entries = []
        if not entries:
            self._check_container()
        if any(f"{info['name']}/" == start for info in entries):
            # An object stands at the folder's path. Filesystems that show it do not show what is below it.
            yield from level(self.list(prefix), prefix)
            return
        for info in entries:
            name, kind = str(info["name"]), info.get("type")
            key = name.removeprefix(f"{self._root}/")
            if not name.startswith(start) or self._is_private(key):
                continue  # a neighbour, or a temporary file
            folder = folder_of(f"{key}/" if kind == "directory" else key, prefix)
            if folder is not None:
                yield folder
            elif kind == "file":
                yield described(info, key, url=self.url)

    def _is_private(self, key: str) -> bool:
        return self._writer is not None and self._writer.private in key.split("/") and self._writer.private != ""

    def _check_container(self) -> None:
        if self._edge.info(self._container, operation="find", key="").get("type") != "directory":
            raise NotFound(f"{self.url}: {self._container!r} is no folder")

    def _path(self, key: str) -> str:
        """Return the path of a key. Raises: InvalidKey where the filesystem would take it for another."""
        check_text(key, url=self.url)
        path = f"{self._root}/{key}"
        reason = awkward(key)
        if reason is None and len(path.encode()) > _PATH_BYTES:
            reason = f"makes a path of more than {_PATH_BYTES} bytes"
        if reason is None and self._is_private(key):
            reason = "goes through the folder of temporary files"
        if reason is None and not self._edge.holds(path):
            reason = "would be taken for another by the filesystem"
        if reason:
            raise InvalidKey(f"key {key[:80]!r} in {self.url}: {reason}")
        return path

    def _writable(self, key: str, expect: Expectation, attributes: Attributes | None, *, operation: str = "put") -> str:
        path = self._path(key)
        if expect != ANY:
            raise Unsupported(f"{operation} {key!r} in {self.url}: an fsspec filesystem writes without a condition")
        if attributes is not None and attributes != Attributes():
            raise Unsupported(f"{operation} {key!r} in {self.url}: an fsspec filesystem takes no headers or metadata")
        return path
