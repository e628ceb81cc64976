"""What is to be known of a verdict beside it: what of the run came from a recording, and where it left that.

A recorded answer is worth what it was recorded for; these say how much of that a reader may take for granted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.cassette.nearest import Difference


class Reused(Struct, frozen=True):
    """Turns that were served from recordings, and what they cost when they were live. Input is of every kind."""

    turns: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """None when the price of one of them is not known."""

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {
            "turns": self.turns,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": None if self.cost_usd is None else float(self.cost_usd),
        }


def reused_of(turns: int, usage: Usage, cost_usd: Decimal | None) -> Reused:
    """What turns with this usage and this price would have taken."""
    return Reused(turns, usage.all_input, usage.output_tokens, cost_usd)


def sum_of(parts: Iterable[Reused | None]) -> Reused:
    """All of these together. What is free of turns is free of costs."""
    known = [part for part in parts if part is not None and part.turns]
    costs = [part.cost_usd for part in known if part.cost_usd is not None]
    return Reused(
        sum(part.turns for part in known),
        sum(part.input_tokens for part in known),
        sum(part.output_tokens for part in known),
        sum(costs, Decimal(0)) if len(costs) == len(known) else None,
    )


class Parted(Struct, frozen=True):
    """Where a run asked for something that its recording does not hold, and what was done about it."""

    turn: int
    """The model turn (from 1) that was asked for, or whose tool was called."""
    action: str
    """`fail`, `stop` or `live`."""
    reason: str
    differences: tuple[Difference, ...] = ()
    """To the nearest recorded request; none when the same request was recorded less often, or a tool's code changed."""

    @property
    def about(self) -> str:
        """What differs, in a few words."""
        return ", ".join(dict.fromkeys(each.about for each in self.differences)) or self.reason.partition("\n")[0]

    def to_json(self) -> JsonObject:
        """As it stands in the document; long values are shown where they differ."""
        return {
            "turn": self.turn,
            "action": self.action,
            "reason": self.reason,
            "differences": [
                {
                    "interaction": each.interaction,
                    "path": each.path,
                    "component": each.component,
                    "about": each.about,
                    "values": list(each.values),
                }
                for each in self.differences
            ],
        }


class Again(Struct, frozen=True):
    """The command that records a case again, and what that takes when it goes as it went."""

    command: str
    recorded: Reused

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {"command": self.command, **self.recorded.to_json()}


class Judging(Struct, frozen=True):
    """What judges took for the verdicts on a case, whenever they were asked; it is no part of what the agent took."""

    votes: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """None when the price of one vote is not known."""
    straddling: int = 0
    """Verdicts whose votes stand on both sides of the threshold."""

    def __add__(self, other: Judging) -> Judging:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Judging(
            self.votes + other.votes,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            (self.cost_usd or Decimal(0)) + (other.cost_usd or Decimal(0)) if known else None,
            self.straddling + other.straddling,
        )

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {
            "votes": self.votes,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "straddling": self.straddling,
        }


def judging_of(parts: Iterable[Judging | None]) -> Judging | None:
    """All of these together; None where nobody judged."""
    known = [part for part in parts if part is not None]
    return sum(known, Judging(0, 0, 0, Decimal(0))) if known else None
