"""The machine that a run was made on, and how busy others kept it."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from bench.measure import processor_time

IDLE = 0.05
"""Above this share of its processors used by others, a machine is called busy."""


def description() -> str:
    """Return one line: processor, memory, system, and the versions that matter."""
    return (
        f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} processors, "
        f"{round(int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20)} GiB; Linux {platform.release()}; "
        f"Python {platform.python_version()}, cryptography {version('cryptography')} ({backend.openssl_version_text()}), "
        f"aws-encryption-sdk {version('aws-encryption-sdk')}"
    )


@contextmanager
def others() -> Iterator[list[float]]:
    """Give a list that holds, at the end, the share of the machine's processor time that others used or the host stole.

    Others are not this process, nor its children, where they end inside.
    """
    share: list[float] = []
    busy, own, wall = _busy(), processor_time(), time.perf_counter()
    yield share
    available = (time.perf_counter() - wall) * (os.cpu_count() or 1)
    share.append(max(0.0, (_busy() - busy - (processor_time() - own)) / available))


def _busy() -> float:
    """Seconds that the processors were not idle since the machine started (proc(5), /proc/stat)."""
    user, nice, system, _idle, _wait, interrupts, soft, steal = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return "unknown"
