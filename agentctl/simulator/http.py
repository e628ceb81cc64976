"""HTTP/1.1 on plain asyncio streams, byte by byte under our control: strict in what it takes, exact in what it sends.

A framework would hide the bytes that a fault needs to bend. Every byte a client gets goes through the `Delivery` of its
reply, so whoever wants to delay, cut or garble one replaces that and nothing else. What a client may not send is
refused with a status and the connection is closed: a lenient reader would hide a client's mistakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final

from agentctl.agent.values import replace

MAX_HEAD: Final = 64 * 1024
MAX_HEADERS: Final = 200
MAX_BODY: Final = 32 * 1024 * 1024
"""The API's own limit."""

LINGER_BYTES: Final = 4 * MAX_BODY
LINGER_SECONDS: Final = 5.0

ABSOLUTE: Final = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VERSIONS: Final = frozenset({"HTTP/1.0", "HTTP/1.1"})
PIECE: Final = 64 * 1024
PHRASES: Final = {**{status.value: status.phrase for status in HTTPStatus}, 529: "Overloaded"}
"""529 is the API's own."""


class Malformed(Exception):  # answered with its status, then the connection closes
    """The bytes are no request that can be answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower case, the target is split at `?`."""

    method: str
    path: str
    query: str
    version: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send another request on this connection."""
        wishes = {wish.strip().lower() for wish in self.headers.get("connection", "").split(",")}
        return "keep-alive" in wishes if self.version == "HTTP/1.0" else "close" not in wishes

    @property
    def takes_gzip(self) -> bool:
        """Whether the reply may be compressed."""
        for coding in self.headers.get("accept-encoding", "").lower().split(","):
            name, _, weight = coding.replace(" ", "").partition(";q=")
            if name == "gzip":
                return weight not in {"0", "0.0", "0.00", "0.000"}
        return False


class Delivery:
    """Sends replies faithfully: the bytes it is given, in order, at once."""

    watches: ClassVar[bool] = False
    """Whether it may take so long, or for ever, that it has to end when the client has gone."""

    async def send(self, writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
        """Puts one reply on the wire.

        A whole reply is one piece; a streamed one is its head, then one piece for each event, then the end.
        """
        for piece in pieces:
            writer.write(piece)
            await writer.drain()


FAITHFUL: Final = Delivery()


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply: a whole body, or pieces that are sent one by one; `delay` is seconds before its first byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Iterator[bytes]
    delay: float = 0.0
    delivery: Delivery = FAITHFUL
    """How its bytes get onto the wire."""


class Connection:
    """One client's connection: requests in, replies out, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._held = bytearray()

    async def head(self) -> HttpRequest | None:
        """The next request without its body; None when the client closed the connection.

        Raises:
            Malformed: what came is no request, or announces a body that is too large.
        """
        head = await self._head()
        if head is None:
            return None
        method, target, version, headers = parsed_head(head)
        body_length(headers)
        path, _, query = target.partition("?")
        return HttpRequest(method, path, query, version, headers, b"")

    async def whole(self, head: HttpRequest) -> HttpRequest:
        """The request that began so, with its body.

        Raises:
            Malformed: the body is none, is too large, or something came before it was answered.
        """
        headers, length = head.headers, body_length(head.headers)
        if "expect" in headers:
            await self._continue(headers["expect"])
        body = await (self._chunks() if length is None else self._exactly(length))
        if self._held:
            raise Malformed(400, "a second request came before the first was answered; send one at a time")
        return replace(head, body=body)

    async def reply(self, request: HttpRequest | None, reply: HttpReply) -> None:
        """Sends the reply to `request`, or to what could not be read as one."""
        if not reply.delivery.watches:
            await self._send(request, reply)
            return
        sending = asyncio.create_task(self._send(request, reply))
        watching = asyncio.create_task(self._gone())
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise ConnectionAbortedError("the client has gone")
            await sending
        finally:
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)

    async def _send(self, request: HttpRequest | None, reply: HttpReply) -> None:
        if reply.delay:
            await asyncio.sleep(reply.delay)
        await reply.delivery.send(self._writer, wire_pieces(request, reply))

    async def _gone(self) -> None:
        """Returns when the client closed the connection; what it sends before is kept for its turn."""
        while await self._fill():
            pass

    async def linger(self) -> None:
        """Takes what the client is still sending, within bounds: closing on it would reset the reply away."""
        with contextlib.suppress(TimeoutError, OSError):
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                taken = 0
                while taken < LINGER_BYTES and (data := await self._reader.read(PIECE)):
                    taken += len(data)

    async def _continue(self, expectation: str) -> None:
        if expectation.lower() != "100-continue":
            raise Malformed(417, f"cannot meet the expectation {expectation[:40]!r}")
        if not self._held:  # else the client did not wait to be told
            await FAITHFUL.send(self._writer, iter([b"HTTP/1.1 100 Continue\r\n\r\n"]))

    async def _fill(self) -> bool:
        """Takes what has come; False at the end."""
        data = await self._reader.read(PIECE)
        self._held += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    async def _head(self) -> bytes | None:
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > MAX_HEAD:
                raise Malformed(431, f"more than {MAX_HEAD} bytes of headers")
            if not await self._fill():
                if self._held:
                    raise Malformed(400, "the connection closed inside a request")
                return None
        if end > MAX_HEAD:
            raise Malformed(431, f"more than {MAX_HEAD} bytes of headers")
        return self._take(end + 4)[:-4]

    async def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            if not await self._fill():
                raise Malformed(400, "the connection closed inside a body")
        return self._take(size)

    async def _line(self) -> bytes:
        while (end := self._held.find(b"\r\n")) < 0:
            if len(self._held) > MAX_HEAD or not await self._fill():
                raise Malformed(400, "a chunk of the body has no end")
        return self._take(end + 2)[:-2]

    async def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            size_text = (await self._line()).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size_text):
                raise Malformed(400, f"no chunk size: {size_text[:80]!r}")
            size = int(size_text, 16)
            if len(body) + size > MAX_BODY:
                raise too_large()
            if size == 0:
                break
            body += await self._exactly(size)
            if await self._exactly(2) != b"\r\n":
                raise Malformed(400, "a chunk is longer than its size")
        while await self._line():
            pass
        return bytes(body)


def too_large() -> Malformed:
    """413, in the API's words."""
    return Malformed(413, "Request exceeds the maximum size")


def parsed_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    """Method, target (as it stands after a host, which proxies are sent), version and headers.

    Raises:
        Malformed: a line is none of HTTP, or a header that frames the body stands there twice.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not TOKEN.fullmatch(method) or not target or " " in target or not version.startswith("HTTP/"):
        raise Malformed(400, f"no request line: {first[:80]!r}")
    if version not in VERSIONS:
        raise Malformed(505, f"{version[:20]} is not spoken here")
    if len(lines) > MAX_HEADERS:
        raise Malformed(431, f"more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not TOKEN.fullmatch(name):
            raise Malformed(400, f"no header: {name[:40]!r}")
        if name.lower() in headers and name.lower() in {"content-length", "transfer-encoding", "host"}:
            raise Malformed(400, f"the header {name} came twice")
        headers[name.lower()] = value.strip(" \t")
    if version == "HTTP/1.1" and "host" not in headers:
        raise Malformed(400, "the header host is missing")
    return method, ABSOLUTE.sub("", target), version, headers


def body_length(headers: Mapping[str, str]) -> int | None:
    """Bytes of the body that follows; None when it comes in chunks.

    Raises:
        Malformed: the headers do not say, contradict each other, or announce more than the API takes.
    """
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
    if encoding is not None:
        if "content-length" in headers:
            raise Malformed(400, "content-length and transfer-encoding contradict each other")
        if encoding.lower() != "chunked":
            raise Malformed(400, f"unknown transfer-encoding {encoding[:40]!r}")
        return None
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise Malformed(400, f"content-length is no number: {length[:40]!r}")
    if int(length) > MAX_BODY:
        raise too_large()
    return int(length)


def wire_pieces(request: HttpRequest | None, reply: HttpReply) -> Iterator[bytes]:
    """The bytes of a reply, compressed when the client takes gzip."""
    keeps_alive = request is not None and request.keeps_alive
    chunked = request is None or request.version != "HTTP/1.0"
    if not isinstance(reply.body, bytes) and not chunked:
        keeps_alive = False  # before chunks, the end of a stream was the end of the connection
    headers = {**reply.headers, "connection": "keep-alive" if keeps_alive else "close"}
    packer = None
    if request is not None and request.takes_gzip:
        headers["content-encoding"] = "gzip"
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    if isinstance(reply.body, bytes):
        body = packer.compress(reply.body) + packer.flush() if packer else reply.body
        head = head_bytes(reply.status, {**headers, "content-length": str(len(body))})
        yield head if request is not None and request.method == "HEAD" else head + body
        return
    framed = chunk if chunked else bytes
    yield head_bytes(reply.status, {**headers, "transfer-encoding": "chunked"} if chunked else headers)
    for piece in reply.body:
        yield framed(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else piece)
    rest = framed(packer.flush()) if packer else b""
    yield rest + (b"0\r\n\r\n" if chunked else b"")


def head_bytes(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers."""
    lines = [
        f"HTTP/1.1 {status} {PHRASES.get(status, 'Unknown')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)
