"""The loop a user writes by hand on the SDK, over a transport that answers from memory; the same four assertions.

With `stream` as a second argument replies come as event streams, the bytes that our recordings hold; else as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import anthropic
import httpx2
from workload import CARD, E_MAIL, MODEL, SECURITY_NUMBER, SYSTEM, TOOLS

folder = Path(sys.argv[1])
cases = json.loads((folder / "cases.json").read_text())
streams = sys.argv[2:] == ["stream"]
bodies = (
    [stream.encode() for stream in json.loads((folder / "streams.json").read_text())]
    if streams
    else (folder / "bodies.jsonl").read_bytes().splitlines()
)
kind = "text/event-stream" if streams else "application/json"
turns = {case["input"]: number * 3 for number, case in enumerate(cases)}


def answer(request: httpx2.Request) -> httpx2.Response:
    """The canned reply to the request: found by its first user text and its length."""
    messages = json.loads(request.content)["messages"]
    number = turns[messages[0]["content"]] + len(messages) // 2
    return httpx2.Response(200, headers={"content-type": kind}, content=bodies[number])


async def ask(client: Any, messages: list[Any]) -> Any:
    """One request, its reply whole."""
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 1024, "system": SYSTEM, "tools": TOOLS, "messages": messages}
    if not streams:
        return await client.messages.create(**asked)
    async with client.messages.stream(**asked) as stream:
        return await stream.get_final_message()


async def talk(client: Any, case: dict[str, Any]) -> tuple[str, list[str], int]:
    """One case: asks until the model wants no more tools."""
    messages: list[Any] = [{"role": "user", "content": case["input"]}]
    called: list[str] = []
    while True:
        reply = await ask(client, messages)
        messages.append(
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]}
        )
        results = []
        for block in reply.content:
            if block.type == "tool_use":
                result = case["results"][len(called)]
                called.append(block.name)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": result})
        if not results:
            return reply.content[0].text, called, len(messages) // 2
        messages.append({"role": "user", "content": results})


async def main() -> None:
    """All cases, one after the other, on one client."""
    transport = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    client = anthropic.AsyncAnthropic(
        api_key="none", base_url="http://memory.invalid", max_retries=0, http_client=transport
    )
    passed = 0
    for case in cases:
        text, called, count = await talk(client, case)
        passed += (
            case["contains"] in text
            and called == case["sequence"]
            and count <= case["max_turns"]
            and not any(re.search(pattern, text) for pattern in (E_MAIL, CARD, SECURITY_NUMBER))
        )
    print(json.dumps({"cases": len(cases), "passed": passed}))


asyncio.run(main())
