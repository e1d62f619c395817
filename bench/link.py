"""A link of a given round-trip latency in front of a server on this machine, in a process of its own.

Every byte is passed on, in order, half a round trip after it came, and a connection's first bytes a round trip later still: its
handshake would take that. Nothing limits throughput, and TCP's windows are not modelled: over a real link of the same latency
a single connection may be slower, never quicker.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Final, NoReturn
from urllib.parse import urlsplit

_PIECE: Final = 256 * 1024
"""Bytes that are passed on at once, at most."""
_UNDER_WAY: Final = 1024
"""Pieces that are under way in one direction at most, so that a sender does not fill the memory."""

_Piece = tuple[float, bytes]
"""When it is due at the other end, on the loop's clock, and what."""


@contextmanager
def link(endpoint: str, round_trip: float) -> Iterator[str]:
    """Give the URL under which the server at `endpoint` (an http: URL) is `round_trip` seconds away."""
    parts = urlsplit(endpoint)
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_serve, args=(other, (parts.hostname, parts.port), round_trip / 2), daemon=True)
    process.start()
    other.close()
    try:
        yield f"http://127.0.0.1:{pipe.recv()}"
    finally:
        pipe.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(pipe: Connection, upstream: tuple[str, int], delay: float) -> None:
    asyncio.run(_listen(pipe, upstream, delay))


async def _listen(pipe: Connection, upstream: tuple[str, int], delay: float) -> NoReturn:
    """Serve until the other end of the pipe is closed."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shaken = asyncio.get_running_loop().time() + 2 * delay
        with suppress(ConnectionError):
            server, to_server = await asyncio.open_connection(*upstream, limit=_PIECE)
            there = _carry(reader, to_server, delay, not_before=shaken)
            await asyncio.gather(there, _carry(server, writer, delay, not_before=0.0))

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
    server = await asyncio.start_server(accepted, "127.0.0.1", 0, limit=_PIECE, backlog=512)
    pipe.send(server.sockets[0].getsockname()[1])
    await ended.wait()
    # Connections that are open, and what is under way on them, end with the process.
    os._exit(0)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, *, not_before: float) -> None:
    """Pass on what comes in one direction, `delay` seconds later; what comes before `not_before` counts as come then."""
    under_way: asyncio.Queue[_Piece] = asyncio.Queue(_UNDER_WAY)
    giving = asyncio.ensure_future(_give(under_way, writer))
    clock = asyncio.get_running_loop().time
    try:
        while True:
            piece = await reader.read(_PIECE)
            await under_way.put((max(clock(), not_before) + delay, piece))
            if not piece:
                break
        await giving
    except ConnectionError:
        writer.transport.abort()
    finally:
        giving.cancel()
        writer.close()


async def _give(under_way: asyncio.Queue[_Piece], writer: asyncio.StreamWriter) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due, piece = await under_way.get()
        if (wait := due - clock()) > 0:
            await asyncio.sleep(wait)
        if not piece:
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.write(piece)
        await writer.drain()
