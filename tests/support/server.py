"""A server of raw bytes: says exactly what it is told, and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What a connection does once it has read a request."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it came: its first line, its headers by lower-case name, its body."""

    line: str
    headers: Mapping[str, str]
    body: bytes


class RawServer:
    """Serves loopback connections: the n-th request is answered with the n-th reply, then the connection closes."""

    def __init__(self, *replies: bytes | Act) -> None:
        self._replies = list(replies)
        self.requests: list[Sent] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.requests.append(await _request(reader))
            reply = self._replies.pop(0)
            if isinstance(reply, bytes):
                writer.write(reply)
                await writer.drain()
            else:
                await reply(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, which some tests are about
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Sent:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Sent(first, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def http(
    body: bytes = b"", status: str = "200 OK", *, chunked: bool = False, length: int | None = None, **headers: str
) -> bytes:
    """An HTTP/1.1 reply; header names with `_` for `-`, and a content length that may be a lie."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if chunked:
        lines.append("transfer-encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    else:
        lines.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body
