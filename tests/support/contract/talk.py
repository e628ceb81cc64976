"""A client on a plain socket, so that a clause sees the bytes: no library reads, repairs or repeats anything for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentctl.config.check import check
from agentctl.config.yamls import load_yaml
from agentctl.simulator.faults.plan import FaultRule, Plan
from agentctl.simulator.script import Script
from agentctl.simulator.server import Simulator

PATIENCE = 10.0
"""Seconds after which a reply that should have come is missing."""

SCRIPT = """
schema: 1
kind: simulator
rules:
  - {when: {said: silent}, reply: {text: "", stop_reason: refusal}}
  - {when: {said: pause}, reply: {text: Searching., stop_reason: pause_turn}}
  - {when: {said: 'stop as (?P<why>\\w+)'}, reply: {text: So it is., stop_reason: WHY}}
  - {when: {said: overloaded}, reply: {text: never seen, fault: 529}}
  - {when: {said: cite}, reply: {text: It says so., citations: [{type: char_location, cited_text: so}]}}
  - {when: {said: think}, reply: {thinking: Shall I look?, text: I looked.}}
  - when: {results: none, tools: [look]}
    reply: {text: Let me look that up for you., tools: [{look: {order: ORD-1042, note: "é, and some more"}}]}
default: {text: "A simulated reply, long enough to come in several pieces."}
"""
TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
MODEL = "claude-sonnet-5-5"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
KEY = Path(__file__).with_name("localhost-key.pem")


def body(said: str = "Hello there", **fields: Any) -> dict[str, Any]:
    """The body of a request; a field of None is left out."""
    asked = {"model": MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": said}], **fields}
    return {name: value for name, value in asked.items() if value is not None}


def history(*turns: Any, **fields: Any) -> dict[str, Any]:
    """A body whose turns are the user's and the assistant's in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": turn} for place, turn in enumerate(turns)]
    return body(**{"messages": messages, "tools": [TOOL], **fields})


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as it came: `whole` says whether as many bytes came as were promised."""

    status: int
    headers: dict[str, str]
    raw: bytes
    whole: bool
    interim: tuple[int, ...] = ()
    """Statuses of the replies before it."""
    framing: bytes = b""
    """The body with its chunk sizes."""

    @property
    def text(self) -> bytes:
        """The body, unpacked, as far as it came."""
        if self.headers.get("content-encoding") != "gzip":
            return self.raw
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(self.raw)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        """Status and type of an error in the API's shape, which it checks."""
        document = self.json
        assert document["type"] == "error", document
        assert document["request_id"] == self.headers["request-id"]
        assert document["error"]["message"]
        return self.status, document["error"]["type"]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream, whose names are their types."""
        found = []
        for part in self.text.decode().split("\n\n")[:-1]:
            name, data = part.split("\n")
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
        return found

    @property
    def kinds(self) -> list[str]:
        """The types of its events."""
        return [event["type"] for event in self.events]


@dataclass(slots=True)
class Line:
    """One connection: requests out, answers in."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, asked: Any, **headers: str) -> None:
        """Puts a request on the wire."""
        self.writer.write(wire_bytes(asked, **headers))
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> Answer:
        """The next answer."""
        interim: list[int] = []
        while (head := await self._head())[0] in range(100, 200):
            interim.append(head[0])
        status, headers = head
        raw, framing, whole = await self._body(headers)
        return Answer(status, headers, raw, whole, tuple(interim), framing)

    async def ask(self, asked: Any = None, **headers: str) -> Answer:
        """Sends a request and reads its answer."""
        await self.send(body() if asked is None else asked, **headers)
        async with asyncio.timeout(PATIENCE):
            return await self.answer()

    async def ended(self) -> str:
        """How the connection ended: `closed`, or `reset`; what still came is thrown away."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.reader.read()
        except ConnectionError:
            return "reset"
        return "closed"

    async def _head(self) -> tuple[int, dict[str, str]]:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines if line)

    async def _body(self, headers: dict[str, str]) -> tuple[bytes, bytes, bool]:
        if "transfer-encoding" in headers:
            return await self._chunks()
        try:
            raw = await self.reader.readexactly(int(headers["content-length"]))
        except asyncio.IncompleteReadError as cut:
            return cut.partial, cut.partial, False
        return raw, raw, True

    async def _chunks(self) -> tuple[bytes, bytes, bool]:
        raw, framing = b"", b""
        try:
            while True:
                line = await self.reader.readuntil(b"\r\n")
                piece = await self.reader.readexactly(int(line, 16) + 2)
                framing += line + piece
                raw += piece[:-2]
                if int(line, 16) == 0:
                    return raw, framing, True
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return raw, framing, False


def wire_bytes(asked: Any, **headers: str) -> bytes:
    """A request; header names with `_` for `-`, a value of "-" leaves the header out, `path` and `method` are none."""
    data = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    path, method = headers.pop("path", "/v1/messages"), headers.pop("method", "POST")
    lines = {
        "host": "api",
        "x-api-key": "k-secret",
        "anthropic-version": "2023-06-01",
        "content-length": str(len(data)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "-")
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data


@dataclass(slots=True)
class Desk:
    """A running simulator."""

    server: Simulator
    trust: ssl.SSLContext | None = None
    _lines: list[Line] = field(default_factory=list)

    async def line(self) -> Line:
        """A new connection."""
        host, port = self.server.base_url.partition("://")[2].split(":")
        name = "localhost" if self.trust else None
        line = Line(*await asyncio.open_connection(host, int(port), ssl=self.trust, server_hostname=name))
        self._lines.append(line)
        return line

    async def ask(self, asked: Any = None, **headers: str) -> Answer:
        """One request on a connection of its own."""
        return await (await self.line()).ask(asked, **headers)

    async def stream(self, said: str = "Hello there", fault: str = "", **fields: Any) -> Answer:
        """One streamed reply, with a fault if one is named."""
        headers = {"x_simulate_fault": fault} if fault else {}
        return await self.ask(body(said, stream=True, **fields), **headers)

    def close(self) -> None:
        """Hangs up every line."""
        for line in self._lines:
            line.writer.close()


def certified() -> dict[str, ssl.SSLContext]:
    """What `desk` takes to serve TLS: a certificate for localhost, and a client that trusts it."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(CERTIFICATE, KEY)
    return {"tls": serving, "trust": ssl.create_default_context(cafile=str(CERTIFICATE))}


@asynccontextmanager
async def desk(
    rules: Sequence[FaultRule] = (), seed: int = 0, why: str = "end_turn", **options: Any
) -> AsyncIterator[Desk]:
    """A simulator with these faults; `why` is the stop reason of who says `stop as ...`."""
    script = check(Script, load_yaml(SCRIPT.replace("WHY", why), "script.yaml"))
    trust = options.pop("trust", None)
    async with Simulator(script, faults=Plan(rules, seed), **options) as server:
        opened = Desk(server, trust)
        try:
            yield opened
        finally:
            opened.close()
