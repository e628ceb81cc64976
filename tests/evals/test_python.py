"""The check that is other people's code: its verdicts, and what is no verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentctl.agent.events import Event, RunEnded, RunStarted, UserSaid
from agentctl.agent.run import Run
from agentctl.evals.scorers.outcome import outcome_of
from agentctl.evals.scorers.score import CannotScore, Score
from support.judged import judge
from support.scripted import reply, text


@pytest.fixture
def check(tmp_path: Path) -> Any:
    """Scores an answer by a function with this body."""

    def made(body: str, **more: Any) -> Score:
        (tmp_path / "check.py").write_text(f"def f(output, context):\n    {body}\n")
        events: list[Event] = [
            RunStarted("test@1", "", "m"),
            UserSaid("Hi"),
            reply(text("Hello.")),
            RunEnded("completed"),
        ]
        outcome = outcome_of(Run.of(events), folder=tmp_path, case="one", said=("Hi",), variables={"shop": "North"})
        return judge({"python": "check.py:f", **more}, outcome)

    return made


def test_python_returns_a_verdict(check: Any) -> None:
    """A function sees the answer and the outcome, and returns true or false."""
    assert check("return output == 'Hello.' and context.case == 'one' and context.vars['shop'] == 'North'").passed


@pytest.mark.parametrize(
    ("body", "more", "passed", "number", "reason"),
    [
        ("return False", {}, False, 0.0, "check.py:f said no"),
        ("return 0.5", {}, True, 0.5, ""),
        ("return 0", {}, False, 0.0, "check.py:f said no"),
        ("return 0.5", {"threshold": 0.6}, False, 0.5, "check.py:f said no"),
        ("return 0.5", {"threshold": 0.5}, True, 0.5, ""),
        ("return {'pass': False, 'reason': 'too long'}", {}, False, 0.0, "too long"),
        ("return {'pass': True, 'score': 0.25, 'reason': 'fine'}", {}, True, 0.25, "fine"),
        ("return {'score': 0.7}", {"threshold": 0.8}, False, 0.7, "check.py:f said no"),
    ],
)
def test_python_scores(check: Any, body: str, more: Any, *, passed: bool, number: float, reason: str) -> None:
    """A number passes from its threshold, or above 0; a mapping says all three."""
    found = check(body, **more)
    assert (found.passed, found.score, found.reason) == (passed, number, reason)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise KeyError('x')", "raised KeyError"),
        ("return None", "returned None"),
        ("return 'yes'", "returned 'yes'"),
        ("return 3", "a score is a number from 0 to 1"),
        ("return {'passed': True}", "returned {'passed': True}"),
        ("return {'pass': 1}", "neither true nor false"),
        ("return {'reason': 'x'}", "neither pass nor score"),
    ],
)
def test_python_that_gives_no_verdict(check: Any, body: str, why: str) -> None:
    """Code that raises or returns something else is an error of the suite, not a fail of the agent."""
    with pytest.raises(CannotScore) as caught:
        check(body)
    assert "check.py:f" in str(caught.value)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ("return {'pass': False, 'evidence': {'found': [1, 2]}}", {"found": [1, 2]}),
        ("return {'pass': True, 'evidence': 'line 3'}", "line 3"),
    ],
)
def test_evidence_is_kept_of_passes_and_fails(check: Any, body: str, details: Any) -> None:
    """What a function shows for its verdict stands in the document, whatever it is."""
    assert check(body).evidence["details"] == details


def test_evidence_is_json(check: Any) -> None:
    """What no report could hold is an error of the suite."""
    with pytest.raises(CannotScore, match="no JSON"):
        check("return {'pass': True, 'evidence': {1, 2}}")
