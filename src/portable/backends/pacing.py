"""No more requests a second than a store's host takes: each waits for its turn before it is sent.

The turns are kept by the Generic Cell Rate Algorithm (ITU-T Recommendation I.371, annex A; "virtual scheduling"): one moment
says when the next request is due, and a request may come earlier by the length of a burst. Each process has the whole budget.
"""

import time
from collections.abc import Callable
from typing import Final

from portable.backends.answers import describe
from portable.backends.traits import Rates
from portable.errors import Throttled
from portable.forks import ForkSafeLock

BURST: Final = 1.0
"""Seconds: as many requests as are due in this time may be sent at once."""


class Turns:
    """When each of many requests is due, `rate` of them a second. Holds no clock and never waits; not safe from threads."""

    def __init__(self, rate: float, burst: float = BURST) -> None:
        self._apart = 1.0 / rate
        self._burst = max(burst - self._apart, 0.0)
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Return how many seconds after `now` the next request is due."""
        return max(0.0, self._next - self._burst - now)

    def take(self, now: float) -> None:
        """Count a request, asked for at `now`, as sent when it is due."""
        self._next = max(self._next, now) + self._apart


class Pace:
    """Waits until a request is due. Safe to use from several threads."""

    def __init__(
        self,
        rates: Rates,
        *,
        url: str,
        most: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url` is the store's, for messages; `most` the longest wait, in seconds."""
        self._reads = Turns(rates.reads) if rates.reads else None
        self._writes = Turns(rates.writes) if rates.writes else None
        self.longest = most if rates != Rates() else 0.0
        """Seconds that a request may wait at most."""
        self._url, self._most, self._now, self._sleep = url, most, now, sleep
        self._lock = ForkSafeLock()

    def __call__(self, operation: str, key: str, *, reads: bool) -> float:
        """Wait for the turn of one request, and return how long that took, in seconds: it is a part of the request's time.

        Raises: Throttled, at once, where its turn is further away than the longest wait; nothing was sent then.
        """
        turns = self._reads if reads else self._writes
        if turns is None:
            return 0.0
        with self._lock.own:
            now = self._now()
            wait = turns.wait(now)
            if wait <= self._most:
                turns.take(now)
        if wait > self._most:
            raise Throttled(f"{describe(operation, key, self._url)}: the host's budget of requests is spent", wait - self._most)
        if wait:
            self._sleep(wait)
        return wait
