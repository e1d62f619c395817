"""A child process in a process group of its own with its output in a file, and a server of such processes."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

_GUARDED = 'exec 3<&0; (cat <&3 >/dev/null; kill -KILL -$$) & exec "$@" </dev/null 3<&-'
"""Runs a command beside a reader of standard input, which ends the process group when the other end of the pipe is gone:
so no server outlives a parent that was killed."""


class ServerError(RuntimeError):
    """A server did not start; the message ends with the tail of its log."""


def free_ports(count: int, *, below: int = 22_768, offsets: tuple[int, ...] = (0,)) -> list[int]:
    """Return `count` loopback ports that are free now, each with all its `offsets` free too.

    Ports are taken from 12,000 up to `below`, under the range that the kernel gives to outgoing connections, so that a client
    of another server cannot take one between this call and the server's start.
    """
    found: list[int] = []
    candidates = list(range(12_000, below))
    random.SystemRandom().shuffle(candidates)
    for port in candidates:
        if all(_is_free(port + offset) for offset in offsets):
            found.append(port)
            if len(found) == count:
                return found
    raise ServerError(f"no {count} free ports between 12000 and {below}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class ServerProcess:
    """A running server: `stop()` ends its whole process group."""

    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the command; its output goes to `log`."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARDED, "sh", *self.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        if self._process is None:
            raise ServerError(f"{self.command[0]} is not running")
        return self._process.pid

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Poll `is_ready` until it is true. Raises: ServerError when the process ends or `seconds` pass."""
        deadline = time.monotonic() + seconds
        while True:
            if self._process is None or self._process.poll() is not None:
                raise ServerError(f"{self.command[0]} ended while it started: {self.tail()}")
            if is_ready():
                return
            if time.monotonic() > deadline:
                raise ServerError(f"{self.command[0]} was not ready within {seconds:.0f} s: {self.tail()}")
            time.sleep(0.05)

    def tail(self, characters: int = 2_000) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def stop(self, *, grace: float = 5.0) -> None:
        """End the process group: SIGTERM, then after `grace` seconds SIGKILL. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        finally:
            assert process.stdin is not None
            process.stdin.close()


@dataclass
class Server:
    """What runs while its context is open.

    `folder` holds data, configuration and logs; without one a temporary folder is made. Data and configuration, which may hold
    secrets, are removed at exit; logs stay in `folder`.
    """

    start_seconds: ClassVar[float] = 60.0
    grace: ClassVar[float] = 3.0
    """How many seconds a process has to end by itself."""
    folder: Path | None = None
    _servers: list[ServerProcess] = field(default_factory=list, init=False, repr=False)
    _home: Path = field(default_factory=Path, init=False, repr=False)

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-", dir=self.folder))
        self.data.mkdir()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        """The folder of what is removed at exit."""
        return self._home / "data"

    @property
    def pids(self) -> list[int]:
        """The process ids, that of the service that clients speak to last."""
        return [server.pid for server in self._servers]

    @property
    def pid(self) -> int:
        """The process id of the service that clients speak to."""
        return self.pids[-1]

    def stop(self) -> None:
        """End the processes, the last one first, and remove the data."""
        while self._servers:
            self._servers.pop().stop(grace=self.grace)
        shutil.rmtree(self.data, ignore_errors=True)
        if self.folder is None:
            shutil.rmtree(self._home, ignore_errors=True)

    def _start(self) -> None:
        """Start the processes and wait until the service can be used. Raises: ServerError."""
        raise NotImplementedError

    def _run(self, command: list[str], log: str, environment: Mapping[str, str] | None = None) -> ServerProcess:
        """Start a process whose output goes to the file `log`."""
        server = ServerProcess(command, self._home / log, environment or {})
        self._servers.append(server)
        server.start()
        return server
