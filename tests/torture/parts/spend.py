"""Many calls at once against one cap on cost: what is spent never exceeds it, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final

from agentctl.agent.ports import Request, WireReply
from agentctl.errors import CapReached, Unreachable
from agentctl.evals.purse import CappedWire, Habits, Purse
from agentctl.model.pricing import price
from tests.torture.part import Outcome, Part, Trial

CALLS: Final = 1_000
FIT: Final = 50
"""Calls that the cap has room for; the last one of them may be expected to cost more than it does, and be refused."""

MODEL: Final = "claude-sonnet-4-5"
USAGE: Final = {"input_tokens": 2_000, "output_tokens": 1_000}
REQUEST: Final = Request({"model": MODEL, "max_tokens": 1_000, "messages": [{"role": "user", "content": "x" * 6_000}]})
"""So long that more input is expected of it than it takes: what a call costs stays below what it was given."""

REPLY: Final = json.dumps({
    "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "usage": USAGE,
    "content": [{"type": "text", "text": "Done."}], "stop_reason": "end_turn", "stop_sequence": None,
}).encode()  # fmt: skip


@dataclass(slots=True)
class Till:
    """A wire that answers when chance wants it, and counts by how it ended what it really charged for."""

    chance: Random
    mishaps: float
    sent: int = 0
    billed: int = 0

    async def send(self, _request: Request) -> WireReply:
        """A whole reply; or a refusal, which is free, or one that breaks off, which may have been charged for."""
        self.sent += 1
        await self._wait()
        mishap = self.chance.random() / self.mishaps if self.mishaps else 1.0
        if mishap < 1 / 3:
            return WireReply(429, {"content-type": "application/json"}, _pieces(b"{}"))
        self.billed += 1
        if mishap < 2 / 3:
            raise Unreachable("the connection broke", type="connection_error", retryable=True)
        return WireReply(200, {"content-type": "application/json"}, self._body(broken=mishap < 1))

    async def _body(self, *, broken: bool) -> AsyncIterator[bytes]:
        yield REPLY[:100]
        await self._wait()
        if broken:
            raise Unreachable("the connection broke", type="connection_error", retryable=True)
        yield REPLY[100:]

    async def _wait(self) -> None:
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _crowd(wire: CappedWire, chance: Random, cancels: float) -> Counter[str]:
    """How as many calls ended that all began at once, some of them cancelled on the way."""

    async def call() -> str:
        try:
            reply = await wire.send(REQUEST)
            async for _ in reply.body:
                pass
        except CapReached:
            return "refused"
        except Unreachable:
            return "broken"
        return "answered" if reply.status == 200 else "turned away"

    tasks = [asyncio.ensure_future(call()) for _ in range(CALLS)]
    for task in tasks:
        if chance.random() < cancels:
            asyncio.get_running_loop().call_soon(task.cancel)
    ends: Counter[str] = Counter()
    async with asyncio.timeout(60):
        for task in tasks:
            with suppress(asyncio.CancelledError):
                ends[await task] += 1
    return ends


def _capped(trial: Trial) -> Outcome:
    each = price(MODEL, USAGE)
    assert each is not None, "the price of the model is not known"
    wrong: list[str] = []
    for number in range(trial.rounds):
        chance = Random(f"{trial.seed}:{number}")
        calm = number % 2 == 0
        till = Till(chance, mishaps=0.0 if calm else 0.3)
        cap = each * FIT
        purse = Purse(cap)
        wire = CappedWire(till, purse, Habits("anthropic"))
        ends = asyncio.run(_crowd(wire, chance, 0.0 if calm else 0.1))
        charged = each * till.billed
        if calm and not (FIT - 1 <= ends["answered"] <= FIT and purse.spent == charged):
            wrong.append(f"{trial.seed}:{number}: {ends['answered']} answered, {purse.spent} of {cap} spent")
        if charged > cap or purse.spent > cap or purse.spent < charged or purse.under_way:
            wrong.append(f"{trial.seed}:{number}: {charged} charged, {purse.spent} booked of {cap}")
    figures = f"{trial.rounds} crowds of {CALLS:,} calls: {len(wrong)} overshot"
    return Outcome(not wrong and trial.rounds > 1, f"{figures}; no calm one left room for two more", tuple(wrong))


PARTS: Final = [Part(("F35",), "one cap on cost, many calls at once", 10, 200, _capped)]
