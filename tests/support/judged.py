"""Finished runs to judge, and the score that an assertion, as it is written in a suite, gives one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agentctl.agent.events import Event, ModelAsked, RunEnded, RunStarted, ToolCalled, ToolReturned, UserSaid
from agentctl.agent.run import Run
from agentctl.agent.values import replace
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


def conversation(*turns: tuple[str, str], end: str = "completed", stop: str = "end_turn") -> Outcome:
    """A finished run of several turns of the user, each with its answer; one with "search" calls that tool first."""
    events: list[Event] = [RunStarted("test@1", "", "claude-sonnet-5-5")]
    asked = 0
    for number, (said, answer) in enumerate(turns, 1):
        events.append(UserSaid(said))
        if answer.startswith("search"):
            asked += 1
            call_id = f"toolu_{number}"
            events += [
                ModelAsked(asked, "claude-sonnet-5-5"),
                reply(call("search", call_id, turn=number)),
                ToolCalled(call_id, "search", {"turn": number}),
                ToolReturned(call_id, "search", "ok"),
            ]
        asked += 1
        stopped = stop if number == len(turns) else "end_turn"
        events += [ModelAsked(asked, "claude-sonnet-5-5"), replace(reply(text(answer)), stop_reason=stopped)]
    events.append(RunEnded(end))
    return outcome_of(Run.of(events), said=tuple(said for said, _ in turns), cost_usd=Decimal("0.02"), seconds=1.5)


def judge(raw: Any, outcome: Outcome) -> Score:
    """The score of an assertion as it is written in a suite."""
    return score(assertion_of(raw), outcome)
