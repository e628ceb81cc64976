"""Replies of the Messages API as bytes: the events of a message, their SSE text, and wires that hand them out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import orjson

from agentctl.agent.events import ModelReplied
from agentctl.agent.ports import OnDelta, Request, WireReply
from agentctl.errors import ModelError
from agentctl.model.decode import decode

SSE = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_1"}
JSON = {"content-type": "application/json", "request-id": "req_1"}

DELTAS = {
    "text": ("text", "text_delta", "text"),
    "thinking": ("thinking", "thinking_delta", "thinking"),
    "tool_use": ("input", "input_json_delta", "partial_json"),
    "server_tool_use": ("input", "input_json_delta", "partial_json"),
}
"""Kind of block: the field that arrives in pieces, and the delta's type and key."""


def message(*content: dict[str, Any], stop: str | None = None, **more: Any) -> dict[str, Any]:
    """A whole message, as a reply that was not streamed holds it."""
    uses = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": list(content),
        "stop_reason": stop if stop is not None else ("tool_use" if uses else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
        **more,
    }


def events_of(whole: dict[str, Any], piece: int = 7) -> list[dict[str, Any]]:
    """The events the API streams `whole` as, `piece` characters a delta."""
    start = {**whole, "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = {**whole["usage"], "output_tokens": 1}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(whole["content"]):
        events += block_events(index, block, piece)
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    events.append({"type": "message_delta", "delta": end, "usage": whole["usage"]})
    return [*events, {"type": "message_stop"}]


def block_events(index: int, block: dict[str, Any], piece: int = 7) -> list[dict[str, Any]]:
    """Start, deltas and stop of one block."""
    field, kind, key = DELTAS.get(block["type"], ("", "", ""))
    if not field:
        start, text = block, ""
    elif field == "input":
        start, text = {**block, "input": {}}, orjson.dumps(block["input"]).decode()
    else:
        start, text = {**block, field: ""}, block[field]
    deltas: list[dict[str, Any]] = [
        {"type": kind, key: text[at : at + piece]} for at in range(0, len(text), max(piece, 1))
    ]
    if "signature" in block:
        start = {**start, "signature": ""}
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def sse(events: Iterable[Any]) -> bytes:
    """The events as the API writes them."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (str(event.get("type", "")).encode(), orjson.dumps(event)) for event in events
    )


def error_event(kind: str, text: str = "no") -> dict[str, Any]:
    """An `error` event, as it comes in the middle of a stream."""
    return {"type": "error", "error": {"type": kind, "message": text}}


def wire_reply(*chunks: bytes, status: int = 200, headers: Mapping[str, str] = SSE) -> WireReply:
    """A reply whose body arrives in these pieces."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return WireReply(status, headers, body())


def read(
    *chunks: bytes, status: int = 200, headers: Mapping[str, str] = SSE, on_delta: OnDelta | None = None
) -> ModelReplied:
    """What the decoder makes of a reply that arrives in these pieces."""
    return asyncio.run(decode(wire_reply(*chunks, status=status, headers=headers), on_delta))


Outcome = tuple[ModelReplied | None, tuple[str, str, bool] | None, str]


def outcome(*chunks: bytes, status: int = 200, headers: Mapping[str, str] = SSE) -> Outcome:
    """The reply, or the class, type and retryability of the error; and all text that was shown."""
    shown: list[str] = []
    try:
        replied = read(*chunks, status=status, headers=headers, on_delta=lambda kind, piece: shown.append(kind + piece))
    except ModelError as error:
        return None, (type(error).__name__, error.type, error.retryable), "".join(shown)
    return replied, None, "".join(shown)


class ScriptedWire:
    """Answers with each step in turn: a reply, or an error to raise; keeps the requests."""

    def __init__(self, *steps: WireReply | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> WireReply:
        """The next step."""
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step
