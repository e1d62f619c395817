"""The table of schemes: what opens which store, and which stores lose answers, so that calls to them are repeated."""

from collections.abc import Callable
from typing import Final

from portable.backends.azure import open_azure
from portable.backends.fsspec_opening import open_fsspec
from portable.backends.local import open_local
from portable.backends.location import Location
from portable.backends.memory import open_memory
from portable.backends.protocol import Backend
from portable.backends.retrying import ATTEMPTS, RetryingBackend
from portable.backends.s3 import open_s3
from portable.errors import ConfigurationError

OPENERS: Final[dict[str, Callable[[Location, float], Backend]]] = {
    "az": open_azure,
    "file": open_local,
    "fsspec": open_fsspec,
    "memory": open_memory,
    "s3": open_s3,
}
_LOSES_NOTHING: Final = {"file", "memory"}
"""Stores of this machine: an error of theirs is final, and what was not answered was not done."""


def open_backend(location: Location, *, bound: float = 60.0) -> Backend:
    """Open the store at `location`; nothing is sent to its host yet.

    `bound` is in seconds: no single mutation takes longer, repetitions included. Raises: ConfigurationError.
    """
    if bound <= 0:
        raise ConfigurationError(f"a bound of {bound} s leaves no time for any request")
    try:
        opener = OPENERS[location.scheme]
    except KeyError:
        raise ConfigurationError(
            f"{location.url}: no backend for {location.scheme}:, only {', '.join(sorted(OPENERS))}"
        ) from None
    if location.scheme in _LOSES_NOTHING:
        return opener(location, bound)
    return RetryingBackend(opener(location, bound / ATTEMPTS), url=location.url, bound=bound)
