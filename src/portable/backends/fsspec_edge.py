"""The one place that calls an fsspec filesystem: its loop, its deadline, its caches and its errors."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from fsspec.asyn import AsyncFileSystem, sync
from fsspec.spec import AbstractFileSystem

from portable.backends.fsspec_errors import translated
from portable.errors import ConfigurationError, NotFound, PortableError, Unsupported

_CLOSE_SECONDS: Final = 5.0
_CLIENTS: Final = ("_s3", "service_client", "credential", "_session")
"""Where filesystems keep the clients that fsspec has no method to close: s3fs, adlfs, and those on aiohttp."""


class FilesystemEdge:
    """Calls of one filesystem, from any thread.

    An asynchronous filesystem (s3fs, adlfs) runs on fsspec's own thread, and its calls end within `bound` seconds. Others run
    in the calling thread, as long as they take.
    """

    def __init__(self, filesystem: Any, *, url: str, bound: float) -> None:
        if getattr(filesystem, "asynchronous", False):
            raise ConfigurationError(f"{url}: make the filesystem without asynchronous=True: it belongs to a loop of its own")
        if isinstance(getattr(filesystem, "fs", getattr(filesystem, "sync_fs", None)), AbstractFileSystem):
            raise ConfigurationError(
                f"{url}: {type(filesystem).__name__} wraps a filesystem: give the one underneath, and a root"
            )
        self.filesystem, self.url, self.bound = filesystem, url, bound
        self.is_async = bool(filesystem.async_impl)
        self._process = os.getpid()

    def overrides(self, method: str) -> bool:
        """Tell whether the filesystem has a method of its own where fsspec's base classes only make do."""
        base, name = (AsyncFileSystem, f"_{method}") if self.is_async else (AbstractFileSystem, method)
        return getattr(type(self.filesystem), name) is not getattr(base, name)

    def run(self, method: str, *arguments: Any, operation: str, key: str, bound: float | None = -1.0, **options: Any) -> Any:
        """Call a method of the filesystem; `bound` in seconds overrides the usual one, None lifts it. Raises: PortableError."""
        with self.errors(operation, key):
            if not self.is_async:
                return getattr(self.filesystem, method)(*arguments, **options)
            coroutine = getattr(self.filesystem, f"_{method}")
            timeout = self.bound if bound == -1.0 else bound
            return sync(self.filesystem.loop, coroutine, *arguments, timeout=timeout, **options)

    def info(self, path: str, *, operation: str, key: str) -> Mapping[str, Any]:
        """Ask what stands at a path, past the filesystem's caches. Raises: NotFound and others."""
        with self.errors(operation, key):
            self.filesystem.invalidate_cache()
        found: Mapping[str, Any] = self.run("info", path, operation=operation, key=key)
        return found

    def find(self, container: str, below: str) -> Iterator[Mapping[str, Any]]:
        """Describe what stands under `container` and has a path that goes on with `below`; maybe more, folders too.

        A filesystem with a listing of its own gives it in one piece, without a bound in time. Raises: NotFound and others.
        """
        with self.errors("list", ""):
            self.filesystem.invalidate_cache()
        if not self.overrides("find"):
            yield from self._walk(container, f"{container}/{below}")
            return
        options: dict[str, Any] = {"detail": True}
        if self._takes_prefix():
            options["prefix"] = below
        else:
            container = f"{container}/{below}".rpartition("/")[0]
        found = self.run("find", container, operation="list", key="", bound=None, **options)
        if not isinstance(found, dict):
            raise Unsupported(f"list {self.url}: the filesystem describes no files, it names them only")
        yield from found.values()

    def level(self, folder: str) -> list[Mapping[str, Any]]:
        """Describe what stands directly in a folder, past the filesystem's caches; maybe the object at its path, too.

        Raises: NotFound and others.
        """
        with self.errors("list", ""):
            self.filesystem.invalidate_cache()
        return list(self.run("ls", folder, detail=True, operation="list", key="", bound=None))

    def _walk(self, container: str, start: str) -> Iterator[Mapping[str, Any]]:
        """List folder by folder. fsspec's own `find` leaves out, without a word, a folder that it cannot read."""
        pending = [top := start.rpartition("/")[0]]
        while pending:
            folder = pending.pop()
            try:
                entries = self.run("ls", folder, detail=True, operation="list", key="")
            except NotFound:
                if folder in (top, container):
                    raise
                continue  # it was removed meanwhile
            for info in entries:
                name = str(info["name"]).rstrip("/")
                if info.get("type") != "directory":
                    yield info
                elif name != folder and f"{name}/".startswith(start[: len(name) + 1]):
                    pending.append(name)

    def holds(self, path: str) -> bool:
        """Tell whether the filesystem addresses exactly this path, and takes nothing in it for a query or a version."""
        with self.errors("address", path):
            if self.filesystem._strip_protocol(path) != path:  # noqa: SLF001  # fsspec's documented hook for paths
                return False
            split: Callable[[str], tuple[str, str, object]] | None = getattr(self.filesystem, "split_path", None)
            if split is None:
                return True
            container, key, version = split(path)
            try:
                self.filesystem._parent(key)  # noqa: SLF001  # adlfs reads the key alone as a URL, after it wrote
            except ValueError:
                return False
            return f"{container}/{key}" == path and not version

    @contextmanager
    def errors(self, operation: str, key: str) -> Iterator[None]:
        """Translate what the filesystem raises. Raises: PortableError."""
        if os.getpid() != self._process:
            raise ConfigurationError(
                f"{self.url} was opened before this process was forked, and its filesystem may hang here: "
                'start workers with the "spawn" method'
            )
        try:
            yield
        except PortableError:
            raise
        except Exception as error:  # noqa: BLE001  # any library may be underneath, and every error becomes one of ours
            raise translated(error, operation=operation, key=key, url=self.url) from None

    def close(self) -> None:
        """Close the connections that the filesystem holds open."""
        for name in _CLIENTS:
            close = getattr(getattr(self.filesystem, name, None), "close", None)
            if inspect.iscoroutinefunction(close):
                with self.errors("close", ""):
                    sync(self.filesystem.loop, close, timeout=_CLOSE_SECONDS)

    def _takes_prefix(self) -> bool:
        method = getattr(self.filesystem, "_find" if self.is_async else "find")
        return "prefix" in inspect.signature(method).parameters
