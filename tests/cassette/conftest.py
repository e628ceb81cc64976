"""A scripted wire, tools that answer, and a recording made from both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from agentctl.agent.events import Observed, ToolCalled, ToolReturned
from agentctl.agent.ports import Request, WireReply
from agentctl.cassette.record import RecordingTools, RecordingWire, Tape, save
from agentctl.cassette.tape import Cassette, Header

PREFIX = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 1024,
    "stream": True,
    "system": [{"type": "text", "text": "You are a support agent.", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "get_order", "description": "One order.", "input_schema": {"type": "object"}}],
}


def sse(*blocks: dict[str, Any], stop: str = "end_turn", cuts: int = 7) -> bytes:
    """A stream of the Messages API; tool inputs arrive in pieces of `cuts` characters."""
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": []}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage}}
    ]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            start, key, kind, whole = {"type": "text", "text": ""}, "text", "text_delta", block["text"]
        else:
            start, key, kind = {**block, "input": {}}, "partial_json", "input_json_delta"
            whole = orjson.dumps(block["input"]).decode()
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: whole[at : at + cuts]}}
            for at in range(0, len(whole), cuts)
        ]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 9}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in events)


class ScriptedWire:
    """Answers with (status, headers, body) after another, the body in small pieces; an exception breaks it off."""

    def __init__(self, *replies: tuple[int, dict[str, str], bytes | Sequence[bytes | Exception]]) -> None:
        self.replies = list(replies)
        self.sent = 0

    async def send(self, request: Request) -> WireReply:
        """The next reply."""
        self.sent += 1
        status, headers, body = self.replies.pop(0)
        pieces = [body[at : at + 50] for at in range(0, len(body), 50)] if isinstance(body, bytes) else body
        return WireReply(status, headers, self._pieces(pieces), orjson.dumps(request.body))

    async def _pieces(self, pieces: Sequence[bytes | Exception]) -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


class EchoTools:
    """Answers each call with its name and id."""

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The answer."""
        return ToolReturned(call.call_id, call.name, f"{call.name} {call.call_id} ✓")


def request(*messages: dict[str, Any], **changes: Any) -> Request:
    """A request of the support agent, the stable part built anew."""
    return Request({**orjson.loads(orjson.dumps(PREFIX)), **changes, "messages": list(messages)})


def header(**changes: Any) -> Header:
    """A header of a recording of one case."""
    values = {
        "suite": "support",
        "case": "order-status",
        "agent": "support@1",
        "bundle": "sha256:00",
        "components": {"system prompt": "sha256:01", "model": "sha256:02", "case input": "sha256:03"},
        "at": "2026-11-23T10:00:00Z",
        "by": "agentctl 0.1.0",
        "source": "agentctl simulator",
    }
    return Header(**{**values, **changes})


async def body_of(reply: WireReply) -> bytes:
    """The whole body."""
    return b"".join([piece async for piece in reply.body])


ASK = {"role": "user", "content": "Where are ORD-1 and ORD-2? Grüße 🐈 \x7f\u2028\u0085"}
CALLS = [
    {"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {"order_id": "ORD-1"}},
    {"type": "tool_use", "id": "toolu_2", "name": "get_order", "input": {"order_id": "ORD-2"}},
]
STREAM = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_1"}


def conversation(tools_said: Sequence[ToolReturned]) -> list[Request]:
    """The two requests of a run with two parallel tool calls; the list of messages is one, as the fold keeps it."""
    messages: list[dict[str, Any]] = [ASK]
    first = Request({**PREFIX, "messages": messages})
    grown = [
        *messages,
        {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, *CALLS]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": r.call_id, "content": r.content} for r in tools_said],
        },
    ]
    return [first, Request({**PREFIX, "messages": grown})]


async def _record(path: Path, **changes: Any) -> Cassette:
    tape = Tape(clock=iter(range(1000)).__next__)
    wire = ScriptedWire(
        (200, STREAM, sse({"type": "text", "text": "Let me look."}, *CALLS, stop="tool_use")),
        (
            200,
            {**STREAM, "set-cookie": "session=abc"},
            sse({"type": "text", "text": "Both are on their way 🐈\u2028."}),
        ),
    )
    recording, tools = RecordingWire(wire, tape, base_url="http://127.0.0.1:8123"), RecordingTools(EchoTools(), tape)
    said = [await tools.call(ToolCalled(each["id"], each["name"], each["input"])) for each in CALLS]
    for asked in conversation(said):
        await body_of(await recording.send(asked))
    tape.observe(Observed("state: orders", [["ORD-1", "shipped"]]))
    return save(path, header(**changes), [tape])


@pytest.fixture
def kit() -> SimpleNamespace:
    """The builders of this file: test files are no package and cannot import them."""
    return SimpleNamespace(
        sse=sse,
        ScriptedWire=ScriptedWire,
        EchoTools=EchoTools,
        request=request,
        header=header,
        body_of=body_of,
        conversation=conversation,
        PREFIX=PREFIX,
        ASK=ASK,
        CALLS=CALLS,
        STREAM=STREAM,
    )


@pytest.fixture
def recorded(tmp_path: Path) -> Cassette:
    """A saved recording of one run: a parallel tool turn, then an answer. Its `path` is the file."""
    return asyncio.run(_record(tmp_path / "cassettes" / "support" / "order-status.yaml"))


@pytest.fixture
def run() -> Callable[[Any], Any]:
    """Runs a coroutine to its end."""
    return asyncio.run
