"""What a case says of its simulated user, as values; light, since every suite that is loaded knows the type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentctl.agent.events import JsonObject
from agentctl.config.canonical import digest
from agentctl.config.persona import Persona

PERSONA = "user persona"
GOAL = "user goal"
"""The components of a recording that are its user's."""


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """Who speaks in a case, what they want and know, and how often they may speak."""

    ref: str
    """The persona, as the suite names it."""
    goal: str
    facts: Mapping[str, str | int] = field(default_factory=dict)
    max_turns: int = 8
    persona: Persona | None = None
    """None until the suite's references are looked up."""

    @property
    def components(self) -> dict[str, str]:
        """The digests of what shapes the user's part of a recording."""
        assert self.persona is not None
        goal: JsonObject = {"goal": self.goal, "facts": dict(self.facts), "max_turns": self.max_turns}
        return {PERSONA: self.persona.bundle, GOAL: digest(goal)}


@dataclass(frozen=True, slots=True)
class Left:
    """How a simulated user ended the conversation; `why` is `reached`, `gave_up` or `max_turns`."""

    why: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UserPart:
    """What is to be known of the user's part in a run."""

    persona: str
    turns: int
    left: Left | None
    """None when the run ended before the user did."""
    fault: str = ""
    """Why the failure is the user's; empty when it is not, or not for sure."""

    def to_json(self) -> JsonObject:
        """The fields of a result's case that tell of it."""
        left = self.left
        told = {
            "persona": self.persona,
            "turns": self.turns,
            "left": None if left is None else left.why,
            "reason": "" if left is None else left.reason,
        }
        return {"user": told, "user_fault": self.fault or None}
