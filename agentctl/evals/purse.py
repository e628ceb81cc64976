"""A cap on what an evaluation may spend: no call starts unless what it will probably cost is still there.

What is spent plus what the calls under way were given never exceeds the cap, so the cap can be overshot only by what
calls under way cost beyond what was expected of them. A call that does not fit waits while others are under way (they
may cost less than expected); when none is, the cap is reached. Then no further case begins.

What a call will cost is not known before. It is expected to cost as much as the dearest of the agent's last calls, more
where its request is longer. Before there was one: full price for its input, and for an output as long as the longest
that is recorded, or `max_tokens`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Final, Protocol

import orjson

from agentctl.agent.ports import Request, WireReply
from agentctl.errors import AgentctlError, CapReached
from agentctl.evals.plan import Job
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult
from agentctl.evals.spending import PLAYING, Spending
from agentctl.model.decode import decode_reply
from agentctl.model.pricing import price

TOKENS_PER_BYTE: Final = 0.4
"""Of a request, before one was counted: English is about 0.25, JSON and code are denser."""

LAST: Final = 8
"""Calls that say what the next one costs: the first of a conversation fills a cache, those after it read from it."""

FINEST: Final = Decimal("1e-9")
"""USD: expectations have no more digits than this."""

OK: Final = range(200, 300)


class Purse:
    """USD: what is spent, what is given to calls under way, and the cap that both together stay under."""

    def __init__(self, cap: Decimal) -> None:
        self.cap = cap
        self.spent = Decimal(0)
        self.given = Decimal(0)
        self.under_way = 0
        """Calls that were given something: counted, since sums of fractions leave crumbs."""
        self.closed = False
        """Whether a call was refused."""
        self._settled = asyncio.Event()

    async def take(self, expected: Decimal) -> None:
        """Gives `expected` to a call that is about to start, as soon as it is there.

        Raises:
            CapReached: it is not, and no call under way could bring any of it back.
        """
        while self.spent + self.given + expected > self.cap or self.spent >= self.cap:
            if not self.under_way:
                self.closed = True
                message = f"${self.spent:.4f} of ${self.cap} are spent; the next call takes about ${expected:.4f}"
                raise CapReached(message, hint="raise --max-cost")
            self._settled.clear()
            await self._settled.wait()
        self.given += expected
        self.under_way += 1

    def settle(self, expected: Decimal, cost: Decimal) -> None:
        """Takes back what a call was given, and books what it cost."""
        self.under_way -= 1
        self.given = self.given - expected if self.under_way else Decimal(0)
        self.spent += cost
        self._settled.set()

    @property
    def spending(self) -> Spending:
        """What is to be reported."""
        return Spending(self.cap, self.spent, reached=self.closed)


@dataclass(slots=True)
class Habits:
    """What calls of one agent take."""

    provider: str
    longest: int = 0
    """Output tokens of its longest recorded reply; 0 when there is none."""
    last: deque[tuple[Decimal, int]] = field(default_factory=lambda: deque(maxlen=LAST))
    """USD and bytes of the request of its last calls."""

    def expect(self, request: Request, size: int) -> Decimal:
        """USD that this call will probably cost.

        Raises:
            CapReached: the model's price is not known, so that no cap could be kept.
        """
        if self.last:
            dearest = max(cost * max(size, before) / before for cost, before in self.last)
            return dearest.quantize(FINEST, ROUND_UP)
        output = self.longest or request.body.get("max_tokens") or 0
        model = request.body["model"]
        usage = {"input_tokens": int(size * TOKENS_PER_BYTE), "output_tokens": output}
        usd = price(model, usage, self.provider)
        if usd is None:
            raise CapReached(f"the price of {model} is not known", hint="leave out --max-cost")
        return usd


class OpenWire(Protocol):
    """A live wire that counts the requests that left."""

    sent: int

    async def send(self, request: Request) -> WireReply:
        """See `ports.Wire`."""
        ...


class CappedWire:
    """A wire whose calls are paid from a purse; a reply that breaks off costs what was expected of it."""

    def __init__(self, wire: OpenWire, purse: Purse, habits: Habits) -> None:
        self._wire, self._purse, self._habits = wire, purse, habits

    @property
    def sent(self) -> int:
        """Requests that left."""
        return self._wire.sent

    @sent.setter
    def sent(self, number: int) -> None:
        self._wire.sent = number

    async def send(self, request: Request) -> WireReply:
        """Sends when there is money for it. See `ports.Wire` for what else it raises.

        Raises:
            CapReached: there is none left.
        """
        size = len(orjson.dumps(request.body))
        try:
            expected = self._habits.expect(request, size)
            await self._purse.take(expected)
        except CapReached:
            ticket = PLAYING.get()
            if ticket is not None:
                ticket.refused = True
            raise
        try:
            reply = await self._wire.send(request)
        except BaseException:  # whether it was billed is not known
            self._purse.settle(expected, expected)
            raise
        if reply.status not in OK:
            self._purse.settle(expected, Decimal(0))
            return reply
        return WireReply(reply.status, reply.headers, self._read(reply, request, expected, size), reply.requested)

    async def _read(self, reply: WireReply, request: Request, expected: Decimal, size: int) -> AsyncIterator[bytes]:
        kept: list[bytes] = []
        try:
            async for chunk in reply.body:
                kept.append(chunk)
                yield chunk
        finally:
            cost = self._cost(reply, b"".join(kept), request, size)
            self._purse.settle(expected, expected if cost is None else cost)
            close = getattr(reply.body, "aclose", None)
            if close is not None:
                await close()

    def _cost(self, reply: WireReply, body: bytes, request: Request, size: int) -> Decimal | None:
        """What a finished reply cost; None when it is not known."""
        try:
            replied = decode_reply(reply.status, reply.headers, body)
        except AgentctlError:
            return None
        cost = price(replied.model or request.body["model"], replied.usage, self._habits.provider)
        if cost is not None:
            self._habits.last.append((cost, size))
        return cost


class Player(Protocol):
    """An `evaluate.Player`."""

    recorded: list[Path]
    apart: bool

    @property
    def sent(self) -> int:
        """Requests sent to a model."""
        ...

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat."""
        ...


@dataclass(slots=True)
class CappedPlayer:
    """A player that leaves cases unplayed once the purse is closed: they have no results at all.

    One that is cut off by it has none either: see `evaluate`. What it has recorded until then is kept by who records.
    """

    player: Player
    purse: Purse
    records: Callable[[Job], bool]
    """Whether a case goes live from its start."""
    recorded: list[Path] = field(init=False)
    apart: bool = field(init=False)

    def __post_init__(self) -> None:
        self.recorded, self.apart = self.player.recorded, self.player.apart

    @property
    def sent(self) -> int:
        """Requests sent to a model."""
        return self.player.sent

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat; none for a case that would only be cut off."""
        if self.purse.closed and self.records(job):
            return []
        return await self.player.play(job, prices)
