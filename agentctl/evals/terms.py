"""What a suite says of a case beside its input and its checks: how its repeats count, with whom, and whether it gates.

A quarantine is a promise with a date: until then failures of the case are shown and fail nothing; after it the
quarantine itself fails, so that nobody forgets the case. Whether that day has come is asked of a date, not of a clock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, TypeAlias

from agentctl.agent.events import JsonObject
from agentctl.errors import UsageError

TODAY: Final = "AGENTCTL_TODAY"
"""The variable that says which day it is, as 2026-12-31; without it the clock does, in UTC."""

ROUNDING: Final = 1e-9

Enough: TypeAlias = Literal["all", "any"] | float
"""How many of a case's repeats must pass: all, any one, or this share of those that gave a verdict."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Failures that are known: who looks after them, why, and the last day on which they fail nothing."""

    owner: str
    reason: str
    until: date

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.until

    def days_left(self, today: date) -> int:
        """Days until its last one; negative when that is over."""
        return (self.until - today).days

    def to_json(self, today: date) -> JsonObject:
        """The quarantine as it stands in the document, on that day."""
        return {
            "owner": self.owner,
            "reason": self.reason,
            "until": self.until.isoformat(),
            "expired": self.expired(today),
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for one case."""

    group: str = ""
    """Cases of one group are not independent of each other; without one the case is a group of its own."""
    enough: Enough = "all"
    quarantine: Quarantine | None = None

    def satisfied(self, passed: int, judged: int) -> bool | None:
        """Whether so many passes of so many verdicts are enough; None without a verdict."""
        if not judged:
            return None
        if self.enough == "all":
            return passed == judged
        if self.enough == "any":
            return passed > 0
        return passed >= self.enough * judged - ROUNDING


DEFAULT: Final = Terms()


def today() -> date:
    """The day it is: what `AGENTCTL_TODAY` says, else the clock's, in UTC.

    Raises:
        UsageError: the variable holds no date.
    """
    said = os.environ.get(TODAY)
    if not said:
        return datetime.now(UTC).date()
    try:
        return day_of(said)
    except ValueError:
        raise UsageError(f"{TODAY} is {said!r}, which is no date", hint="a date is written 2026-12-31") from None


def day_of(text: str) -> date:
    """The date that `text` names, as in 2026-12-31.

    Raises:
        ValueError: it names none, or in another form.
    """
    day = date.fromisoformat(text)
    if day.isoformat() != text:  # fromisoformat takes 20261231 and 2026-W53-4 too
        raise ValueError(text)
    return day
