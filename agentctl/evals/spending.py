"""What an evaluation was allowed to spend and spent, and the cases it did not come to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agentctl.agent.events import JsonObject


@dataclass(frozen=True, slots=True)
class Spending:
    """USD at list prices; `reached` says whether a call was refused because the next ones would exceed the cap."""

    cap: Decimal
    spent: Decimal
    reached: bool

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {"max_cost_usd": float(self.cap), "spent_usd": float(self.spent), "reached": self.reached}


@dataclass(frozen=True, slots=True)
class Unplayed:
    """A case that was to be played and has no result: the money did not last, or somebody interrupted."""

    suite: str
    file: str
    id: str
    line: int
    repeats: int

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {"suite": self.suite, "file": self.file, "id": self.id, "line": self.line, "repeats": self.repeats}


@dataclass(slots=True)
class Ticket:
    """One case that is being played."""

    refused: bool = False
    """Whether a call of it was."""


PLAYING: Final[ContextVar[Ticket | None]] = ContextVar("playing", default=None)
