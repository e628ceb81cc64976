"""Every assertion type, by name: one table that loading, scoring, suggestions and the editor's schema all read.

Every type has a `not-` form, and it is the negation: it passes where the other fails, and its score is what the other's
lacks to 1. Only `not-trajectory:tool-used` with several tools says more than that: none of them was used.
"""

from __future__ import annotations

from typing import Final

from agentctl.agent.values import replace
from agentctl.evals.scorers import (
    ends,
    json_,
    judge,
    labels,
    limits,
    policy,
    python_,
    sets,
    state,
    text,
    trajectory,
    words,
)
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import NOT, Assertion, Score, Scorer, failed
from agentctl.evals.scorers.turns import of_turn, turns_in


def score(assertion: Assertion, outcome: Outcome) -> Score:
    """The verdict of one assertion on one outcome.

    Raises:
        CannotScore: the check itself could not be made.
    """
    scorer = SCORERS[assertion.name]
    if assertion.turn is not None:
        found = of_turn(outcome, assertion.turn)
        if found is None:
            return _no_turn(assertion.turn, outcome)
        outcome = found
    if assertion.negated and not scorer.negatable:
        return _negated(assertion, scorer.score(replace(assertion, negated=False), outcome), outcome)
    return scorer.score(assertion, outcome)


def _no_turn(turn: int, outcome: Outcome) -> Score:
    """A run that did not get there did not do there what is asked, nor refrain from it."""
    spoke = turns_in(outcome.run.entries)
    got = f"the user spoke {'once' if spoke == 1 else f'{spoke} times'}"
    return failed(f"there is no turn {turn}: {got}", expected=f"turn {turn}", got=got, places=(outcome.reply,))


def _negated(assertion: Assertion, verdict: Score, outcome: Outcome) -> Score:
    score = 1.0 - verdict.score
    if not verdict.passed:
        return Score(passed=True, score=score, reason=verdict.reason)
    return Score(
        passed=False,
        score=score,
        reason=f"{assertion.name} holds{f': {verdict.reason}' if verdict.reason else ''}",
        expected=f"{assertion.name} not to hold",
        got=verdict.got,
        places=verdict.places or (outcome.reply,),
        details=verdict.details,
    )


SCORERS: Final[dict[str, Scorer]] = {
    **text.SCORERS,
    **words.SCORERS,
    **json_.SCORERS,
    **trajectory.SCORERS,
    **limits.SCORERS,
    **ends.SCORERS,
    **policy.SCORERS,
    **state.SCORERS,
    **python_.SCORERS,
    **labels.SCORERS,
    **judge.SCORERS,
    **sets.scorers(score),
}

TYPES: Final[tuple[str, ...]] = (*SCORERS, *(f"{NOT}{name}" for name in SCORERS))
"""Every type that may stand in a suite."""

LEFT_OUT: Final[dict[str, str]] = {
    "similar": "it compares embeddings, which takes another vendor's model and a network; "
    "for the wording use levenshtein, for the content contains-any or regex",
    "is-refusal": "it guesses from words; `refusal` looks at how the API says that the reply ended, "
    "and icontains-any or regex look for words",
    "finish-reason": "the Messages API has words of its own for it: `stop-reason: end_turn`",
    "guardrails": "it is called `guardrail: passed`, or `guardrail: blocked`",
    "javascript": "a check of your own is Python: `python: checks.py:function`",
}
"""Types of promptfoo's that are not here, each with the reason and what to write instead."""


def scorer_of(type_: str) -> Scorer | None:
    """The scorer behind a type as it is written; None when there is none."""
    return SCORERS.get(type_.removeprefix(NOT))
