"""One connection to a host, made directly or through a proxy, and one request at a time over it."""

import select
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from portable.backends.http1 import Answers, BrokenAnswer, request_head
from portable.backends.resolving import connected
from portable.backends.target import Target
from portable.backends.transport import Transport
from portable.errors import ConfigurationError, Denied
from portable.forks import ForkSafeLock

_CONNECT_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 30.0
"""How long a connection is kept without use, where the host does not ask for less (`Keep-Alive: timeout=`)."""
_SMALL: Final = 64 << 10
"""Bytes: up to this length a body goes out in one piece with its head."""
_SLICE: Final = 1 << 20
_PORTS: Final = {"http": 80, "https": 443}
_EARLY: Final = 0.02
"""What part of a wait may be cut off: each change of a socket's timeout is a system call, and most need none."""


class Connection:
    """A connected socket. Each operation on it is bounded by the deadline of the request under way."""

    def __init__(self, over: socket.socket, seconds: float) -> None:
        self._socket = over
        self._tls = over if isinstance(over, ssl.SSLSocket) else None
        self._answers = Answers(self._receive)
        self._unasked = select.poll()
        self._unasked.register(over, select.POLLIN)
        self._idle_until = self._timeout = 0.0
        self.bound(time.monotonic() + seconds, seconds)

    def bound(self, deadline: float, stall: float) -> None:
        """Give the next request until `deadline`, on the monotonic clock, and `stall` seconds at a time without a byte.

        The head of its answer comes as a whole within the latter: a byte now and then would end no stall.
        """
        self._deadline, self._stall = deadline, stall

    def send(self, head: bytes, body: memoryview | None) -> None:
        """Send a request. Raises: OSError (TimeoutError where time is up)."""
        self._allow()
        if body is None or body.nbytes <= _SMALL:
            self._socket.sendall(head if body is None else b"".join((head, body)))
            return
        self._socket.sendall(head)
        for start in range(0, body.nbytes, _SLICE):
            self._allow()
            self._socket.sendall(body[start : start + _SLICE])

    def receive(self, method: str, room: int | None) -> tuple[int, dict[str, str], bytes | bytearray, bool]:
        """Read an answer: its status, headers and body, and whether the connection may serve another request.

        Raises: OSError, BrokenAnswer.
        """
        deadline, self._deadline = self._deadline, min(self._deadline, time.monotonic() + self._stall)
        status, headers, keeps = self._answers.head()
        self._deadline = deadline
        body = self._answers.body(method, status, headers, room=room)
        told = headers.get("keep-alive")
        self._idle_until = time.monotonic() + (_IDLE_SECONDS if told is None else _idle_seconds(told))
        return (status, headers, self._answers.rest(room=room), False) if body is None else (status, headers, body, keeps)

    def is_fresh(self) -> bool:
        """Tell whether the host still holds its end open, as far as can be seen, and has sent nothing unasked."""
        if time.monotonic() >= self._idle_until or not self._answers.is_drained():
            return False
        # What TLS has decrypted and nobody has read does not show at the socket any more.
        return not self._unasked.poll(0) and (self._tls is None or not self._tls.pending())

    def secure(self, context: ssl.SSLContext, host: str) -> "Connection":
        """Return the connection with TLS on it; this one is then used up."""
        self._allow()
        left = self._deadline - time.monotonic()
        return Connection(context.wrap_socket(self._socket, server_hostname=host), left)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _receive(self, view: memoryview) -> int:
        self._allow()
        return self._socket.recv_into(view)

    def _allow(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        most = min(left, self._stall)
        if not most * (1 - _EARLY) <= self._timeout <= most:
            self._timeout = most * (1 - _EARLY / 2)
            self._socket.settimeout(self._timeout)


class Route:
    """How connections are made, and what a request's head must say because of it."""

    def __init__(self, transport: Transport, *, url: str) -> None:
        """Take the way that `transport` tells. Raises: ConfigurationError (a proxy that cannot be used in the store `url`)."""
        self._transport, self._url = transport, url
        self._proxy = urlsplit(transport.proxy) if transport.proxy else None
        if self._proxy is not None and (self._proxy.scheme != "http" or not self._proxy.hostname):
            raise ConfigurationError(f"{url}: only a proxy that is itself reached by http: can be used (http://proxy:port)")
        self._lock = ForkSafeLock()
        self._tls: ssl.SSLContext | None = None

    def connect(self, origin: str, seconds: float) -> Connection:
        """Connect to `origin` (scheme://host:port), within a quarter of `seconds` or 5 s.

        Raises: OSError, BrokenAnswer, Denied (the proxy refuses its credentials), ConfigurationError (the authorities).
        """
        seconds = min(_CONNECT_SECONDS, seconds / 4)
        place = urlsplit(origin)
        towards = self._proxy or place
        port = _PORTS[towards.scheme] if towards.port is None else towards.port
        context = self._context() if place.scheme == "https" else None
        made = connected(towards.hostname or "", port, seconds)
        connection = Connection(made, seconds)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                if self._proxy is not None:
                    self._tunnel(connection, f"{place.netloc}:{_PORTS['https']}" if place.port is None else place.netloc)
                connection = connection.secure(context, place.hostname or "")
        except BaseException:
            connection.close()
            raise
        return connection

    def head(self, method: str, target: Target, headers: Mapping[str, str], length: int | None) -> bytes:
        """Return a request's head. Raises: ValueError (something in it cannot be sent)."""
        asked = f"{target.path or '/'}?{target.query}" if target.query else target.path or "/"
        if self._proxy is not None and target.origin.startswith("http:"):
            asked, headers = target.origin + asked, {**headers, **self._credentials()}
        return request_head(method, asked, target.host, headers, length)

    def _tunnel(self, connection: Connection, authority: str) -> None:
        """Ask the proxy for a tunnel (RFC 9110, section 9.3.6)."""
        connection.send(request_head("CONNECT", authority, authority, self._credentials(), None), None)
        status, *_ = connection.receive("CONNECT", _SMALL)
        if status == 407:
            raise Denied(f"{self._url}: the proxy wants other credentials than its URL has (HTTP 407)")
        if not 200 <= status < 300:
            raise BrokenAnswer(f"the proxy refused to connect (HTTP {status})")

    def _credentials(self) -> dict[str, str]:
        if self._proxy is None or self._proxy.username is None:
            return {}
        pair = f"{unquote(self._proxy.username)}:{unquote(self._proxy.password or '')}"
        return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def _context(self) -> ssl.SSLContext:
        with self._lock.own:
            if self._tls is None:
                try:
                    made = ssl.create_default_context(cafile=self._transport.ca_bundle)
                except OSError as error:  # ssl.SSLError is one
                    named = f"{self._transport.named_by} names a file whose certificates cannot be read"
                    raise ConfigurationError(f"{named}: {self._transport.ca_bundle} ({error.strerror})") from None
                made.set_alpn_protocols(["http/1.1"])
                self._tls = made
            return self._tls


@lru_cache(8)
def _idle_seconds(keep_alive: str) -> float:
    """Return how long a connection is kept: a second less than the host says that it does."""
    digits = keep_alive.partition("timeout=")[2].partition(",")[0].strip()
    return min(float(digits) - 1, _IDLE_SECONDS) if digits.isascii() and digits.isdigit() else _IDLE_SECONDS
