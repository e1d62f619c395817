"""The loop that repeats a call: full jitter, a bound of time, a budget for the whole store, and an end when it is closed."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct
from tenacity import RetryCallState, Retrying, wait_random_exponential
from tenacity.nap import sleep_using_event
from tenacity.wait import wait_base

from portable.backends.retry_rules import Rule
from portable.errors import Cancelled, Corrupt, Throttled, Unavailable
from portable.forks import ForkSafeLock

T = TypeVar("T")

PAUSE: Final = 0.2
"""Seconds: the longest first pause; doubled with each repetition."""
_LONGEST_PAUSE: Final = 5.0
BUDGET: Final = 100.0
"""Repetitions that a store may take before any call succeeds."""
_EARNED: Final = 0.5
"""What a success gives back: where every third call fails, the budget holds; where more do, calls begin to fail at once."""


class Budget:
    """The repetitions that are left to a store's callers together: many threads do not hammer a host that fails.

    Each takes a token, each success earns a part of one (AWS SDKs and Tools Reference Guide, "Retry behavior"; gRPC
    proposal A6, "Throttling Retry Attempts").
    """

    def __init__(self, tokens: float = BUDGET) -> None:
        self._most = self._tokens = tokens
        self._lock = ForkSafeLock()

    @property
    def tokens(self) -> float:
        """How many repetitions are left."""
        return self._tokens

    def earn(self) -> None:
        """Note a success."""
        if self._tokens < self._most:
            with self._lock.own:
                self._tokens = min(self._tokens + _EARNED, self._most)

    def take(self) -> bool:
        """Take a token for a repetition; False where there is none."""
        with self._lock.own:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class _NotBefore(wait_base):
    """Full jitter (Brooker, "Exponential Backoff And Jitter"), counted from when the host wants to be asked again."""

    def __init__(self, jitter: wait_base) -> None:
        self._jitter = jitter

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        least = error.retry_after if isinstance(error, Throttled) else None
        return (least or 0.0) + self._jitter(retry_state)


class Past(Struct):
    """What is known when an attempt begins."""

    deadline: float
    """When the call must have ended, by `time.monotonic`."""
    lost: bool = False
    """An earlier attempt may have taken effect."""
    damaged: bool = False
    """It may have done so with bytes that were altered."""

    def has_time(self, seconds: float) -> bool:
        """Tell whether something that may take `seconds` would end in time."""
        return time.monotonic() + seconds <= self.deadline


class Repetition:
    """Repeats the calls to one store. Safe to use from several threads."""

    def __init__(self, *, attempt: float, bound: float, pause: float = PAUSE, budget: Budget, url: str) -> None:
        """`attempt` bounds a single attempt and `bound` all of a call's, in seconds: none begins that might end later."""
        self._attempt, self._bound, self._url, self._budget = attempt, bound, url, budget
        self._closed = threading.Event()
        self._sleep = sleep_using_event(self._closed)
        self._wait = _NotBefore(wait_random_exponential(multiplier=pause, max=min(_LONGEST_PAUSE, bound / 4)))

    def __call__(self, rule: Rule, call: Callable[[Past], T], *, attempt: float = 0.0) -> T:
        """Return what `call` returns, at the first attempt or a later one.

        `attempt` bounds each attempt in seconds, where it may take longer than those of other calls; all of them then may.

        Raises: the last attempt's error, at once where no repetition is left, or where the host wants to be left alone for
        longer than there is time; Cancelled where `close` ended the wait.
        """
        attempt = max(attempt, self._attempt)
        past = Past(time.monotonic() + self._bound * (attempt / self._attempt))
        ended: list[Exception] = []
        try:
            result = call(past)
        except rule.after as error:
            ended.append(error)
        if ended:
            # Almost every call succeeds at once, and need not pay for the loop.
            result = self._repeated(rule, call, past, ended, attempt)
        self._budget.earn()
        return result

    def close(self) -> None:
        """End the waits of every thread."""
        self._closed.set()

    def _repeated(self, rule: Rule, call: Callable[[Past], T], past: Past, ended: list[Exception], seconds: float) -> T:
        def attempt() -> T:
            try:
                if ended:
                    raise ended.pop()
                return call(past)
            except (Unavailable, Corrupt) as error:
                past.lost, past.damaged = True, past.damaged or isinstance(error, Corrupt)
                raise

        def repeats(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return error is not None and rule.repeats(error, state.attempt_number)

        def stops(state: RetryCallState) -> bool:
            # In this order: a repetition that time does not allow takes no token.
            return not past.has_time(state.upcoming_sleep + seconds) or not self._budget.take()

        loop = Retrying(sleep=self._sleep, stop=stops, wait=self._wait, retry=repeats, before=self._check_open, reraise=True)
        return loop(attempt)

    def _check_open(self, state: RetryCallState) -> None:
        if state.attempt_number > 1 and self._closed.is_set():
            raise Cancelled(f"{self._url} was closed while a call waited to be repeated")
