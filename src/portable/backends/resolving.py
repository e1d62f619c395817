"""Connections by name, within a time: the system's resolver has a bound of its own, which may be half a minute."""

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


def connected(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to the first address of `host` that takes the connection; none of them has more than its share of the time left.

    Raises: OSError (no address, or what the last one answered; TimeoutError where time is up), UnicodeError (no name).
    """
    deadline = time.monotonic() + seconds
    failure = OSError(f"{host} has no address")
    addresses = [host] if _is_address(host) else _addresses(host, port, seconds)
    for waiting, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return socket.create_connection((address, port), timeout=left / waiting)
        except OSError as error:
            failure = error
    raise failure


def _addresses(host: str, port: int, seconds: float) -> Sequence[str]:
    """Resolve a name in a thread of its own, which is left to itself when time is up: nothing else can end the wait."""
    asked: Future[Sequence[str]] = Future()

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            asked.set_exception(error)
        else:
            asked.set_result([str(address[0]) for *_, address in found])

    try:
        threading.Thread(target=resolve, name=f"resolve {host}", daemon=True).start()
    except RuntimeError as error:
        raise OSError(f"{host} cannot be resolved: {error}") from error
    return asked.result(seconds)


def _is_address(host: str) -> bool:
    for family in _FAMILIES:
        try:
            socket.inet_pton(family, host)
        except (OSError, UnicodeError):
            continue
        return True
    return False
