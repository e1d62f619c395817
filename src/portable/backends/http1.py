"""HTTP/1.1 messages as a client needs them (RFC 9112): bytes of a request's head, and answers read from a stream of bytes.

No sockets here: an answer is read from any function that fills a buffer. It is strict where leniency would let one answer
be taken for another, or a part for the whole: two lengths or two ETags, a length beside an encoding, folded lines, unknown
encodings, and an object whose end is not told are refused.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

Receive = Callable[[memoryview], int]
"""Fills a part of the buffer and returns how many bytes it put there: 0 at the end of the stream."""

_HEAD_ROOM: Final = 64 << 10
"""Bytes that an answer's head may have."""
_STEP: Final = 64 << 20
"""Bytes that are set aside for a body before any of it came: a host's word for its length is not trusted beyond this."""
_BODILESS: Final = {204, 304}
_SINGLE: Final = frozenset({"content-length", "content-range", "etag", "last-modified"})
"""What describes an object is no list: two values leave open which one holds (RFC 9110, sections 5.3 and 8.6)."""


class BrokenAnswer(Exception):
    """What came is no whole HTTP/1.1 answer; the message says why."""


def fields(lines: list[str]) -> dict[str, str]:
    """Read the lines of a head: values by names in lower case, those of repeated fields joined by commas (RFC 9110, 5.3).

    Raises: BrokenAnswer, also where a field that has one value comes with two.
    """
    values: dict[str, str] = {}
    for line in lines:
        spelled, colon, value = line.partition(":")
        if not colon or not spelled or " " in spelled or "\t" in spelled:
            raise BrokenAnswer("a header line is malformed")
        name, value = spelled.lower(), value.strip(" \t")
        values[name] = _joined(name, values[name], value) if name in values else value
    return values


def request_head(method: str, path: str, host: str, headers: Mapping[str, str], length: int | None) -> bytes:
    """Return a request's head. `length` is the body's, None for none.

    Raises: ValueError where a value would end its line, or is not ASCII.
    """
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head or " " in path:
        raise ValueError("a part of the request holds a line break, a space or a NUL")
    return f"{head}\r\n\r\n".encode("ascii")


class Answers:
    """The answers that come over one connection, in turn."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._store = bytearray(_HEAD_ROOM)
        self._view = memoryview(self._store)
        self._start = self._end = 0

    def head(self) -> tuple[int, dict[str, str], bool]:
        """Read a head: the status, the headers (see `fields`), and whether another request may follow on the connection.

        Interim answers (1xx) are passed over. Raises: BrokenAnswer, and what `receive` raises.
        """
        while True:
            status_line, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            version, _, rest = status_line.partition(" ")
            code = rest.partition(" ")[0]
            if version not in ("HTTP/1.1", "HTTP/1.0") or not (code.isascii() and code.isdigit() and len(code) == 3):
                raise BrokenAnswer("it does not begin as an HTTP/1.1 answer")
            status, headers = int(code), fields(lines)
            if status >= 200:
                options = _options(headers.get("connection", ""))
                return status, headers, "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)

    def body(
        self, method: str, status: int, headers: Mapping[str, str], *, room: int | None = None
    ) -> bytes | bytearray | None:
        """Read the body that belongs to a head, `room` bytes at most; None where it may go on until the connection ends.

        What a GET asked for must tell its end: a cut would pass for one. Content-Length is checked also where no body follows.
        Raises: BrokenAnswer, and what `receive` raises.
        """
        encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if length is not None and not (length.isascii() and length.isdigit() and len(length) < 20):
            raise BrokenAnswer("the length of its body is not told clearly")
        if method == "HEAD" or status in _BODILESS or (method == "CONNECT" and status < 300):
            return b""
        if encoding is not None:
            if encoding.lower() != "chunked" or length is not None:
                raise BrokenAnswer("the length of its body is not told clearly")
            return self._chunked(room)
        if length is None:
            if method == "GET" and status < 300:
                raise BrokenAnswer("the length of its body is not told")
            return None
        size = int(length)
        if not size:
            return b""
        if size <= self._end - self._start and (room is None or size <= room):
            return self._take(size)
        return self._exactly(size, room)

    def rest(self, *, room: int | None = None) -> bytes | bytearray:
        """Read until the connection ends, for an answer that has no other end."""
        whole = bytearray(self._take(self._end - self._start))
        piece = memoryview(bytearray(_HEAD_ROOM))
        count = 0
        while True:
            whole += piece[:count]
            _check_room(len(whole), room)
            if not (count := self._receive(piece)):
                return whole

    def is_drained(self) -> bool:
        """Tell whether nothing is left over that came without being asked for."""
        return self._start == self._end

    def _chunked(self, room: int | None) -> bytes | bytearray:
        whole = bytearray()
        while True:
            size = self._until(b"\r\n").split(b";", 1)[0].strip()
            if not size or len(size) > 15 or size.strip(b"0123456789abcdefABCDEF"):
                raise BrokenAnswer("a chunk of its body has no length")
            length = int(size, 16)
            if not length:
                break
            _check_room(len(whole) + length, room)
            whole += memoryview(self._exactly(length, None))
            if self._until(b"\r\n"):
                raise BrokenAnswer("a chunk of its body is longer than it says")
        while self._until(b"\r\n"):
            pass  # trailers
        return whole

    def _exactly(self, length: int, room: int | None) -> bytes | bytearray:
        _check_room(length, room)
        ready = min(self._end - self._start, length)
        if ready == length:
            return self._take(length)
        whole = bytearray(min(length, _STEP))
        whole[:ready] = self._take(ready)
        while ready < length:
            if ready == len(whole):
                whole.extend(bytes(min(length - ready, ready)))
            with memoryview(whole) as view:
                while ready < len(view):
                    ready += self._some(view[ready:])
        return whole

    def _until(self, mark: bytes) -> bytes:
        """Take what comes before `mark`, and the mark."""
        if self._start == self._end:
            self._start, self._end = 0, self._some(self._view)
        searched = self._start
        while (found := self._store.find(mark, searched, self._end)) < 0:
            searched = max(self._start, self._end - len(mark) + 1)
            if self._end == len(self._store):
                if not self._start:
                    raise BrokenAnswer("its head is too long")
                left = self._end - self._start
                self._store[:left] = self._store[self._start : self._end]
                searched, self._start, self._end = searched - self._start, 0, left
            self._end += self._some(self._view[self._end :])
        taken = bytes(self._view[self._start : found])
        self._start = found + len(mark)
        return taken

    def _take(self, length: int) -> bytes:
        taken = bytes(self._view[self._start : self._start + length])
        self._start += length
        if self._start == self._end:
            self._start = self._end = 0
        return taken

    def _some(self, view: memoryview) -> int:
        count = self._receive(view)
        if not count:
            raise BrokenAnswer("the connection was cut")
        return count


def _joined(name: str, first: str, second: str) -> str:
    if name not in _SINGLE:
        return f"{first}, {second}"
    if first != second:
        raise BrokenAnswer(f"it has two values of {name}")
    return first


@lru_cache(8)
def _options(connection: str) -> frozenset[str]:
    """Return what a field Connection lists, in lower case (RFC 9110, section 7.6.1)."""
    return frozenset(option.strip(" \t") for option in connection.lower().split(","))


def _check_room(length: int, room: int | None) -> None:
    if room is not None and length > room:
        raise BrokenAnswer(f"over {room} bytes came")
