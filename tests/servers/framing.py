"""HTTP/1.1 as bytes on a stream: heads, and bodies by their framing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

CHUNK = 64 << 10
"""Bytes: how much is read at once."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request or an answer, and how it was spelled."""

    raw: bytes
    line: str
    headers: dict[str, str]
    """Names in lower case."""

    @property
    def is_chunked(self) -> bool:
        """Tell whether the body comes in chunks."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Return the length of the body in bytes, where the head tells it."""
        return int(self.headers["content-length"]) if "content-length" in self.headers else None

    @property
    def status(self) -> int:
        """Return the status of an answer."""
        return int(self.line.split()[1])

    @property
    def closes(self) -> bool:
        """Tell whether the connection ends with this message."""
        return "close" in self.headers.get("connection", "").lower()


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read a head. Raises: asyncio.IncompleteReadError where the connection ended."""
    raw = await reader.readuntil(b"\r\n\r\n")
    line, *rest = raw.decode("latin1").rstrip("\r\n").split("\r\n")
    pairs = (text.partition(":") for text in rest)
    return Head(raw, line, {name.strip().lower(): value.strip() for name, _, value in pairs})


async def body(reader: asyncio.StreamReader, head: Head, *, until_end: bool, most: int = CHUNK) -> AsyncIterator[bytes]:
    """Yield a body as it is framed, in pieces of `most` bytes at most (a chunk, where it comes in chunks).

    `until_end` tells that a body of no told length ends with its connection, as answers may. Raises: ConnectionError (cut).
    """
    if head.is_chunked:
        async for piece in _chunks(reader):
            yield piece
    elif head.length is not None:
        left = head.length
        while left:
            if not (piece := await reader.read(min(left, most))):
                raise ConnectionError("the body was cut")
            left -= len(piece)
            yield piece
    elif until_end:
        while piece := await reader.read(most):
            yield piece


def unframed(raw: bytes, head: Head) -> bytes:
    """Return a body without the framing of its chunks."""
    if not head.is_chunked:
        return raw
    pieces, left = [], raw
    while True:
        size, _, left = left.partition(b"\r\n")
        if not (length := int(size.partition(b";")[0], 16)):
            return b"".join(pieces)
        pieces.append(left[:length])
        left = left[length + 2 :]


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = await reader.readline()
        if not size:
            raise ConnectionError("the body was cut")
        if not (length := int(size.partition(b";")[0], 16)):
            break
        yield size + await reader.readexactly(length + 2)
    trailer = size
    while (line := await reader.readline()) not in (b"\r\n", b""):
        trailer += line
    yield trailer + line
