"""Finished runs to judge, and the score that an assertion, as it is written in a suite, gives one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentctl.agent.events import Event, ModelAsked, RunEnded, RunStarted, ToolCalled, ToolReturned, UserSaid
from agentctl.agent.run import Run
from agentctl.evals.assertions import assertion_of
from agentctl.evals.scorers import score
from agentctl.evals.scorers.outcome import Outcome, outcome_of
from agentctl.evals.scorers.score import Score
from support.scripted import call, reply, text

Step = tuple[str, dict[str, Any]]


def ran(*steps: Step, answer: str = "It is shipped.", end: str = "completed") -> Outcome:
    """A finished run: one turn for each call, then the answer."""
    events: list[Event] = [RunStarted("test@1", "", "claude-sonnet-5-5"), UserSaid("Hi")]
    for number, (name, input_) in enumerate(steps, 1):
        call_id = f"toolu_{number}"
        events += [
            ModelAsked(number, "claude-sonnet-5-5"),
            reply(call(name, call_id, **input_)),
            ToolCalled(call_id, name, input_),
            ToolReturned(call_id, name, "ok"),
        ]
    events += [ModelAsked(len(steps) + 1, "claude-sonnet-5-5"), reply(text(answer)), RunEnded(end)]
    return outcome_of(Run.of(events), cost_usd=Decimal("0.02"))


def judge(raw: Any, outcome: Outcome) -> Score:
    """The score of an assertion as it is written in a suite."""
    return score(assertion_of(raw), outcome)
