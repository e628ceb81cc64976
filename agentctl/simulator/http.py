"""HTTP/1.1 on plain asyncio streams: just enough of it, byte by byte under our control.

A framework would hide the bytes that a fault needs to bend. Everything the server sends goes through one `Delivery`, so
whoever wants to delay, cut or garble a reply replaces that and nothing else.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

MAX_HEAD: Final = 64 * 1024
MAX_BODY: Final = 32 * 1024 * 1024
"""The API's own limit."""


class BadRequest(Exception):  # closes the connection; the text is for the transcript
    """The bytes are no HTTP request."""


class TooLarge(Exception):  # answered with 413
    """The body is larger than the API takes."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower case, the target is split at `?`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another request on this connection."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply: a whole body, or pieces sent as chunks one by one."""

    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes]


class Delivery:
    """Sends replies faithfully: what it is given, in order, at once."""

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Puts bytes on the wire."""
        writer.write(data)
        await writer.drain()


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """The next request on a connection; None when the client closed it.

    Raises:
        BadRequest: what came is no request.
        TooLarge: its body is over `MAX_BODY`.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequest("the connection closed inside a request") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(f"more than {MAX_HEAD} bytes of headers") from None
    method, target, headers = _head(head)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _body(reader, headers)
    path, _, query = target.partition("?")
    return HttpRequest(method, path, query, headers, body)


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):  # noqa: PLR2004  method, target, version
        raise BadRequest(f"no request line: {first[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequest(f"no header: {line[:80]!r}")
        headers[name.lower()] = value.strip()
    return parts[0], parts[1], headers


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await _chunks(reader)
        length = int(headers.get("content-length", "0"))
        if length > MAX_BODY:
            raise TooLarge
        if length < 0:
            raise BadRequest("negative content-length")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise BadRequest("the connection closed inside a body") from None
    except (ValueError, asyncio.LimitOverrunError):
        raise BadRequest("a length that is no number") from None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if len(body) + size > MAX_BODY:
            raise TooLarge
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return bytes(body)
        body += await reader.readexactly(size)
        await reader.readexactly(2)


async def send_reply(
    writer: asyncio.StreamWriter, request: HttpRequest | None, reply: HttpReply, delivery: Delivery
) -> None:
    """Sends a reply to `request` (None when it could not be read), compressed when the client takes gzip."""
    compress = request is not None and "gzip" in request.headers.get("accept-encoding", "")
    headers = {**reply.headers, "connection": "keep-alive" if request is not None and request.keeps_alive else "close"}
    if compress:
        headers["content-encoding"] = "gzip"
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if compress else None
    if isinstance(reply.body, bytes):
        body = packer.compress(reply.body) + packer.flush() if packer else reply.body
        await delivery.send(writer, _status(reply.status, {**headers, "content-length": str(len(body))}) + body)
        return
    await delivery.send(writer, _status(reply.status, {**headers, "transfer-encoding": "chunked"}))
    async for piece in reply.body:
        data = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else piece
        await delivery.send(writer, _chunk(data))
    rest = packer.flush() if packer else b""
    await delivery.send(writer, (_chunk(rest) if rest else b"") + b"0\r\n\r\n")


def _status(status: int, headers: Mapping[str, str]) -> bytes:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Overloaded"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
