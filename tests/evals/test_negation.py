"""`not-` before any type, sets of checks, and checks of one turn: what holds for every type alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import END_REASONS, Event, GuardRuled, ModelAsked, RunEnded, RunStarted, UserSaid
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.evals.scorers import SCORERS
from agentctl.evals.scorers.outcome import Outcome, Seen, outcome_of
from agentctl.evals.scorers.score import CannotScore, Score
from agentctl.evals.scorers.turns import of_turn
from support.judged import conversation, judge, ran
from support.scripted import reply, text

QUERY = {"database": "x.db", "query": "select 1"}

CHECKS: dict[str, list[Any]] = {
    "equals": ["a", "b a", 7],
    "contains": ["a", "B"],
    "icontains": ["a", "B"],
    "regex": ["a+", "^b$"],
    "is-json": [None, {"type": "number"}],
    "json-schema": [{"type": "array"}, {"type": "number"}],
    "contains-all": [["a", "b"], ["a"]],
    "contains-any": [["a", "b"], ["7"]],
    "icontains-all": [["A", "b"], ["A"]],
    "icontains-any": [["A", "b"], ["7"]],
    "starts-with": ["a", "b"],
    "ends-with": ["a", "b"],
    "levenshtein": ["ab", "aaaaaaaaaaaaa"],
    "trajectory:tool-used": ["search", ["search"], {"name": "search", "max": 1}],
    "trajectory:tool-args-match": [{"name": "search", "args": {"turn": 1}}],
    "trajectory:tool-sequence": [["search"], ["search", "search"]],
    "trajectory:step-count": [{"max": 1}, {"equals": 2}],
    "max-turns": [1, 3],
    "max-tokens": [20, 40],
    "max-cost": [0.01, 0.02],
    "cost": [0.01, 0.02],
    "latency": [1000, 1500],
    "ended": ["completed", "refused"],
    "stop-reason": ["end_turn", ["refusal", "max_tokens"]],
    "refusal": [None],
    "guardrail": ["blocked", "passed"],
    "retries": [0, {"min": 1}],
    "fallback-used": [None, "claude-haiku-5-5"],
    "breaker": ["open", "closed"],
    "degraded": [None],
    "user-told": [None, ["b", "7"]],
    "state": [{**QUERY, "rows": [[1]]}, {**QUERY, "rows": []}],
    "python": ["check.py:f"],
    "label": [{"key": "reward", "equals": 1}, {"key": "reward", "min": 0.5}],
    "assert-set": [
        {"assert": [{"contains": "a"}, {"contains": "b", "weight": 3}]},
        {"assert": [{"contains": "a"}, {"contains": "b", "weight": 3}], "threshold": 0.7},
        {"assert": [{"not-contains": "a"}, "refusal", {"type": "assert-set", "assert": ["is-json"]}], "threshold": 0.4},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite with a check of its own, which gives a number."""
    path = tmp_path_factory.mktemp("suite")
    (path / "check.py").write_text("def f(output, context):\n    return len(output) % 3 / 2\n")
    return path


answers = st.sampled_from(["a", "a b", "b", "7", "[7]", "search a", ""])


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """A run of one to three turns, observed and labelled."""
    turns = [(f"say {number}", draw(answers)) for number in range(draw(st.integers(1, 3)))]
    end, stop = draw(st.sampled_from(END_REASONS)), draw(st.sampled_from(["end_turn", "refusal", "max_tokens"]))
    outcome = conversation(*turns, end=end, stop=stop)
    verdict = draw(st.sampled_from(["allow", "block", "ask"]))
    events = [*outcome.run.events[:-1], GuardRuled("pii", "output", verdict), *outcome.run.events[-1:]]
    row = draw(st.sampled_from([[], [[1]], [[2]]]))
    observed = {"state x.db: select 1": {"columns": ["1"], "rows": row}}
    seen = Seen(Run.of(events), outcome.text, outcome.reply, outcome.calls, observed)
    return replace(outcome, seen=seen, metadata={"reward": draw(st.sampled_from([0.0, 0.5, 1.0]))})


def test_every_type_is_checked_here() -> None:
    """A new type comes with examples for these rules."""
    missing = {"judge"}  # asks a model, and has tests of its own
    assert set(CHECKS) | missing >= set(SCORERS)


@pytest.mark.parametrize("type_", CHECKS)
@given(outcome=outcomes(), data=st.data())
def test_not_is_the_negation(type_: str, folder: Path, outcome: Outcome, data: st.DataObject) -> None:
    """Of all checks on all runs exactly one of `x` and `not-x` passes, and their scores add up to 1."""
    outcome = replace(outcome, folder=folder)
    value = data.draw(st.sampled_from(CHECKS[type_]))
    turn = data.draw(st.sampled_from([None, 1, -1])) if SCORERS[type_].of_turns else None
    raw = {"value": value, **({} if turn is None else {"turn": turn})}
    if value is None:
        del raw["value"]
    if SCORERS[type_].value_is_fields:
        raw = dict(value)
    one, other = judge({"type": type_, **raw}, outcome), judge({"type": f"not-{type_}", **raw}, outcome)
    assert one.passed is not other.passed
    assert one.score + other.score == pytest.approx(1)
    failing = other if one.passed else one
    assert failing.reason
    assert failing.expected or type_ == "assert-set"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 9)), min_size=1, max_size=5),
    st.none() | st.floats(0, 1),
    answers,
)
def test_a_sets_score_is_the_weighted_mean(parts: list[tuple[str, float]], threshold: float | None, text_: str) -> None:
    """And it passes when that reaches the threshold or, without one, when all its parts pass."""
    outcome = ran(answer=text_)
    checks = [{"contains": text, "weight": weight} for text, weight in parts]
    scores = [judge(check, outcome).score for check in checks]
    mean = sum(w * s for (_, w), s in zip(parts, scores, strict=True)) / sum(weight for _, weight in parts)
    fields: dict[str, Any] = {"assert": checks} if threshold is None else {"assert": checks, "threshold": threshold}
    found = judge({"assert-set": fields}, outcome)
    assert found.score == pytest.approx(mean)
    assert found.passed is (all(scores) if threshold is None else mean >= threshold - 1e-9)
    assert [part["pass"] for part in found.details] == [bool(score) for score in scores]


def test_a_check_of_one_turn_sees_that_turn() -> None:
    """Its text, its calls, its replies, counted from the front or the end; places still point into the whole run."""
    outcome = conversation(("Hi", "search a"), ("And now?", "b"), ("Bye", "search c"))
    assert judge({"equals": "b", "turn": 2}, outcome).passed
    assert judge({"equals": "b", "turn": -2}, outcome).passed
    assert judge({"trajectory:tool-used": "search", "turn": 1}, outcome).passed
    assert judge({"not-trajectory:tool-used": "search", "turn": 2}, outcome).passed
    assert judge({"max-turns": 1, "turn": 2}, outcome).passed
    over = judge({"max-turns": 1, "turn": 3}, outcome)
    assert (over.passed, [place.turn for place in over.places]) == (False, [5])
    missing = judge({"contains": "x", "turn": 2}, outcome)
    assert missing.places[0].turn == 3
    assert isinstance(outcome.run.entries[missing.places[0].seq].event, type(reply(text("b"))))


@pytest.mark.parametrize("raw", [{"contains": "a", "turn": 3}, {"not-contains": "a", "turn": 3}])
def test_a_turn_that_never_came_is_a_fail(raw: Any) -> None:
    """A run that was cut before it did neither what is asked of it nor the opposite."""
    found = judge(raw, conversation(("Hi", "a"), ("Bye", "b"), end="max_turns"))
    assert (found.passed, found.reason) == (False, "there is no turn 3: the user spoke 2 times")


@given(outcomes())
def test_turns_are_the_run_in_parts(outcome: Outcome) -> None:
    """What is counted in the turns adds up to what is counted in the run, and there are no others."""
    turns = len(outcome.input)
    parts = [part for number in range(turns) if (part := of_turn(outcome, number + 1)) is not None]
    assert len(parts) == turns
    assert sum(part.turns for part in parts) == outcome.turns
    assert sum(len(part.calls) for part in parts) == len(outcome.calls)
    assert parts[-1].text == outcome.text
    assert of_turn(outcome, turns + 1) is None
    assert of_turn(outcome, -turns - 1) is None


def guarded(*rulings: GuardRuled, end: str = "completed") -> Outcome:
    """A run in which guards ruled."""
    events: list[Event] = [RunStarted("test@1", "", "m"), UserSaid("Hi"), *rulings, ModelAsked(1, "m")]
    return outcome_of(Run.of([*events, reply(text("Hello.")), RunEnded(end)]))


def test_guards() -> None:
    """What guards blocked, all of them or one, at any stage or one."""
    outcome = guarded(GuardRuled("pii", "input", "allow"), GuardRuled("secrets", "output", "block", "a key"))
    assert judge({"guardrail": "blocked"}, outcome).passed
    assert judge({"guardrail": "passed", "guard": "pii"}, outcome).passed
    found = judge({"guardrail": "passed"}, outcome)
    assert (found.reason, found.places[0].seq) == ("secrets blocked the output: a key", 3)
    assert judge({"guardrail": "blocked", "stage": "input"}, outcome).got == "1 rulings, none of them a block"
    assert judge({"guardrail": "blocked"}, guarded()).got == "no ruling"


def test_unknown_times_and_labels_are_no_verdict() -> None:
    """Neither fast nor slow; neither right nor wrong."""
    with pytest.raises(CannotScore, match="not known"):
        judge({"latency": 1}, ran())
    with pytest.raises(CannotScore, match="there is no label reward on it; its labels are: task"):
        judge({"label": {"key": "reward", "equals": 1}}, replace(ran(), metadata={"task": 7}))
    with pytest.raises(CannotScore, match="a mapping, which is neither more nor less"):
        judge({"label": {"key": "info", "min": 1}}, replace(ran(), metadata={"info": {}}))


@pytest.mark.parametrize(
    ("label", "passed"),
    [
        ({"key": "reward", "equals": 1}, True),
        ({"key": "reward", "equals": 0.9999}, False),
        ({"key": "info.costs.1", "max": 0.2}, True),
        ({"key": "success", "equals": True}, True),
        ({"key": "success", "equals": 1}, True),
        ({"key": "success", "equals": "1.0"}, True),
        ({"key": "success", "equals": 0}, False),
        ({"key": "kind", "equals": 1}, False),
        ({"key": "reward_info.reward", "min": 1}, True),
        ({"key": "kind", "equals": "retail"}, True),
        ({"key": "a.b", "equals": None}, True),
    ],
)
def test_labels(label: dict[str, Any], *, passed: bool) -> None:
    """By dotted path, in the homes that logs keep labels in, and to a millionth."""
    metadata = {
        "reward_info": {"reward": 0.9999999},
        "info": {"costs": [0.5, 0.2], "kind": "retail"},
        "success": True,
        "a.b": None,
    }
    found: Score = judge({"label": label}, replace(ran(), metadata=metadata))
    assert found.passed is passed


def test_not_used_of_several_tools_is_none_of_them() -> None:
    """The one `not-` that says more than the opposite: of tools that must not be called, none may be."""
    assert not judge({"not-trajectory:tool-used": ["search", "order"]}, conversation(("Hi", "search a"))).passed


def test_state_may_be_negated() -> None:
    """A row that must not be there."""
    outcome, observed = ran(), {"state x.db: select 1": {"columns": ["1"], "rows": [[1]]}}
    seen = Seen(outcome.run, outcome.text, outcome.reply, outcome.calls, observed)
    found = judge({"not-state": {**QUERY, "rows": [[1]]}}, replace(outcome, seen=seen))
    assert (found.passed, found.reason) == (False, "state holds")
