"""Checks on the agent's policy, read from events: retries, fallbacks, breakers, and what the user was told."""

from __future__ import annotations

from typing import Any

import pytest

from agentctl.agent.events import Event, FellBack, ModelAsked, ModelFailed, RunEnded, RunStarted, ToolReturned, UserSaid
from agentctl.agent.run import Run
from agentctl.evals.assertions import assertion_of
from agentctl.evals.scorers.outcome import Outcome, outcome_of
from agentctl.evals.scorers.score import Misfit
from support.judged import conversation, judge
from support.scripted import reply, text


def failed(attempt: int = 1, kind: str = "overloaded_error") -> ModelFailed:
    """An attempt that failed."""
    return ModelFailed(attempt, kind, "x", status=529 if kind == "overloaded_error" else None)


def run_of(*events: Event, end: str = "completed", message: str = "") -> Outcome:
    """The outcome of a run of these events."""
    run = Run()
    for at, event in enumerate([RunStarted("a@1", "", "m", {}), UserSaid("Hi"), *events, RunEnded(end, message)]):
        run.append(event, float(at))
    return outcome_of(run)


ASKED, OTHER = ModelAsked(1, "m"), ModelAsked(1, "n")
FINE = reply(text("Here you are."))

RETRIES: list[tuple[list[Event], int]] = [
    ([ASKED, FINE], 0),
    ([ASKED, failed(), FINE], 1),
    ([ASKED, failed(), failed(2), failed(3)], 2),
    ([ASKED, failed(), failed(2), FellBack("n", "overloaded_error"), OTHER, FINE], 1),
    ([ASKED, failed(1, "breaker_open"), FellBack("n", "breaker_open"), OTHER, failed(), FINE], 1),
    ([ASKED, failed(), failed(2, "breaker_open")], 0),
    ([], 0),
]


@pytest.mark.parametrize(("events", "number"), RETRIES)
def test_a_retry_is_a_request_that_was_sent_again(events: list[Event], number: int) -> None:
    """The first request to each model is none, nor is one that an open breaker held back."""
    outcome = run_of(*events)
    assert judge({"retries": number}, outcome).passed
    assert judge({"retries": {"min": number, "max": number}}, outcome).passed
    assert not judge({"retries": number + 1}, outcome).passed
    assert judge({"not-retries": {"equals": number + 1}}, outcome).passed


def test_what_failed_is_in_the_evidence() -> None:
    """Who expected no retry is told what went wrong, and where."""
    score = judge({"retries": 0}, run_of(ASKED, failed(), FINE))
    assert (score.reason, score.expected) == ("1 retry", "exactly 0 retries")
    assert "529 overloaded_error" in score.got
    assert [place.seq for place in score.places] == [4]


def test_a_fallback_is_a_model_that_stood_in() -> None:
    """Any, or the one that is named."""
    stood_in = run_of(ASKED, failed(), FellBack("n", "overloaded_error"), OTHER, FINE)
    alone = run_of(ASKED, FINE)
    for value in (True, "n"):
        assert judge({"fallback-used": value}, stood_in).passed
        assert not judge({"not-fallback-used": value}, stood_in).passed
        assert not judge({"fallback-used": value}, alone).passed
    assert not judge({"fallback-used": "m"}, stood_in).passed
    assert judge("not-fallback-used", alone).passed


def test_a_breaker_is_open_when_it_holds_a_request_back() -> None:
    """Failures alone do not open it."""
    held = run_of(ASKED, failed(1, "breaker_open"), end="model_error")
    assert judge({"breaker": "open"}, held).passed
    assert not judge({"breaker": "closed"}, held).passed
    assert judge({"breaker": "closed"}, run_of(ASKED, failed(), FINE)).passed


def test_degraded_is_how_the_run_ended() -> None:
    """The agent's own words, and no answer."""
    gone = run_of(ASKED, failed(), end="degraded", message="Nobody is here.")
    assert judge("degraded", gone).passed
    assert not judge("not-degraded", gone).passed
    assert judge({"not-degraded": True}, run_of(ASKED, FINE)).passed


TOLD = [
    "I am sorry, that did not work.",
    "Unfortunately, no.",
    "I could not look that up.",
    "I couldn\u2019t look that up.",
    "We can't reach it.",
    "Please try again later.",
    "Something went wrong.",
    "The lookup failed.",
]
UNTOLD = [
    "It is shipped.",
    "Your refund is on its way.",
    "It has not been delivered yet.",
    "The canopy is on sorrylake.",
    "",
]


@pytest.mark.parametrize("said", TOLD)
def test_an_admission(said: str) -> None:
    """Words that say that something did not go as it should have."""
    assert judge("user-told", run_of(ASKED, reply(text(said)))).passed


@pytest.mark.parametrize("said", UNTOLD)
def test_no_admission(said: str) -> None:
    """An answer as any other, or none."""
    outcome = run_of(ASKED, reply(text(said)) if said else failed(), end="completed" if said else "model_error")
    assert not judge("user-told", outcome).passed
    assert judge("not-user-told", outcome).passed


def test_what_was_said_before_it_broke_is_not_what_the_user_was_told() -> None:
    """A reply that is followed by a call, or by a failure, is not the last word."""
    before = [ASKED, reply(text("Sorry, one moment."), stop="tool_use"), ToolReturned("t", "look", "x")]
    assert not judge("user-told", run_of(*before, ModelAsked(2, "m"), failed(), end="model_error")).passed


def test_the_agents_own_message_is_an_admission_and_words_are_looked_for_in_it() -> None:
    """What the author wrote for that moment counts as it is, unless the case asks for words."""
    gone = run_of(ASKED, failed(), end="degraded", message="Gerade geht nichts.")
    assert judge("user-told", gone).passed
    assert judge({"user-told": ["leider", "GEHT NICHTS"]}, gone).passed
    assert not judge({"user-told": "leider"}, gone).passed


def test_one_turn_of_several() -> None:
    """Each turn of the user is judged by what was said in it."""
    outcome = conversation(("a", "I am sorry."), ("b", "Here."))
    assert judge({"user-told": True, "turn": 1}, outcome).passed
    assert not judge({"user-told": True, "turn": 2}, outcome).passed


@pytest.mark.parametrize(
    "raw",
    [
        {"retries": "two"},
        {"retries": True},
        {"retries": -1},
        {"retries": {"least": 1}},
        {"retries": {}},
        {"fallback-used": 7},
        {"breaker": "half-open"},
        {"degraded": "yes"},
        {"user-told": []},
        {"user-told": [""]},
        {"type": "degraded", "turn": 1},
    ],
)
def test_what_they_do_not_take(raw: Any) -> None:
    """A value of another shape is refused when the suite is loaded."""
    with pytest.raises(Misfit):
        assertion_of(raw)
