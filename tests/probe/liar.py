"""A server that passes requests on to another, but for those that a lie answers or alters."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from tests.servers import Moto


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answered:
    """An answer as it goes back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Forward = Callable[[Asked], Answered]
Lie = Callable[[Asked, Forward], Answered]


def honest(asked: Asked, forward: Forward) -> Answered:
    return forward(asked)


class Liar:
    """Listens on a free loopback port. `lie` is told of the requests that have `where` in their target."""

    def __init__(self, server: Moto) -> None:
        self.server, self.lie, self.where = server, honest, ""
        liar = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                answered = liar.answer(asked)
                self.send_response_only(answered.status)
                for name, value in {**answered.headers, "Content-Length": str(len(answered.body))}.items():
                    if self.command != "HEAD" or name != "Content-Length":
                        self.send_header(name, value)
                if self.command == "HEAD":
                    self.send_header("Content-Length", answered.headers.get("content-length", "0"))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answered.body)

        self._listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listening.daemon_threads = True
        self._thread = threading.Thread(target=self._listening.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join()

    def env(self, prefix: str = "") -> dict[str, str]:
        endpoint = f"http://127.0.0.1:{self._listening.server_address[1]}"
        return self.server.env(prefix) | {f"{prefix}AWS_ENDPOINT_URL": endpoint}

    def answer(self, asked: Asked) -> Answered:
        return self.lie(asked, self._forward) if self.where in unquote(asked.target) else self._forward(asked)

    def _forward(self, asked: Asked) -> Answered:
        parts = urlsplit(self.server.endpoint)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        try:
            kept = {name: value for name, value in asked.headers.items() if name not in ("content-length", "connection")}
            connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in kept.items():
                connection.putheader(name, value)
            if asked.body or asked.method in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(asked.body)))
            connection.endheaders(asked.body or None)
            answer = connection.getresponse()
            dropped = ("connection", "transfer-encoding") + (() if asked.method == "HEAD" else ("content-length",))
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in dropped}
            return Answered(answer.status, headers, answer.read())
        finally:
            connection.close()


def altered(alter: Callable[[str], str]) -> Lie:
    """A server that takes one target for another."""
    return lambda asked, forward: forward(replace(asked, target=alter(asked.target)))


def refused(status: int, applies: Callable[[Asked], bool]) -> Lie:
    """A server that refuses some requests."""
    return lambda asked, forward: Answered(status) if applies(asked) else forward(asked)


def told_again(method: str, applies: Callable[[Asked], bool] = lambda _: True) -> Lie:
    """A server that answers as it did the first time, for ever."""
    first: dict[str, Answered] = {}

    def lie(asked: Asked, forward: Forward) -> Answered:
        if asked.method != method or not applies(asked):
            return forward(asked)
        return first.setdefault(asked.target, forward(asked))

    return lie


def done_once(method: str, applies: Callable[[Asked], bool] = lambda _: True) -> Lie:
    """A server that says of the first such request that it is done, and does nothing."""
    met: list[Asked] = []

    def lie(asked: Asked, forward: Forward) -> Answered:
        if met or asked.method != method or not applies(asked):
            return forward(asked)
        met.append(asked)
        return Answered(204)

    return lie
