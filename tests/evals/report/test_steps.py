"""Runs as steps: everything that happened is in one of them, calls that overlapped overlap, shares add up."""

from __future__ import annotations

import pytest

from agentctl.agent.events import (
    Approved,
    FellBack,
    GuardRuled,
    ModelAsked,
    ModelFailed,
    Recalled,
    RunEnded,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.evals.report.html.steps import steps_of
from support.results import MODEL, Timed, asks, case, reply, two_lookups


def entries(run: Timed) -> list[dict]:
    """The entries of a run as a result has them."""
    return case("x", "pass", run)["entries"]


def test_a_run_with_two_calls_at_once() -> None:
    """Each call from when it was made to when it was answered; the reply keeps its own blocks, without arguments."""
    steps = steps_of(entries(two_lookups()), 0.002)
    assert [step["kind"] for step in steps] == ["start", "user", "model", "tool", "tool", "model", "observed", "end"]
    find, track = [step for step in steps if step["kind"] == "tool"]
    assert (find["at"], find["took"], track["at"], track["took"]) == (1.0, 0.5, 1.0, 2.0)
    assert (find["seq"], find["last"], track["seq"], track["last"]) == (4, 6, 5, 7)
    assert (track["input"], track["error"]) == ({"order": "A-1", "deep": {"by": ["air"]}}, "raised")
    assert steps[2]["content"][1:] == [
        {"type": "tool_use", "id": "t1", "name": "find"},
        {"type": "tool_use", "id": "t2", "name": "track"},
    ]
    assert "signature" not in steps[2]["content"][0]


def test_costs_are_shares_of_the_run() -> None:
    """Replies share what the result says the run cost; without that, none of them has a price."""
    steps = steps_of(entries(two_lookups()), 0.002)
    assert sum(step["cost"] for step in steps if step["kind"] == "model") == pytest.approx(0.002)
    assert not any("cost" in step for step in steps_of(entries(two_lookups()), None))


def test_what_was_cut_is_a_step() -> None:
    """A request without a reply, a call without an answer, an answer without a call."""
    run = [
        (1.0, UserSaid("Hi")),
        (1.0, ModelAsked(1, MODEL)),
        (2.0, ModelFailed(1, "overloaded_error", "busy", 529, retryable=True)),
        (2.0, FellBack("claude-haiku-5", "overloaded_error")),
        (4.0, reply(asks("t1", "pay", sum=5), asks("t2", "look", at="it"), stop="tool_use")),
        (4.0, GuardRuled("limits", "tool_call", "allow", call_id="t1")),
        (4.0, Approved("t1", approved=False, reason="too much")),
        (4.0, ToolReturned("t1", "pay", "denied", "denied")),
        (4.0, ToolCalled("t2", "look", {"at": "it"})),
        (5.0, ModelAsked(2, MODEL)),
        (6.0, RunEnded("interrupted")),
    ]
    steps = steps_of(entries(run), 0.1)
    kinds = ["user", "model", "failed", "fell_back", "guard", "tool", "tool", "model", "end"]
    assert [step["kind"] for step in steps] == kinds
    _, model, failure, fallback, _, pay, look, cut, _ = steps
    assert fallback["told"] == {"model": "claude-haiku-5", "reason": "overloaded_error"}
    assert (failure["at"], failure["took"]) == (0.0, 1.0)
    assert (model["at"], model["took"]) == (1.0, 2.0)  # the attempt that was answered
    assert pay["input"] == {"sum": 5}
    assert pay["approval"] == {"approved": False, "by": "person", "reason": "too much"}
    assert "result" not in look
    assert "content" not in cut


def test_a_cached_answer_is_a_step_without_a_price() -> None:
    """It says what was answered, in which run and how long before; what the run cost falls on the replies."""
    cached = Recalled("run-1", MODEL, [{"type": "text", "text": "Hi."}], "end_turn", 725.0)
    steps = steps_of(entries([(1.0, UserSaid("Hi")), (1.0, cached), (1.0, RunEnded("completed"))]), 0.0)
    assert [step["kind"] for step in steps] == ["user", "recalled", "end"]
    assert steps[1]["content"] == [{"type": "text", "text": "Hi."}]
    assert (steps[1]["run"], steps[1]["age"]) == ("run-1", 725.0)
    assert not any("cost" in step for step in steps)


def test_every_entry_belongs_to_a_step() -> None:
    """So a place that an assertion names can always be opened."""
    steps = steps_of(entries(two_lookups()), None)
    seqs = {entry["seq"] for entry in entries(two_lookups())}
    assert seqs == {seq for step in steps for seq in (step["seq"], step["last"])}
