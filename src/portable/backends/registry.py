"""The table of schemes: what opens which store, and which stores lose answers, so that calls to them are repeated.

The code of a host is imported when the first store of its scheme is opened: a program that reads from one host loads neither
the libraries of the others, nor those of any before it opens a store.
"""

from collections.abc import Callable
from typing import Final

from portable.backends.location import Location
from portable.backends.protocol import Backend
from portable.errors import ConfigurationError


def _azure(location: Location, bound: float) -> Backend:
    from portable.backends.azure import open_azure

    return open_azure(location, bound)


def _local(location: Location, bound: float) -> Backend:
    from portable.backends.local import open_local

    return open_local(location, bound)


def _fsspec(location: Location, bound: float) -> Backend:
    from portable.backends.fsspec_opening import open_fsspec

    return open_fsspec(location, bound)


def _memory(location: Location, bound: float) -> Backend:
    from portable.backends.memory import open_memory

    return open_memory(location, bound)


def _s3(location: Location, bound: float) -> Backend:
    from portable.backends.s3 import open_s3

    return open_s3(location, bound)


OPENERS: Final[dict[str, Callable[[Location, float], Backend]]] = {
    "az": _azure,
    "file": _local,
    "fsspec": _fsspec,
    "memory": _memory,
    "s3": _s3,
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
    from portable.backends.retrying import ATTEMPTS, RetryingBackend

    return RetryingBackend(opener(location, bound / ATTEMPTS), url=location.url, bound=bound)
