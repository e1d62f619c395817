"""An HTTP proxy in front of a server, which fails and lies by rule.

    with FaultProxy(server.endpoint) as proxy:
        proxy.rules = [Rule(LoseResponse(), method="PUT", target=r"/key$", times=1)]
        backend = open_backend(Location("s3://lake", endpoint=proxy.endpoint, ...))

Of all rules whose method and target fit a request, the first that is not used up applies. The Host header passes unchanged, so
signatures stay good. `log` tells what clients sent, with the digest of each body as it came.
"""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.servers.faults import Exchange, Rule
from tests.servers.framing import Head
from tests.servers.relay import Relay

RECEIVE_BUFFER = 64 << 10
"""Bytes that a client can send ahead of what a slow upload has read (the kernel doubles it)."""


class FaultProxy:
    """Listens on a free loopback port, in a thread of its own, while the context is open."""

    def __init__(self, upstream: str, *, tls: ssl.SSLContext | None = None) -> None:
        """`upstream` is a server's http:// endpoint. With `tls`, clients speak HTTPS to the proxy."""
        self._parts, self._tls = urlsplit(upstream), tls
        self.rules: list[Rule] = []
        self.log: list[Exchange] = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fault proxy", daemon=True)
        self._is_listening = threading.Event()
        self._end: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_listening.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        """The upstream's endpoint with the proxy's address in it."""
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        return self._parts._replace(scheme="https" if self._tls else "http", netloc=address).geturl()

    def seen(self, method: str = ".*", target: str = "") -> list[Exchange]:
        """Return the exchanges whose method and target fit, in order, when none is in progress any more."""
        self.wait_idle()
        return [each for each in self.log if re.fullmatch(method, each.method) and re.search(target, each.target)]

    def wait_idle(self, *, seconds: float = 10.0) -> None:
        """Wait until every exchange has ended. Raises: TimeoutError."""
        deadline = time.monotonic() + seconds
        while not all(each.ended for each in list(self.log)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"an exchange did not end within {seconds} s")
            time.sleep(0.01)

    async def _serve(self) -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        self._end = lambda: loop.call_soon_threadsafe(stopping.set)

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.CancelledError):  # the proxy is closed
                await Relay(reader, writer, (self._parts.hostname or "", self._parts.port or 80), self._begin).run()

        server = await asyncio.start_server(connect, sock=self._listener, backlog=256, ssl=self._tls)
        self._is_listening.set()
        await stopping.wait()
        loop.remove_reader(self._listener)
        await asyncio.sleep(0)  # what was accepted begins: asyncio would drop its socket, unclosed, where the server is closed
        server.close()
        await _end_connections()

    def _begin(self, head: Head) -> Exchange:
        method, target, _ = head.line.split(" ", 2)
        rule = next((rule for rule in list(self.rules) if rule.applies(method, target)), None)
        exchange = Exchange(method, target, head.headers, rule.fault if rule else None, time.monotonic())
        self.log.append(exchange)
        if rule:
            rule.meanwhile()
        return exchange


async def _end_connections() -> None:
    """Cancel every other task of the loop: those that accept a connection, and those that serve one.

    Each has begun by then: one that is cancelled before its first step leaves its connection open.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.sleep(0)
        for task in others:
            task.cancel()
        await asyncio.wait(others)
    await asyncio.sleep(0)  # for the sockets of what was aborted last
