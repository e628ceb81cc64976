"""`Simulator`: a Messages API on a real socket, answering from a script and refusing what the real one refuses.

It keeps a transcript of verdicts, never of keys: a key is looked at once, to say whether there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Any, Final, Self

import orjson

from agentctl.agent.events import JsonObject
from agentctl.simulator.compose import compose
from agentctl.simulator.errors import Refusal
from agentctl.simulator.http import (
    MAX_HEAD,
    BadRequest,
    Delivery,
    HttpReply,
    HttpRequest,
    TooLarge,
    read_request,
    send_reply,
)
from agentctl.simulator.script import Script
from agentctl.simulator.stream import events_of
from agentctl.simulator.templates import ScriptFault
from agentctl.simulator.tokens import PromptCache, count_request
from agentctl.simulator.validator import validate

REFUSED_KEY: Final = "invalid"
"""The one key that is answered with 401, for whoever wants to see that."""

JSON: Final = {"content-type": "application/json"}
SSE: Final = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
LIMITS: Final = {
    f"anthropic-ratelimit-{kind}-{field}": value
    for kind, limit in (("requests", "4000"), ("input-tokens", "2000000"), ("output-tokens", "400000"))
    for field, value in (("limit", limit), ("remaining", limit), ("reset", "2026-01-01T00:00:00Z"))
}
ORGANISATION: Final = {"anthropic-organization-id": "00000000-0000-0000-0000-000000000000"}


@dataclass(frozen=True, slots=True)
class Served:
    """One request the server answered: where to, with which status, and what the reply was billed."""

    method: str
    path: str
    status: int
    error: str = ""
    usage: Mapping[str, Any] | None = None


class Simulator:
    """`async with Simulator(script) as server:` serves on `server.base_url` until the block ends."""

    def __init__(
        self, script: Script, *, host: str = "127.0.0.1", port: int = 0, delivery: Delivery | None = None
    ) -> None:
        self.served: list[Served] = []
        self._script = script
        self._host, self._port = host, port
        self._delivery = delivery or Delivery()
        self._cache = PromptCache()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Where it serves; only while it does."""
        assert self._server is not None, "the simulator is not running"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self._host, self._port, limit=MAX_HEAD)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers request after request on one connection."""
        while True:
            try:
                request = await read_request(reader, writer)
            except TooLarge:
                refusal = Refusal(413, "request_too_large", "Request exceeds the maximum allowed number of bytes.")
                await send_reply(writer, None, self._refused("POST", "", refusal, "req_too_large"), self._delivery)
                return
            except BadRequest:
                await send_reply(writer, None, HttpReply(400, {"content-type": "text/plain"}, b""), self._delivery)
                return
            if request is None:
                return
            await send_reply(writer, request, await self._answer(request), self._delivery)
            if not request.keeps_alive:
                return

    async def _answer(self, request: HttpRequest) -> HttpReply:
        request_id = _request_id(request)
        try:
            route = _route(request)
            _check_key(request.headers)
            body = _parsed(request.body)
            counting = route == "count_tokens"
            validate(body, request.headers.get("anthropic-version"), counting=counting)
            if counting:
                return self._whole(request, {"input_tokens": count_request(body)}, request_id)
            message, delay = compose(self._script, body, self._cache)
        except Refusal as refusal:
            return self._refused(request.method, request.path, refusal, request_id)
        except ScriptFault as fault:
            return self._refused(request.method, request.path, Refusal(500, "api_error", str(fault)), request_id)
        if delay:
            await asyncio.sleep(delay)
        if not body.get("stream"):
            return self._whole(request, message, request_id)
        self._note(request, 200, usage=message["usage"])
        return HttpReply(200, self._headers(SSE, request_id), _streamed(message))

    def _whole(self, request: HttpRequest, document: JsonObject, request_id: str) -> HttpReply:
        self._note(request, 200, usage=document.get("usage"))
        return HttpReply(200, self._headers(JSON, request_id), orjson.dumps(document))

    def _refused(self, method: str, path: str, refusal: Refusal, request_id: str) -> HttpReply:
        self.served.append(Served(method, path, refusal.status, refusal.type))
        headers = self._headers(JSON, request_id)
        return HttpReply(refusal.status, headers, orjson.dumps(refusal.body(request_id)))

    def _note(self, request: HttpRequest, status: int, *, usage: Mapping[str, Any] | None) -> None:
        self.served.append(Served(request.method, request.path, status, usage=usage))

    def _headers(self, kind: Mapping[str, str], request_id: str) -> dict[str, str]:
        return {**kind, "request-id": request_id, **ORGANISATION, **LIMITS}


def _request_id(request: HttpRequest) -> str:
    """The same for the same request, so that two recordings of one conversation are equal byte for byte."""
    return f"req_{sha256(request.path.encode() + request.body).hexdigest()[:24]}"


def _route(request: HttpRequest) -> str:
    """`messages` or `count_tokens`."""
    routes = {"/v1/messages": "messages", "/v1/messages/count_tokens": "count_tokens"}
    route = routes.get(request.path)
    if route is None:
        raise Refusal(404, "not_found_error", f"Not found: {request.path}")
    if request.method != "POST":
        raise Refusal(405, "invalid_request_error", "Method Not Allowed")
    return route


def _check_key(headers: Mapping[str, str]) -> None:
    """Either header will do, as with the real API."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    key = headers.get("x-api-key", "").strip() or bearer
    if not key:
        raise Refusal(401, "authentication_error", "x-api-key header is required")
    if key == REFUSED_KEY:
        raise Refusal(401, "authentication_error", "invalid x-api-key")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "invalid_request_error", f"The request body is not valid JSON: {error}") from None


async def _streamed(message: JsonObject) -> AsyncIterator[bytes]:
    for piece in events_of(message):
        yield piece
