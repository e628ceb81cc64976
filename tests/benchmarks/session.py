"""One session of many tool turns from a recording: what a turn costs as the conversation grows.

Records a session of `turns` tool turns in memory, then replays it through the real wire, decoder, fold and loop, with a
mark at every tool call. Prints the marks (CPU seconds of the process) as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from workload import MODEL, SYSTEM, TOOLS, build, sse

from agentctl.agent.drive import drive
from agentctl.agent.events import ToolCalled, ToolReturned
from agentctl.agent.ports import Request, WireReply
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, Limits, ToolSpec
from agentctl.cassette.file import read
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.record import RecordingTools, RecordingWire, Tape, save
from agentctl.cassette.tape import Header
from agentctl.model.client import WireModel

CASE = build(1)[0]


def agent(turns: int) -> Agent:
    """The support agent, allowed that many turns."""
    specs = tuple(ToolSpec(tool["name"], tool, handler="none.py:none") for tool in TOOLS)
    limits = Limits(max_turns=turns + 1, max_seconds=None)
    return Agent("bench", "1", MODEL, SYSTEM, {"max_tokens": 1024}, specs, limits)


class Canned:
    """A wire that asks for the order again and again, and then answers."""

    def __init__(self, turns: int) -> None:
        self.left = turns

    async def send(self, _request: Request) -> WireReply:
        """The next canned reply."""
        self.left -= 1
        use = {
            "type": "tool_use",
            "id": f"toolu_{self.left:06d}",
            "name": "get_order_details",
            "input": {"order_id": "1"},
        }
        text = {"type": "text", "text": f"Order number {self.left}: let me see."}
        reply = {
            "id": f"msg_{self.left}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [text, use] if self.left >= 0 else [text],
            "stop_reason": "tool_use" if self.left >= 0 else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 20},
        }

        async def body() -> AsyncIterator[bytes]:
            yield sse(reply)

        return WireReply(200, {"content-type": "text/event-stream"}, body())


class CannedTools:
    """Tools with one answer."""

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The order."""
        return ToolReturned(call.call_id, call.name, CASE["results"][1])


class Marked:
    """Recorded tools, with a mark at every call."""

    def __init__(self, tools: RecordedTools) -> None:
        self.tools = tools
        self.marks: list[float] = []

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The recorded answer."""
        self.marks.append(time.process_time())
        return await self.tools.call(call)


def user() -> Callable[[], Awaitable[str | None]]:
    """Says one thing."""
    said = [CASE["input"]]

    async def hear() -> str | None:
        return said.pop() if said else None

    return hear


async def session(turns: int, path: Path) -> list[float]:
    """Records, replays; the marks of the replay."""
    spec, tape = agent(turns), Tape()
    recording = WireModel(RecordingWire(Canned(turns), tape))
    await drive(spec, Run(), model=recording, tools=RecordingTools(CannedTools(), tape), hear=user())
    save(path, Header("bench", "session", spec.ref, "", {}, "2026-11-23T00:00:00Z", "agentctl", "memory"), [tape])
    cassette = read(path)
    tools = Marked(RecordedTools(cassette))
    run = await drive(spec, Run(), model=WireModel(RecordedWire(cassette)), tools=tools, hear=user())
    assert run.ended is not None
    assert run.ended.reason == "completed", run.ended
    return [*tools.marks, time.process_time()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(session(int(sys.argv[1]), Path(folder) / "session.yaml"))))
