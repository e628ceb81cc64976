"""The official client takes it for the API: what it reads, what it raises, whatever the bytes look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from support.contract.clauses import clause
from support.contract.talk import TOOL, Desk, body, desk

SAME = ("", "trailing-spaces", "early-delta", "interim", "trickle,bytes=3,every=0", "unknown-event")
RAISED = {
    "400": "BadRequestError",
    "401": "AuthenticationError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "409": "ConflictError",
    "413": "ContentTooLargeError",
    "429": "RateLimitError",
    "500": "InternalServerError",
    "504": "GatewayTimeoutError",
    "529": "OverloadedError",
}


@asynccontextmanager
async def official() -> AsyncIterator[tuple[Any, Desk, Any]]:
    """The SDK, a simulator, and a client of the one at the other."""
    import anthropic  # noqa: PLC0415  about a second of CPU

    async with (
        desk() as api,
        anthropic.AsyncAnthropic(api_key="k", base_url=api.server.base_url, max_retries=0) as client,
    ):
        yield anthropic, api, client


def told(message: Any) -> list[dict[str, Any]]:
    """The content of a message of the SDK, without what it has worked out for itself."""
    return [block.model_dump(exclude={"parsed_output"}) for block in message.content]


@clause("fidelity")
async def the_sdk_reads_every_stream_as_the_whole_reply() -> None:
    """With tools, thinking, citations; under every variation that changes nothing."""
    async with official() as (_, _, client):
        for said in ("think", "look", "cite"):
            asked = body(said, tools=[TOOL], thinking={"type": "adaptive"})
            whole = told(await client.messages.create(**asked))
            for fault in SAME:
                headers = {"x-simulate-fault": fault} if fault else {}
                async with client.messages.stream(**asked, extra_headers=headers) as stream:
                    assert told(await stream.get_final_message()) == whole, fault


@clause("fidelity")
async def the_sdk_raises_what_it_raises_for_the_api() -> None:
    """Each status as its own class, with the type of the error and the id of the request."""
    async with official() as (anthropic, _, client):
        for status, name in RAISED.items():
            with pytest.raises(anthropic.APIStatusError) as raised:
                await client.messages.create(**body(), extra_headers={"x-simulate-fault": status})
            assert type(raised.value).__name__ == name, status
            assert raised.value.request_id.startswith("req_")


@clause("fidelity")
async def the_sdk_speaks_http_1() -> None:
    """It does not ask for HTTP/2, so nor does the simulator speak it."""
    async with official() as (_, _, client):
        raw = await client.messages.with_raw_response.create(**body())
        assert raw.http_response.http_version == "HTTP/1.1"


@clause("fidelity")
async def the_sdk_counts_tokens() -> None:
    """As many as the message is billed."""
    async with official() as (_, _, client):
        asked = body(max_tokens=None)
        counted = await client.messages.count_tokens(**asked)
        assert counted.input_tokens == (await client.messages.create(**body())).usage.input_tokens
