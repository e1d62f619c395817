"""Requests that are signed in advance, sent over connections that are kept and used again.

A request is sent once: nothing is repeated here. It has a deadline for its whole length, body and answer included. This is a
client of our own because of what a small request costs: through urllib3 it takes about twice the processor time.
"""

import ssl
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from msgspec import Struct
from typing_extensions import Buffer

from portable.backends.answers import describe, no_answer
from portable.backends.http1 import BrokenAnswer
from portable.backends.target import Target
from portable.backends.transport import Transport
from portable.backends.wire_connection import Connection, Route
from portable.errors import ConfigurationError, PortableError
from portable.forks import Birthplace, ForkSafeLock

CONNECTIONS: Final = 64
"""Idle connections that are kept to one host."""
REFUSAL_ROOM: Final = 64 << 10
"""Bytes that a refusal's body may have."""
READS: Final = frozenset({"GET", "HEAD"})
_BODY_SECONDS: Final = 3600.0
"""A body that goes on giving bytes may take this long; one that gives none for a quarter of the bound may not."""

_Idle = dict[str, deque[Connection]]


class Answer(Struct, frozen=True):
    """What a host answered."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: Buffer


def allowance(method: str, bound: float) -> tuple[float, float]:
    """Return how long a request may take, and how long it may go without a byte, in seconds.

    `bound` is that of a request which changes something. Only a GET may take longer, since only its answer has a body that may:
    a HEAD tells what became of a change, within the bound of that.
    """
    return _BODY_SECONDS if method == "GET" else bound, bound / 4 if method in READS else bound


class Wire:
    """Connections, kept and used again. Safe to use from several threads, and after a fork."""

    def __init__(self, transport: Transport, *, url: str) -> None:
        """`url` is the store's, for messages. Raises: ConfigurationError (a proxy that cannot be used)."""
        self._route, self._url = Route(transport, url=url), url
        self._idle: _Idle = {}
        self._birthplace, self._closed = Birthplace(), False
        self._lock = ForkSafeLock()
        weakref.finalize(self, _close_all, self._idle)

    def send(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: Buffer | None = None,
        *,
        seconds: float,
        operation: str,
        key: str,
        room: int | None = None,
        stall: float | None = None,
    ) -> Answer:
        """Send one request to `target`, and read its whole answer within `seconds`.

        Host, Content-Length and Accept-Encoding are added. `body` is read until the call returns, and not after. `room`
        bounds the answer's body, in bytes; `stall` is how many seconds may pass without a byte, and until the answer's head is
        there (by default `seconds`). Raises: Unavailable (no answer, a cut or longer one, or none in time), Denied (the proxy
        refuses its credentials), ConfigurationError (a header that cannot be sent, a certificate that is not trusted).
        """
        deadline = time.monotonic() + seconds
        origin = target.origin
        view = None if body is None else memoryview(body).cast("B")
        connection: Connection | None = None
        keeps = False
        try:
            head = self._route.head(method, target, headers, None if view is None else view.nbytes)
            connection = self._fresh(origin) or self._route.connect(origin, seconds)
            connection.bound(deadline, stall or seconds)
            sent_whole = True
            try:
                connection.send(head, view)
            except (BrokenPipeError, ConnectionResetError):
                sent_whole = False  # a host may refuse a request before it has read all of it: its answer may be there
            status, received, data, keeps = connection.receive(method, room)
            keeps = keeps and sent_whole
        except PortableError:
            raise  # some are OSError or ValueError too
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError(
                f"{describe(operation, key, self._url)}: the host's certificate is not trusted ({error.verify_message}): "
                "name a file with its authority (CA_BUNDLE, after the prefix of the store's credentials)"
            ) from None
        except (OSError, BrokenAnswer) as error:
            raise no_answer(_reason(error), operation=operation, key=key, url=self._url) from None
        except ValueError as error:
            raise ConfigurationError(f"{describe(operation, key, self._url)}: {error}") from None
        finally:
            # Also where the handler of a signal raised: an answer that was not read must not meet another request.
            if connection is not None and not (keeps and self._kept(origin, connection)):
                connection.close()
        return Answer(status, received, data)

    def close(self) -> None:
        """Close idle connections now, and those in use when their request ends."""
        with self._lock.own:
            self._closed = True
            _close_all(self._idle)

    def _fresh(self, origin: str) -> Connection | None:
        """Take the connection that was used last, if one is still good."""
        if self._birthplace.left:
            self._leave()
        idle = self._idle.get(origin)
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.is_fresh():
                return connection
            connection.close()
        return None

    def _leave(self) -> None:
        """Close this process's copies of connections with which the parent goes on; no thread goes past before they are."""
        with self._lock.own:
            if self._birthplace.left:
                _close_all(self._idle)
                self._birthplace = Birthplace()

    def _kept(self, origin: str, connection: Connection) -> bool:
        with self._lock.own:
            idle = self._idle.get(origin)
            if idle is None:
                idle = self._idle[origin] = deque()
            if self._closed or len(idle) >= CONNECTIONS:
                return False
            idle.append(connection)
            return True


def _reason(error: Exception) -> str:
    if isinstance(error, BrokenAnswer):
        return str(error)
    if isinstance(error, TimeoutError):
        return "it timed out"
    return f"no connection, or it was cut ({type(error).__name__})"


def _close_all(idle: _Idle) -> None:
    while idle:
        _, connections = idle.popitem()
        with suppress(IndexError):  # of the end, or because another thread took the last
            while True:
                connections.pop().close()
