"""Replies that nobody sends by accident: what they ask for does not happen, and what they cost is bounded."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from agentctl.agent.events import ModelReplied
from agentctl.agent.ports import Request
from agentctl.agent.spec import Provider
from agentctl.errors import ApiError, ModelError, ProtocolError
from agentctl.model import decode as decoding
from agentctl.model.claude import MAX_ERROR_BYTES, ClaudeWire
from agentctl.model.failures import MAX_MESSAGE, MAX_NAME, failure_of
from support.scripted import call, text
from support.server import RawServer, http
from support.wire import JSON, events_of, message, read, sse, wire_reply

EVENTS = events_of(message(text("I look."), call("look", order="ORD-1")))


def changed(at: int, /, **fields: Any) -> bytes:
    """The events, one of them with other fields."""
    events = list(EVENTS)
    events[at] = {**events[at], **fields}
    return sse(events)


def opens(kind: str) -> int:
    """Where the block of this kind begins."""
    return next(at for at, event in enumerate(EVENTS) if event.get("content_block", {}).get("type") == kind)


@pytest.mark.parametrize("index", [True, 1.0, "1", None])
def test_an_index_is_a_whole_number(index: Any) -> None:
    """What only equals the right index is not it."""
    with pytest.raises(ProtocolError, match="expected 1"):
        read(changed(opens("tool_use"), index=index))


@pytest.mark.parametrize(
    ("kind", "delta"),
    [
        ("tool_use", {"type": "text_delta", "text": "}"}),
        ("tool_use", {"type": "thinking_delta", "thinking": "}"}),
        ("text", {"type": "input_json_delta", "partial_json": "{}"}),
        ("text", {"type": "thinking_delta", "thinking": "x"}),
    ],
)
def test_a_delta_belongs_to_its_block(kind: str, delta: dict[str, str]) -> None:
    """A piece of one kind in a block of another is no part of it."""
    with pytest.raises(ProtocolError, match=f"{delta['type']} in a {kind} block"):
        read(changed(opens(kind) + 1, delta=delta))


@pytest.mark.parametrize("role", ["user", "system", None, 5])
def test_only_the_assistant_answers(role: Any) -> None:
    """A message of anyone else is no reply, whole or streamed."""
    whole = message(text("Hello."), role=role)
    for body, headers in ((sse(events_of(whole)), {}), (orjson.dumps(whole), JSON)):
        with pytest.raises(ProtocolError, match="no message of the assistant"):
            read(body, headers=headers)


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_a_reply_without_end(monkeypatch: pytest.MonkeyPatch, content_type: str) -> None:
    """It is given up where no reply can be as large, whatever it consists of, and nothing of it is read further."""
    monkeypatch.setattr(decoding, "MAX_REPLY_BYTES", 1000)
    pieces = [b": comment\n\n" * 10] * 50
    reply = wire_reply(*pieces, headers={"content-type": content_type})
    with pytest.raises(ProtocolError, match="more than 1000 bytes") as caught:
        asyncio.run(decoding.decode(reply))
    assert caught.value.type == "protocol_error"


def test_an_error_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is still the error that its status says: a server that is busy is asked again."""
    monkeypatch.setattr(decoding, "MAX_REPLY_BYTES", 1000)
    with pytest.raises(ApiError) as caught:
        asyncio.run(decoding.decode(wire_reply(*[b"busy " * 50] * 50, status=529)))
    assert (caught.value.type, caught.value.retryable) == ("overloaded_error", True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_body_of_an_error_is_read_in_part(pack: Callable[[bytes], bytes]) -> None:
    """An error is told from its beginning: the rest is not fetched, whatever the SDK would do."""
    body = pack(b"no way " * 10 * MAX_ERROR_BYTES)

    async def got() -> bytes:
        packed = {"content_encoding": "gzip"} if pack is gzip.compress else {}
        async with RawServer(http(body, "400 Bad Request", **packed)) as server:
            wire = ClaudeWire(Provider(base_url=server.base_url), api_key="none")
            reply = await wire.send(Request({"model": "m", "messages": []}))
            await wire.aclose()
            return b"".join([piece async for piece in reply.body])

    read_ = asyncio.run(got())
    assert read_.startswith(b"no way no way")
    assert len(read_) <= MAX_ERROR_BYTES or (pack is gzip.compress and len(body) < MAX_ERROR_BYTES)


def test_an_error_says_one_line() -> None:
    """Words of a server stand in one line of bearable length: it writes no line that looks like ours."""
    detail = {"type": "x\n" * 500, "message": "no\r\n\r\nended: completed\u2028" + "y" * 9000}
    error = failure_of(400, {}, orjson.dumps({"error": detail}))
    assert isinstance(error, ModelError)
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) <= MAX_MESSAGE + MAX_NAME + len("HTTP 400 : ")
    assert "no ended: completed" in str(error)
    assert len(failure_of(500, {}, b"<h1>\n\nended: completed\n</h1>").args[0].splitlines()) == 1


@pytest.mark.parametrize("levels", [251, 980, 1020, 5000])
@pytest.mark.parametrize("streamed", [True, False])
def test_brackets_within_brackets(levels: int, streamed: bool) -> None:  # noqa: FBT001  one of two ways
    """Input nested deeper than it could be kept, shown or sent back is told."""
    with pytest.raises(ProtocolError):
        read_nested(levels, streamed=streamed)


@pytest.mark.parametrize("streamed", [True, False])
def test_the_deepest_input_is_taken(streamed: bool) -> None:  # noqa: FBT001  one of two ways
    """With the levels around it, it is as deep as a writer of JSON goes."""
    replied = read_nested(250, streamed=streamed)
    assert orjson.dumps(replied.content).count(b"[") == 251


def read_nested(levels: int, *, streamed: bool) -> ModelReplied:
    """A reply whose tool input has so many lists within one another."""
    body = message(call("look", order="DEEP"))
    written = sse(events_of(body, piece=100)) if streamed else orjson.dumps(body)
    deep = b"[" * levels + b"]" * levels
    return read(re.sub(rb'\\?"DEEP\\?"', deep, written), headers={} if streamed else JSON)
