"""The API without a socket: a request in, a reply out, and one line in the transcript for each.

The transcript holds verdicts and what was billed, never keys: a key is looked at once, to say whether there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.config.faults import HEADER, Due, Fault, Layer, Unknown, fault_of
from agentctl.simulator.compose import Chosen, chosen, compose, digest_of
from agentctl.simulator.errors import Refusal, invalid
from agentctl.simulator.faults.apply import faulty
from agentctl.simulator.faults.deliveries import unanswered
from agentctl.simulator.faults.plan import Plan
from agentctl.simulator.faults.replies import instead
from agentctl.simulator.http import HttpReply, HttpRequest, Malformed
from agentctl.simulator.limits import Buckets, billable
from agentctl.simulator.script import Script
from agentctl.simulator.stream import events_of
from agentctl.simulator.templates import ScriptFault
from agentctl.simulator.tokens import PromptCache, count_request
from agentctl.simulator.validator import validate

REFUSED_KEY: Final = "invalid"
"""The one key that is answered with 401, for whoever wants to see that."""

MESSAGES: Final = "/v1/messages"
COUNT: Final = "/v1/messages/count_tokens"

JSON: Final = {"content-type": "application/json"}
SSE: Final = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
ORGANISATION: Final = {"anthropic-organization-id": "00000000-0000-0000-0000-000000000000"}

EARLY_ID: Final = "req_000000000000000000000000"
"""Of an answer to a request that was not read."""

UNPLANNED: Final = -1
"""Stands where the place in the plan would, for a fault that is not planned."""

MESSAGELESS: Final = frozenset({Layer.REPLY, Layer.HEAD, Layer.CONNECTION, Layer.HANDSHAKE})
"""Layers whose faults leave no message to be made."""

TOO_LARGE: Final = 413
"""Has a type of its own among the errors of the wire."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request that was answered: where to, with which status, and what the reply was billed."""

    method: str
    path: str
    status: int
    error: str = ""
    """Type of the error; empty when there was none."""
    reason: str = ""
    """Its sentence."""
    usage: Mapping[str, Any] | None = None
    """What the whole message costs, also when a fault kept it from the client; None when nothing was billed."""
    fault: str = ""
    """What went wrong with the reply on purpose."""
    request_id: str = ""
    """Of the reply, the same for the same request: what is billed twice under one was billed once for nothing."""

    @property
    def verdict(self) -> str:
        """`accepted`: as it should be, and worked on; `refused`: it is not; `failed`: a fault stood in the way."""
        if self.error:
            return "refused"
        return "failed" if self.fault and self.usage is None else "accepted"


class Api:
    """The Messages API as a script plays it."""

    def __init__(
        self,
        script: Script,
        faults: Due | None = None,
        on_served: Callable[[Served], None] | None = None,
        buckets: Buckets | None = None,
    ) -> None:
        self.served: list[Served] = []
        self._on_served = on_served
        self._script = script
        self._faults = Plan() if faults is None else faults
        self._cache = PromptCache()
        self._buckets = Buckets() if buckets is None else buckets

    def answer(self, request: HttpRequest) -> HttpReply:
        """The reply to a request, whatever it is."""
        request_id = _request_id(request.path.encode() + request.body)
        try:
            return self._reply(request, request_id)
        except Refusal as refusal:
            return self._refused(request.method, request.path, refusal, request_id)
        except ScriptFault as fault:
            return self._refused(request.method, request.path, Refusal(500, "api_error", str(fault)), request_id)

    def early(self, request: HttpRequest, planned: Fault | None) -> HttpReply | None:
        """The answer to a request whose body is not read yet, where there is one: `planned`, or what it asks for.

        Else it takes its place in the limit of requests, if its route and its key are good.
        """
        fault = _early_fault(request.headers.get(HEADER, "")) or planned
        if fault is not None:
            return self._serve(request, self._without_message(fault, EARLY_ID), None, fault)
        try:
            if self._buckets and request.path == MESSAGES and _has_key(request.headers):
                self._buckets.take("requests", 1)
        except Refusal as refusal:
            return self._refused(request.method, request.path, refusal, EARLY_ID)
        return None

    def lost(self, fault: Fault) -> HttpReply:
        """Tells of a connection that ends before it brings a request."""
        self._tell(Served("", "", 0, fault=str(fault)))
        return unanswered(fault)

    def refuse(self, malformed: Malformed) -> HttpReply:
        """The reply to bytes that are no request."""
        kind = "request_too_large" if malformed.status == TOO_LARGE else "invalid_request_error"
        refusal = Refusal(malformed.status, kind, str(malformed))
        return self._refused("", "", refusal, _request_id(str(malformed).encode()))

    def _reply(self, request: HttpRequest, request_id: str) -> HttpReply:
        """The reply to a request, faults and all.

        Raises:
            Refusal: it is not as it should be.
            ScriptFault: the script fails on it.
        """
        _check_route(request)
        _check_key(request.headers)
        body = _parsed(request.body)
        version, beta = request.headers.get("anthropic-version"), "anthropic-beta" in request.headers
        counting = request.path == COUNT
        validate(body, version, beta=beta, counting=counting)
        if counting:
            counted = orjson.dumps({"input_tokens": count_request(body)})
            return self._serve(request, HttpReply(200, self._headers(JSON, request_id), counted))
        if self._buckets:
            self._buckets.require("output", 1)
            self._buckets.take("input", billable(self._cache.usage(body, remembers=False)))
        return self._answered(request, body, request_id)

    def _answered(self, request: HttpRequest, body: JsonObject, request_id: str) -> HttpReply:
        """The message that the script has for this request, or the first fault that fits it."""
        choice = chosen(self._script, body)
        message: JsonObject | None = None
        for index, fault in self._due(request, body, choice):
            if fault.layer in MESSAGELESS:
                self._faults.fired(index)
                return self._serve(request, self._without_message(fault, request_id), None, fault)
            message = message or self._made(body, choice)
            whole = self._carrying(message, body, choice, request_id)
            streams = bool(body.get("stream"))
            reply = faulty(fault, message, whole, streams=streams, gzips=request.takes_gzip)
            if reply is not None:
                self._faults.fired(index)
                return self._serve(request, reply, message["usage"], fault)
        message = message or self._made(body, choice)
        return self._serve(request, self._carrying(message, body, choice, request_id), message["usage"])

    def _made(self, body: JsonObject, choice: Chosen) -> JsonObject:
        message = compose(self._script, body, choice, self._cache)
        self._buckets.owe("output", message["usage"]["output_tokens"])
        return message

    def _carrying(self, message: JsonObject, body: JsonObject, choice: Chosen, request_id: str) -> HttpReply:
        """The reply that carries this message, as the request wants it."""
        if body.get("stream"):
            return HttpReply(200, self._headers(SSE, request_id), events_of(message), choice.reply.delay)
        return HttpReply(200, self._headers(JSON, request_id), orjson.dumps(message), choice.reply.delay)

    def _without_message(self, fault: Fault, request_id: str) -> HttpReply:
        """What comes in the place of a message: an answer, or nothing."""
        if fault.layer in {Layer.REPLY, Layer.HEAD}:
            return instead(fault, request_id, self._headers({}, request_id))
        return unanswered(fault)

    def _headers(self, kind: Mapping[str, str], request_id: str) -> dict[str, str]:
        return {**kind, "request-id": request_id, **ORGANISATION, **self._buckets.headers()}

    def _due(self, request: HttpRequest, body: JsonObject, choice: Chosen) -> Iterator[tuple[int, Fault]]:
        """The faults that may happen: what the request itself asks for, then the script's, then those of the plan.

        Raises:
            Refusal: the request asks for a fault that there is none of.
        """
        asked = request.headers.get(HEADER)
        try:
            for text in filter(None, (asked, choice.reply.fault)):
                yield UNPLANNED, fault_of(text)
        except Unknown as unknown:
            raise invalid(f"{HEADER}: {unknown} {unknown.hint}".rstrip()) from None
        yield from self._faults.due(body, digest_of(body), choice.conversation.turn)

    def _serve(
        self, request: HttpRequest, reply: HttpReply, usage: JsonObject | None = None, fault: Fault | None = None
    ) -> HttpReply:
        name, told = "" if fault is None else str(fault), reply.headers.get("request-id", "")
        self._tell(Served(request.method, request.path, reply.status, "", "", usage, name, told))
        return reply

    def _tell(self, served: Served) -> None:
        self.served.append(served)
        if self._on_served is not None:
            self._on_served(served)

    def _refused(self, method: str, path: str, refusal: Refusal, request_id: str) -> HttpReply:
        self._tell(Served(method, path, refusal.status, refusal.type, refusal.message, request_id=request_id))
        headers = {**self._headers(JSON, request_id), **refusal.headers}
        return HttpReply(refusal.status, headers, orjson.dumps(refusal.body(request_id)))


def _request_id(asked: bytes) -> str:
    """The same for the same request, so that two recordings of one conversation are equal byte for byte."""
    return f"req_{sha256(asked).hexdigest()[:24]}"


def _early_fault(asked: str) -> Fault | None:
    """The fault that the request names, if it is one that does not wait for the body."""
    try:
        fault = fault_of(asked) if asked else None
    except Unknown:  # told when the body is there
        return None
    return fault if fault is not None and fault.layer is Layer.HEAD else None


def _check_route(request: HttpRequest) -> None:
    if request.path not in {MESSAGES, COUNT}:
        raise Refusal(404, "not_found_error", f"Not found: {request.path[:200]}")
    if request.method != "POST":
        raise Refusal(405, "invalid_request_error", "Method Not Allowed")


def _key(headers: Mapping[str, str]) -> str:
    """Either header will do, as with the real API; empty when there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("x-api-key", "").strip() or (token.strip() if scheme.lower() == "bearer" else "")


def _has_key(headers: Mapping[str, str]) -> bool:
    return _key(headers) not in {"", REFUSED_KEY}


def _check_key(headers: Mapping[str, str]) -> None:
    key = _key(headers)
    if not key:
        raise Refusal(401, "authentication_error", "x-api-key header is required")
    if key == REFUSED_KEY:
        raise Refusal(401, "authentication_error", "invalid x-api-key")


def _parsed(body: bytes) -> Any:
    """The JSON of a body, no deeper than it can be written again."""
    try:
        value = orjson.loads(body)
        orjson.dumps(value)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The request body is not valid JSON: {error}") from None
    except orjson.JSONEncodeError:
        raise invalid("The request body is nested too deeply") from None
    return value
