"""One client's connection through a `FaultProxy`, and the connection to the server that belongs to it."""

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

from tests.servers.faults import (
    CutRequest,
    Exchange,
    Fault,
    FlipRequest,
    FlipResponse,
    HoldUpload,
    Latency,
    LoseResponse,
    Refuse,
    Reset,
    Rewrite,
    SlowBody,
    SlowUpload,
    Stall,
    Status,
    StoreNothing,
    Truncate,
)
from tests.servers.framing import CHUNK, Head, body, read_head, unframed

_STEPS = 20
"""How many times a second a slow body moves on."""


class _Reset(ConnectionError):
    """The rule says that the client's connection is reset now."""


class Relay:
    """Forwards exchanges, one after another, until one side or a fault ends the connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: tuple[str, int],
        begin: Callable[[Head], Exchange],
    ) -> None:
        """`begin` records an exchange, with the fault that it meets."""
        self._reader, self._writer, self._upstream, self._begin = reader, writer, upstream, begin
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Serve the connection to its end, and end both sides of it, whatever happens."""
        try:
            await self._serve()
            for writer in self._writers():
                writer.close()
            for writer in self._writers():
                with suppress(ConnectionError):
                    await writer.wait_closed()
        finally:
            for writer in self._writers():
                writer.transport.abort()  # closing would wait for a peer that no longer reads

    async def _serve(self) -> None:
        try:
            while await self._exchange():
                pass
        except _Reset:
            reset(self._writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [self._writer, self._server[1]] if self._server else [self._writer]

    async def _exchange(self) -> bool:
        head = await read_head(self._reader)
        exchange = self._begin(head)
        try:
            match exchange.fault:
                case Refuse():
                    raise _Reset
                case Status() as fault:
                    await self._answer(head, exchange, fault)
                    return False
                case StoreNothing() as fault:
                    await self._pretend(head, exchange, fault)
                    return True
                case Latency(seconds):
                    await asyncio.sleep(seconds)
            return await self._forward(head, exchange)
        finally:
            exchange.ended = time.monotonic()

    async def _answer(self, head: Head, exchange: Exchange, fault: Status) -> None:
        if "100-continue" not in head.headers.get("expect", ""):
            async for piece in body(self._reader, head, until_end=False):
                exchange.took(piece)
        text = f'<?xml version="1.0"?><Error><Code>{fault.code}</Code><Message>a fault</Message></Error>' if fault.code else ""
        headers = {"Content-Type": "application/xml", "Connection": "close", **fault.headers}
        if fault.code:
            headers["x-ms-error-code"] = fault.code
        await self._send_answer(exchange, fault.status, headers, b"" if exchange.method == "HEAD" else text.encode())

    async def _pretend(self, head: Head, exchange: Exchange, fault: StoreNothing) -> None:
        if "100-continue" in head.headers.get("expect", ""):
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        taken = b""
        async for piece in body(self._reader, head, until_end=False):
            exchange.took(piece)
            taken += piece
        said = {"ETag": f'"{uuid.uuid4().hex}"', "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}
        said |= fault.headers(head.headers, taken)
        await self._send_answer(exchange, fault.status, said, fault.body(exchange.target))

    async def _send_answer(self, exchange: Exchange, status: int, headers: dict[str, str], text: bytes) -> None:
        lines = [f"HTTP/1.1 {status} Made up", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join([*lines, f"Content-Length: {len(text)}", "", ""]).encode() + text)
        await self._writer.drain()
        exchange.status = status

    async def _forward(self, head: Head, exchange: Exchange) -> bool:
        if self._server is None:
            self._server = await asyncio.open_connection(*self._upstream)
        reader, writer = self._server
        writer.write(head.raw)
        sending = asyncio.ensure_future(self._send_body(head, exchange, writer))
        receiving = asyncio.ensure_future(self._receive(reader, exchange))
        try:
            done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if sending in done:
                sending.result()
            answered = await receiving
            if not sending.done():  # an answer that did not wait for the whole request: a refusal
                return False
        finally:
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
        return not (head.closes or answered.closes)

    async def _send_body(self, head: Head, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        fault = exchange.fault
        most = _step(fault.rate) if isinstance(fault, SlowUpload) else CHUNK
        async for taken in body(self._reader, head, until_end=False, most=most):
            piece, before = taken, exchange.length
            exchange.took(taken)
            match fault:
                case SlowUpload(rate):
                    await asyncio.sleep(len(piece) / rate)
                case HoldUpload(after, released) if exchange.length > after:
                    while not released.is_set():
                        await asyncio.sleep(0.005)
                case FlipRequest(at):
                    piece = _flipped(piece, at - before)
                case CutRequest(after) if exchange.length > after:
                    raise _Reset
            try:
                writer.write(piece)
                await writer.drain()
            except ConnectionError:  # the server takes no more: its answer says why
                return

    async def _receive(self, reader: asyncio.StreamReader, exchange: Exchange) -> Head:
        head = await read_head(reader)
        while head.status < 200:
            self._writer.write(head.raw)
            head = await read_head(reader)
        has_body = exchange.method != "HEAD" and head.status not in (204, 304)
        match exchange.fault:
            case LoseResponse():
                if has_body:
                    async for _ in body(reader, head, until_end=True):
                        pass
                raise _Reset
            case Stall(None):
                await self._until_the_client_goes()
            case Rewrite(change) if has_body and head.status < 300:
                raw = b"".join([piece async for piece in body(reader, head, until_end=True)])
                await self._send_rewritten(head, change(exchange.target, unframed(raw, head)))
            case _:
                await self._pass_on(reader, exchange, head, has_body=has_body)
        exchange.status = head.status
        return head

    async def _send_rewritten(self, head: Head, text: bytes) -> None:
        lines = head.raw.decode("latin1").rstrip("\r\n").split("\r\n")
        kept = [line for line in lines if not line.lower().startswith(("content-length:", "transfer-encoding:"))]
        self._writer.write("\r\n".join([*kept, f"Content-Length: {len(text)}", "", ""]).encode("latin1") + text)
        await self._writer.drain()

    async def _pass_on(self, reader: asyncio.StreamReader, exchange: Exchange, head: Head, *, has_body: bool) -> None:
        self._writer.write(head.raw)
        await self._writer.drain()
        fault, sent = exchange.fault, 0
        if not has_body:
            await self._end_early(fault)
            return
        most = _step(fault.rate) if isinstance(fault, SlowBody) else CHUNK
        async for taken in body(reader, head, until_end=True, most=most):
            piece = taken
            match fault:
                case Reset(after) | Truncate(after) | Stall(int(after)) if sent + len(piece) >= after:
                    self._writer.write(piece[: after - sent])
                    await self._writer.drain()
                    await self._end_early(fault)
                case FlipResponse(at):
                    piece = _flipped(piece, at - sent)
                case SlowBody(rate):
                    await asyncio.sleep(len(piece) / rate)
            self._writer.write(piece)
            await self._writer.drain()
            sent += len(piece)

    async def _end_early(self, fault: Fault | None) -> None:
        match fault:
            case Reset():
                await asyncio.sleep(0.02)  # so that what was sent arrives before the reset discards it
                raise _Reset
            case Truncate():
                raise ConnectionError("cut by rule")
            case Stall():
                await self._until_the_client_goes()

    async def _until_the_client_goes(self) -> None:
        await self._reader.read(1)
        raise ConnectionError("the client went")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection by RST, and not by FIN."""
    with suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def _step(rate: float) -> int:
    return max(1, min(CHUNK, int(rate / _STEPS)))


def _flipped(piece: bytes, at: int) -> bytes:
    if not 0 <= at < len(piece):
        return piece
    return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]
