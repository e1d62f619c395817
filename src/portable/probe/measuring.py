"""Latency and throughput: numbers of this moment and this network."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from portable.backends.raw import Reply
from portable.probe.access import clock_offset
from portable.probe.answering import Scratch, Unlearnt

_SMALL: Final = 1 << 10
_LARGE: Final = 8 << 20
_REQUESTS: Final = 20
"""Requests of one connection."""
_SECONDS: Final = 4.0
"""After this time no request of a measurement begins."""


def latencies(scratch: Scratch) -> dict[str, float]:
    """Measure the clock and small requests, one at a time. Raises: Unavailable."""
    data = os.urandom(_SMALL)
    puts, gets = [], []
    for number in range(7):
        key = scratch.key(f"latency-{number}")
        puts.append(_timed(partial(scratch.raw.put, key, data)))
        gets.append(_timed(partial(scratch.raw.send, "GET", key)))
    found = {"get-latency": statistics.median(gets) * 1e3, "put-latency": statistics.median(puts) * 1e3}
    if (offset := clock_offset(scratch)) is not None:
        found["clock-offset"] = offset
    return {name: round(value, 2) for name, value in found.items()}


def throughput(scratch: Scratch) -> dict[str, float]:
    """Measure writes and reads, small and large, on one connection and on several. Raises: Unavailable."""
    found: dict[str, float] = {}
    for size, name, counts, each in ((_SMALL, "small", (1, 4, 16), _REQUESTS), (_LARGE, "large", (1, 4), 2)):
        data = os.urandom(size)
        unit = size / 1e6 if name == "large" else 1.0
        for connections in counts:
            keys = [scratch.key(f"{name}-{number}") for number in range(connections)]
            put = _rate([partial(scratch.raw.put, key, data) for key in keys], each)
            get = _rate([partial(scratch.raw.send, "GET", key) for key in keys], each)
            found |= {f"put-{name}-{connections}": put * unit, f"get-{name}-{connections}": get * unit}
    return {name: round(value, 1) for name, value in found.items()}


def _timed(send: Callable[[], Reply]) -> float:
    start = time.perf_counter()
    reply = send()
    if not reply.ok:
        raise Unlearnt(f"a request that was measured answered {reply}")
    return time.perf_counter() - start


def _rate(sends: Sequence[Callable[[], Reply]], each: int) -> float:
    """Return requests a second, each of `sends` repeated on a connection of its own."""
    until = time.perf_counter() + _SECONDS

    def work(send: Callable[[], Reply]) -> int:
        done = 0
        for _ in range(each):
            _timed(send)
            done += 1
            if time.perf_counter() > until:
                break
        return done

    start = time.perf_counter()
    with ThreadPoolExecutor(len(sends)) as pool:
        done = sum(pool.map(work, sends))
    return done / (time.perf_counter() - start)
