"""Sessions as a service would hold them: many conversations of one process, on one live client and one run store.

`python -m tests.torture.sessions MODE ...` in a project's folder prints a line of JSON. It is a process of its own, so
that its core, its CPU time and its memory are its own too.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.agent.events import Entry, RunEnded, ToolCalled, ToolReturned  # noqa: E402  found from here on
from agentctl.agent.ports import Hear  # noqa: E402
from agentctl.agent.request import stable_part  # noqa: E402
from agentctl.agent.tools import LiveTools  # noqa: E402
from agentctl.cli.session import Conversation, Session, open_session  # noqa: E402
from tests.torture.counter import answer  # noqa: E402

TURNS: Final = 3
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MEGA: Final = 1024 * 1024


@dataclass(slots=True)
class Held:
    """What is seen of all sessions. A turn is what passes from the last word or result to the next act or the end."""

    turns: list[float] = field(default_factory=list)
    """Wall seconds of each model turn, with all that is stored in it and without the tools."""
    wrong: list[str] = field(default_factory=list)
    sessions: int = 0
    at_once: int = 0
    most: int = 0


class Watch:
    """A sink that stands behind the store's and takes the time of each turn."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._began = time.perf_counter()

    def __call__(self, entry: Entry) -> None:
        """Takes the time."""
        now = time.perf_counter()
        if isinstance(entry.event, ToolCalled | RunEnded):
            self._held.turns.append(now - self._began)
        elif isinstance(entry.event, ToolReturned):
            self._began = now


def says(text: str) -> Hear:
    """Says one thing."""
    waiting = [text]

    async def hear() -> str | None:
        return waiting.pop() if waiting else None

    return hear


async def one(session: Session, number: int, held: Held) -> None:
    """One session of three turns and two tools, held to its answer."""
    held.at_once += 1
    held.most = max(held.most, held.at_once)
    conversation, watch = Conversation(session), Watch(held)
    try:
        run = await conversation.go(says(f"Where is ORD-{number}?"), sinks=[watch])
    except Exception as error:  # noqa: BLE001  each is counted; the others go on
        held.wrong.append(f"session {number}: {type(error).__name__}: {error}")
    else:
        reason = run.ended.reason if run.ended is not None else "no end"
        if run.text != answer(number) or reason != "completed" or run.failures or run.turns != TURNS:
            message = run.ended.message if run.ended is not None else ""
            held.wrong.append(f"session {number}: {reason} {message}: {run.text!r}, {len(run.failures)} failures")
    held.at_once -= 1
    held.sessions += 1


async def load(session: Session, at_once: int, each: int, latency: float) -> dict[str, Any]:
    """`at_once` sessions all the time, `each` of them one after the other in so many places; they start spread out."""
    held = Held()
    await one(session, 0, held)  # what is loaded once is not theirs to pay
    held.turns.clear()
    cpu, waited, began = time.process_time(), queued(), time.perf_counter()

    async def place(number: int) -> None:
        await asyncio.sleep(TURNS * latency * number / at_once)
        for round_ in range(each):
            await one(session, 1 + number + round_ * at_once, held)

    async with asyncio.TaskGroup() as group:
        for number in range(at_once):
            group.create_task(place(number))
    return {
        "added": [turn - latency for turn in held.turns],
        "wrong": held.wrong,
        "sessions": held.sessions - 1,
        "most": held.most,
        "cpu": time.process_time() - cpu,
        "queued": queued() - waited,
        "seconds": time.perf_counter() - began,
    }


async def idle(session: Session, at_once: int) -> dict[str, Any]:
    """MiB that a session takes which was answered once and waits for its user."""
    held, leave = Held(), asyncio.Event()
    await one(session, 0, held)
    before = resident()
    waiting = asyncio.Semaphore(0)  # of those who wait

    async def talk(number: int) -> None:
        said = says(f"Where is ORD-{number}?")

        async def hear() -> Any:
            word = await said()
            if word is None:
                waiting.release()
                await leave.wait()
            return word

        await Conversation(session).go(hear)

    tasks = [asyncio.create_task(talk(1 + number)) for number in range(at_once)]
    for _ in tasks:
        await waiting.acquire()
    each = (resident() - before) / at_once
    leave.set()
    await asyncio.gather(*tasks)
    return {"wrong": held.wrong, "each": each / MEGA, "base": before / MEGA}


async def ours(session: Session, number: int) -> dict[str, Any]:
    """CPU seconds of a turn, of sessions one after the other: half of them take no longer."""
    held = Held()
    took = [await _cpu(one(session, at, held)) / TURNS for at in range(number)]
    return {"wrong": held.wrong, "turn": statistics.median(took)}


async def bare(session: Session, number: int) -> dict[str, Any]:
    """The same of a loop that has the SDK and the tools, and nothing else: no store, no checks, no limits."""
    import anthropic  # noqa: PLC0415  for this mode only

    wrong: list[str] = []
    stable = stable_part(session.agent)
    del stable["stream"]
    tools = LiveTools(session.agent, Path.cwd())

    async def loop(client: anthropic.AsyncAnthropic, at: int) -> None:
        messages: list[Any] = [{"role": "user", "content": f"Where is ORD-{at}?"}]
        while True:
            async with client.messages.stream(**stable, messages=messages) as stream:
                reply = await stream.get_final_message()
            messages.append({"role": "assistant", "content": reply.content})
            results = []
            for block in reply.content:
                if block.type == "tool_use":
                    result = await tools.call(ToolCalled(block.id, block.name, dict(block.input)))
                    results.append({"type": "tool_result", "tool_use_id": block.id, "content": result.content})
            if not results:
                break
            messages.append({"role": "user", "content": results})
        if reply.content[-1].text != answer(at):
            wrong.append(f"the bare loop was told {reply.content[-1].text!r}")

    async with anthropic.AsyncAnthropic(max_retries=0) as client:
        took = [await _cpu(loop(client, at)) / TURNS for at in range(number)]
    return {"wrong": wrong, "turn": statistics.median(took)}


async def _cpu(work: Awaitable[None]) -> float:
    began = time.process_time()
    await work
    return time.process_time() - began


def queued() -> float:
    """Seconds this process was ready to go on and its core was at something else: not ours, and not the store's."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def resident() -> int:
    """Bytes of memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def _main(mode: str, *given: str) -> dict[str, Any]:
    work: Callable[..., Awaitable[dict[str, Any]]] = {"load": load, "idle": idle, "ours": ours, "bare": bare}[mode]
    async with open_session("counter", simulate=False) as session:
        numbers = [int(given[0]), *([int(given[1]), float(given[2])] if mode == "load" else [])]
        return await work(session, *numbers)


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.write(json.dumps(asyncio.run(_main(*sys.argv[1:]))))
