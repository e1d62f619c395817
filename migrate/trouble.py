"""What goes wrong with one object: on which side, whether to try again, and whether it may concern every object."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt, wait_random_exponential

from migrate.journal import Side
from portable.errors import (
    Denied,
    KeysError,
    NotFound,
    PortableError,
    RetryableError,
    Unavailable,
    Unsupported,
)

ATTEMPTS: Final = 4
"""Times that one object is begun anew, after an outage or because it changed while it was read."""
LONGEST_WAIT: Final = 5.0
"""Seconds between two attempts, at most. What a host needs longer for, the next run repeats."""

CONCERNS_MORE: Final = (Denied, KeysError, NotFound, Unavailable, Unsupported)
"""What may befall every object when it befalls one: a wrong credential, a missing bucket, an outage."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What one side answered for one object, and may answer for every other."""

    side: Side
    error: PortableError


class Abandoned(Exception):
    """Raised inside a worker to leave an item that the run no longer wants."""


class Blamed(Exception):
    """An error, and the side that it came from."""

    def __init__(self, side: Side, error: PortableError) -> None:
        super().__init__(side, error)
        self.side: Side = side
        self.error = error

    def __str__(self) -> str:
        return f"at the {self.side}: {self.error}"

    @property
    def trouble(self) -> Trouble | None:
        """The error as trouble, where it may concern more than one object."""
        return Trouble(self.side, self.error) if isinstance(self.error, CONCERNS_MORE) else None


@contextlib.contextmanager
def blame(side: Side) -> Iterator[None]:
    """Raise what the block raises as `Blamed`; what is blamed already keeps its side."""
    try:
        yield
    except PortableError as error:
        raise Blamed(side, error) from error


def repeating(abandon: threading.Event) -> Retrying:
    """Return what calls a function again after an outage or a change, with full jitter; safe for several threads.

    Waits end when `abandon` is set. The last error is raised as it is.
    """
    return Retrying(
        retry=retry_if_exception(_worth_repeating),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT),
        sleep=sleep_using_event(abandon),
        reraise=True,
    )


def _worth_repeating(error: BaseException) -> bool:
    return isinstance(error, Blamed) and isinstance(error.error, RetryableError)
