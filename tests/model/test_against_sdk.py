"""The decoder against the SDK's own: on streams as the API sends them both read the same."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied
from agentctl.agent.run import text_of
from support.replies import messages
from support.scripted import call, text
from support.wire import JSON, SSE, events_of, message, read, sse


@cache
def sdk() -> tuple[Any, Any]:
    """The SDK and its transport, loaded once and late: that takes a second."""
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    return anthropic, httpx2


def by_the_sdk(body: bytes, headers: dict[str, str]) -> Any:
    """The message that the SDK makes of a reply, streamed or whole."""
    anthropic, httpx2 = sdk()
    question: Any = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}

    async def answer(_request: Any) -> Any:
        return httpx2.Response(200, headers=headers, content=body)

    async def ask() -> Any:
        transport = anthropic.DefaultAsyncHttpxClient(transport=httpx2.MockTransport(answer))
        async with anthropic.AsyncAnthropic(api_key="k", http_client=transport, max_retries=0) as client:
            if headers is JSON:
                return await client.messages.create(**question)
            async with client.messages.stream(**question) as stream:
                return await stream.get_final_message()

    return asyncio.run(ask())


def agree(ours: ModelReplied, theirs: Any) -> None:
    """Asserts that both read the same text, thinking, calls, end and usage."""
    assert (ours.id, ours.model, ours.stop_reason) == (theirs.id, theirs.model, theirs.stop_reason)
    assert [block["type"] for block in ours.content] == [block.type for block in theirs.content]
    assert text_of(ours.content) == "".join(block.text for block in theirs.content if block.type == "text")
    for block, their in zip(ours.content, theirs.content, strict=True):
        if block["type"] == "thinking":
            assert (block["thinking"], block["signature"]) == (their.thinking, their.signature)
        if block["type"] == "tool_use":
            assert (block["id"], block["name"], block["input"]) == (their.id, their.name, their.input)
    for name, count in ours.usage.items():
        if isinstance(count, int):
            assert count == getattr(theirs.usage, name)


@given(messages(), st.integers(1, 9))
@settings(max_examples=40)
def test_streams(whole: dict[str, Any], piece: int) -> None:
    """Any well-formed stream."""
    stream = sse(events_of(whole, piece))
    agree(read(stream), by_the_sdk(stream, SSE))


@given(messages())
@settings(max_examples=20)
def test_whole_bodies(whole: dict[str, Any]) -> None:
    """Any well-formed body."""
    body = orjson.dumps(whole)
    agree(read(body, headers=JSON), by_the_sdk(body, JSON))


def test_usage_of_several_deltas() -> None:
    """Cumulative counts, some of them missing from the later events."""
    events = events_of(message(text("Hi."), call("look", a=[1, {"b": None}])))
    events[0]["message"]["usage"] = {"input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 3}
    events.insert(-2, {**events[-2], "usage": {"output_tokens": 20}})
    events[-2]["usage"] = {"output_tokens": 25, "cache_creation_input_tokens": 4}
    agree(read(sse(events)), by_the_sdk(sse(events), SSE))


@pytest.mark.parametrize(
    "name",
    ["basic_response.txt", "compaction_response.txt", "fallback_response.txt", "refusal_response.txt"],
)
def test_real_streams(real_data: Path, name: str) -> None:
    """Streams that the SDK's authors test with."""
    body = (real_data / "sse" / name).read_bytes()
    agree(read(body), by_the_sdk(body, SSE))
