"""An HTTP proxy that clients are told to use: CONNECT for TLS, whole URLs for what is in clear, a password for both."""

import base64
import select
import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class ForwardProxy:
    """Listens on a free loopback port, in threads of its own, while the context is open."""

    def __init__(self, user: str, password: str) -> None:
        self._server = _Server(user, password)
        self.url = f"http://{user}:{password}@127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def lines(self) -> list[str]:
        """The request lines that it has forwarded."""
        return list(self._server.lines)

    @property
    def refused(self) -> int:
        """How many requests came without the password."""
        return self._server.refused


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, user: str, password: str) -> None:
        self.lines: list[str] = []
        self.refused = 0
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, *arguments: object) -> None:
        """Say nothing of connections that were cut."""


class _Connection(socketserver.StreamRequestHandler):
    """One tunnel, or one request in clear."""

    rbufsize = 0  # so that nothing of what follows the head is read with it
    server: _Server

    def handle(self) -> None:
        if not (line := self.rfile.readline().decode("latin1").strip()):
            return
        method, target, version = line.split()
        headers: list[bytes] = []
        while (header := self.rfile.readline()) not in (b"\r\n", b""):
            headers.append(header)
        if f"proxy-authorization: {self.server.authorization}".lower() not in (
            each.decode().strip().lower() for each in headers
        ):
            self.server.refused += 1
            self.wfile.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self.server.lines.append(line)
        place = urlsplit(f"//{target}" if method == "CONNECT" else target)
        with socket.create_connection((place.hostname or "", place.port or 80)) as upstream:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                path = target[target.index("/", target.index("://") + 3) :]
                kept = [each for each in headers if not each.lower().startswith((b"proxy-", b"connection:"))]
                upstream.sendall(f"{method} {path} {version}\r\n".encode() + b"".join(kept) + b"Connection: close\r\n\r\n")
            self._relay(upstream)

    def _relay(self, upstream: socket.socket) -> None:
        ways = {self.connection: upstream, upstream: self.connection}
        with suppress(OSError):
            while True:
                for source in select.select(list(ways), [], [])[0]:
                    if not (data := source.recv(1 << 16)):
                        return
                    ways[source].sendall(data)
