"""The API without a socket: a request in, a reply out, and one line in the transcript for each.

The transcript holds verdicts and what was billed, never keys: a key is looked at once, to say whether there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.simulator.compose import compose
from agentctl.simulator.errors import Refusal, invalid
from agentctl.simulator.http import HttpReply, HttpRequest, Malformed
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
LIMITS: Final = {
    f"anthropic-ratelimit-{kind}-{field}": value
    for kind, limit in (
        ("requests", "4000"),
        ("tokens", "2400000"),
        ("input-tokens", "2000000"),
        ("output-tokens", "400000"),
    )
    for field, value in (("limit", limit), ("remaining", limit), ("reset", "2026-01-01T00:00:00Z"))
}
ORGANISATION: Final = {"anthropic-organization-id": "00000000-0000-0000-0000-000000000000"}

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
    """As the reply had it; None when nothing was billed."""


class Api:
    """The Messages API as a script plays it."""

    def __init__(self, script: Script) -> None:
        self.served: list[Served] = []
        self._script = script
        self._cache = PromptCache()

    def answer(self, request: HttpRequest) -> HttpReply:
        """The reply to a request, whatever it is."""
        request_id = _request_id(request.path.encode() + request.body)
        try:
            reply, usage = self._reply(request, request_id)
        except Refusal as refusal:
            return self._refused(request.method, request.path, refusal, request_id)
        except ScriptFault as fault:
            return self._refused(request.method, request.path, Refusal(500, "api_error", str(fault)), request_id)
        self.served.append(Served(request.method, request.path, 200, usage=usage))
        return reply

    def refuse(self, malformed: Malformed) -> HttpReply:
        """The reply to bytes that are no request."""
        kind = "request_too_large" if malformed.status == TOO_LARGE else "invalid_request_error"
        refusal = Refusal(malformed.status, kind, str(malformed))
        return self._refused("", "", refusal, _request_id(str(malformed).encode()))

    def _reply(self, request: HttpRequest, request_id: str) -> tuple[HttpReply, JsonObject | None]:
        """The reply to a request that is as it should be, and what it is billed."""
        _check_route(request)
        _check_key(request.headers)
        body = _parsed(request.body)
        version, beta = request.headers.get("anthropic-version"), "anthropic-beta" in request.headers
        counting = request.path == COUNT
        validate(body, version, beta=beta, counting=counting)
        whole = _headers(JSON, request_id)
        if counting:
            return HttpReply(200, whole, orjson.dumps({"input_tokens": count_request(body)})), None
        message, delay = compose(self._script, body, self._cache)
        if body.get("stream"):
            return HttpReply(200, _headers(SSE, request_id), events_of(message), delay), message["usage"]
        return HttpReply(200, whole, orjson.dumps(message), delay), message["usage"]

    def _refused(self, method: str, path: str, refusal: Refusal, request_id: str) -> HttpReply:
        self.served.append(Served(method, path, refusal.status, refusal.type, refusal.message))
        return HttpReply(refusal.status, _headers(JSON, request_id), orjson.dumps(refusal.body(request_id)))


def _headers(kind: Mapping[str, str], request_id: str) -> dict[str, str]:
    return {**kind, "request-id": request_id, **ORGANISATION, **LIMITS}


def _request_id(asked: bytes) -> str:
    """The same for the same request, so that two recordings of one conversation are equal byte for byte."""
    return f"req_{sha256(asked).hexdigest()[:24]}"


def _check_route(request: HttpRequest) -> None:
    if request.path not in {MESSAGES, COUNT}:
        raise Refusal(404, "not_found_error", f"Not found: {request.path[:200]}")
    if request.method != "POST":
        raise Refusal(405, "invalid_request_error", "Method Not Allowed")


def _check_key(headers: Mapping[str, str]) -> None:
    """Either header will do, as with the real API."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("x-api-key", "").strip() or (token.strip() if scheme.lower() == "bearer" else "")
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
