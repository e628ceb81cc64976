"""Checks on what a run used, and on how it ended."""

from __future__ import annotations

import pytest

from agentctl.agent.events import Event, ModelAsked, ModelFailed, RunEnded, RunStarted, UserSaid
from agentctl.agent.run import Run
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.scorers.score import CannotScore
from support.judged import judge, ran
from support.scripted import reply, text


def test_limits() -> None:
    """Turns, tokens and USD are at most what is said; the first turn over the limit is named."""
    outcome = ran(("search", {}), ("order", {}))
    assert judge({"max-turns": 3}, outcome).passed
    over = judge({"max-turns": 1}, outcome)
    assert [place.turn for place in over.places] == [2]
    assert judge({"max-tokens": 45}, outcome).passed
    assert "30 in, 15 out" in judge({"max-tokens": 44}, outcome).got
    assert judge({"max-cost": 0.02}, outcome).passed
    assert judge({"max-cost": 0.019}, outcome).got == "$0.020000"


def test_a_cost_that_is_not_known_is_no_verdict() -> None:
    """Neither 0 nor too much."""
    with pytest.raises(CannotScore, match="price"):
        judge({"max-cost": 1}, outcome_of(Run.of([RunStarted("test@1", "", "m"), RunEnded("completed")])))


def test_how_it_ended() -> None:
    """The reason of the end, whatever it is."""
    assert judge({"ended": "refused"}, ran(end="refused")).passed
    assert judge({"ended": "completed"}, ran(end="max_turns")).got == "max_turns"


def test_failed_attempts_do_not_count_as_turns() -> None:
    """A retry is one turn: the model was asked for one reply."""
    events: list[Event] = [
        RunStarted("test@1", "", "m"),
        UserSaid("Hi"),
        ModelAsked(1, "m"),
        ModelFailed(1, "overloaded_error", "busy", 529, retryable=True),
        reply(text("Hello.")),
        RunEnded("completed"),
    ]
    assert judge({"max-turns": 1}, outcome_of(Run.of(events))).passed
