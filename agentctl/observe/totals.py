"""What a run has used so far, counted entry by entry. One price that is not known makes the sum a lower bound."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.agent.run import Usage
from agentctl.observe.figures import count, dollars, seconds, tokens

Price: TypeAlias = Callable[[str, JsonObject], "Decimal | None"]
"""USD for one reply's wire `usage` on a model; None when it is not known."""


class Totals:
    """Turns, tool calls, tokens, USD and the time in which the user waited. Without `price` nothing is said of cost."""

    def __init__(self, price: Price | None = None) -> None:
        self._price = price
        self.turns = 0
        self.replies = 0
        self.calls = 0
        self.from_cache = 0
        """Answers that no model was asked for."""
        self.usage = Usage()
        self.cost = Decimal(0)
        self.unpriced = 0
        """Replies whose price is not known."""
        self._waited = 0.0
        self._said_at = 0.0
        self._last_at = 0.0

    def said(self, at: float) -> None:
        """The user spoke: from here on they wait."""
        self._waited = self.waited
        self._said_at = self._last_at = at

    def replied(self, event: ModelReplied, at: float) -> Decimal | None:
        """Counts a reply; returns its price."""
        self.replies += 1
        self.usage += Usage.of(event.usage)
        self._last_at = at
        cost = self._price(event.model, event.usage) if self._price is not None else None
        if cost is None:
            self.unpriced += 1
        else:
            self.cost += cost
        return cost

    def recalled(self, at: float) -> None:
        """Counts an answer that no model was asked for."""
        self.from_cache += 1
        self._last_at = at

    def returned(self, at: float) -> None:
        """Counts a tool call."""
        self.calls += 1
        self._last_at = at

    @property
    def waited(self) -> float:
        """Seconds from each thing the user said to the last thing that came of it."""
        return self._waited + max(self._last_at - self._said_at, 0.0)

    def cost_parts(self, cost: Decimal | None) -> list[str]:
        """For the line of one reply: its own cost and, from the second on, the sum."""
        if self._price is None:
            return []
        return [dollars(cost), *([f"total {self._sum}"] if self.replies > 1 and self.unpriced < self.replies else [])]

    def parts(self) -> list[str]:
        """`2 turns`, `1 tool call`, `2.10 s`, `2,406 in`, `112 out`, `$0.0068`."""
        waited = [seconds(self.waited)] if self._said_at else []
        cost = [] if self._price is None else [self._sum]
        cached = [count(self.from_cache, "cached answer")] if self.from_cache else []
        return [count(self.turns, "turn"), *cached, count(self.calls, "tool call"), *waited, *tokens(self.usage), *cost]

    @property
    def _sum(self) -> str:
        if not self.unpriced:
            return dollars(self.cost)
        return dollars(None) if self.unpriced == self.replies else f"≥ {dollars(self.cost)}"
