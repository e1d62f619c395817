"""A process for each client, so that its processor time and its memory are its own, and none of the servers' is in them."""

import multiprocessing
import os
import resource
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final, Self

from bench.clients import CLIENTS, Client, Target
from bench.measure import Run, Sample, peak, sample

_SECONDS: Final = 300.0
"""How long a worker may take for one job."""


class Jobs:
    """What a client can be asked to do; each job does its whole work, however often it is done."""

    def __init__(self, client: Client, name: str, target: Target, small: int, listed: int) -> None:
        self._client, self._large, self._place = client, target.folder / "large", target.folder / f"got-{name}.bin"
        self._size, self._little = self._large.stat().st_size, target.folder / "little"
        self._data = self._little.read_bytes()
        self._keys = [f"small-{name}/{number:05}" for number in range(small)]
        self._listed = [f"listed/{number:05}" for number in range(listed)]
        self._key = f"large-{name}"

    def fill(self) -> None:
        """Write what is listed."""
        self._client.put_small(self._listed, self._data)

    def put_little(self) -> None:
        """Do what a large object needs with a little one, which loads what is loaded once."""
        self._client.put_large(f"little-{self._key}", self._little)

    def get_little(self) -> None:
        """Read the little object as the large one is read."""
        self._client.get_large(f"little-{self._key}", len(self._data), self._place)

    def put_small(self) -> None:
        """Write the small objects."""
        self._client.put_small(self._keys, self._data)

    def get_small(self) -> None:
        """Read the small objects."""
        _check("bytes", self._client.get_small(self._keys), len(self._keys) * len(self._data))

    def list(self) -> None:
        """List the keys."""
        _check("keys", self._client.list("listed/"), len(self._listed))

    def put_large(self) -> None:
        """Write the large object."""
        self._client.put_large(self._key, self._large)

    def get_large(self) -> None:
        """Read the large object into a file."""
        self._client.get_large(self._key, self._size, self._place)


class Worker:
    """A client in a process of its own."""

    def __init__(self, name: str, target: Target, small: int, listed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._name = name
        self._process = context.Process(target=_serve, args=(other, name, target, small, listed), daemon=False)
        self._process.start()
        other.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def sample(self, job: str) -> Sample:
        """Do a job once, and return what it took. Raises: RuntimeError (it failed; the worker has said why)."""
        taken: Sample = self._ask("sample", job)
        return taken

    def peak(self, job: str) -> int:
        """Do a job once, and return how many bytes resident memory rose at most. Raises: RuntimeError."""
        return int(self._ask("peak", job))

    def _ask(self, how: str, job: str) -> Any:
        self._pipe.send((how, job))
        if not self._pipe.poll(_SECONDS):
            raise RuntimeError(f"{self._name}: {job} took longer than {_SECONDS:g} s")
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"{self._name}: {job} failed") from None


def _serve(pipe: Connection, name: str, target: Target, small: int, listed: int) -> None:
    os.environ.update(target.environment)
    jobs = Jobs(CLIENTS[name](target), name, target, small, listed)
    while True:
        try:
            how, job = pipe.recv()
        except EOFError:
            # Without what clients would do at exit: what they hold ends with the process.
            os._exit(0)
        pipe.send(_MEASURES[how](getattr(jobs, job)))


def _peak(run: Run) -> int:
    """Count a program that the client started, too, over what it took before."""
    before = _largest_child()
    own = peak(run)
    return own + max(0, _largest_child() - before)


def _largest_child() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _check(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise AssertionError(f"{found} {what} came, not {expected}")


_MEASURES: Final[Mapping[str, Callable[[Run], object]]] = {"peak": _peak, "sample": lambda run: sample(run, 1)}
