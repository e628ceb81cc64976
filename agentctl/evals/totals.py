"""Sums over cases, and over suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.evals.marks import Judging, Reused, judging_of, sum_of

STATUSES: Final = ("pass", "fail", "error", "stale", "missing", "stopped")
"""pass and fail are verdicts on the agent; the others say that there is none. A stopped run is scored all the same, as
far as it went."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over cases. Cost is None as soon as the cost of one run is not known."""

    counts: dict[str, int]
    turns: int
    tool_calls: int
    usage: Usage
    cost_usd: Decimal | None
    seconds: float
    reused: Reused
    stale_matched: int
    """Runs that were scored on answers to something else than would be asked now."""
    judging: Judging | None = None
    """What judges took, beside all that stands above."""

    @property
    def cases(self) -> int:
        """Every run of a case, whatever came of it."""
        return sum(self.counts.values())

    @property
    def pass_rate(self) -> float | None:
        """Passes among the verdicts; what gave no verdict is no failure of the agent. None without a verdict."""
        judged = self.counts["pass"] + self.counts["fail"]
        return self.counts["pass"] / judged if judged else None

    def to_json(self) -> JsonObject:
        """The totals as they stand in the document."""
        return {
            "cases": self.cases,
            **self.counts,
            "pass_rate": self.pass_rate,
            "turns": self.turns,
            "tool_calls": self.tool_calls,
            "usage": self.usage.to_json(),
            "cost_usd": _usd(self.cost_usd),
            "seconds": round(self.seconds, 3),
            "reused": self.reused.to_json(),
            "stale_matched": self.stale_matched,
            **({} if self.judging is None else {"judging": self.judging.to_json()}),
        }


def sum_of_totals(parts: Sequence[Totals]) -> Totals:
    """All of these together."""
    known = [part.cost_usd for part in parts if part.cost_usd is not None]
    return Totals(
        counts={status: sum(part.counts[status] for part in parts) for status in STATUSES},
        turns=sum(part.turns for part in parts),
        tool_calls=sum(part.tool_calls for part in parts),
        usage=sum((part.usage for part in parts), Usage()),
        cost_usd=sum(known, Decimal(0)) if len(known) == len(parts) else None,
        seconds=sum(part.seconds for part in parts),
        reused=sum_of(part.reused for part in parts),
        stale_matched=sum(part.stale_matched for part in parts),
        judging=judging_of(part.judging for part in parts),
    )


def _usd(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)
