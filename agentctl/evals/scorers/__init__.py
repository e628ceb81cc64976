"""Every assertion type, by name: one table that loading, scoring, suggestions and the editor's schema all read."""

from __future__ import annotations

from typing import Final

from agentctl.evals.scorers import json_, limits, python_, state, text, trajectory
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import Assertion, Score, Scorer

SCORERS: Final[dict[str, Scorer]] = {
    **text.SCORERS,
    **json_.SCORERS,
    **trajectory.SCORERS,
    **limits.SCORERS,
    **state.SCORERS,
    **python_.SCORERS,
}

NOT: Final = "not-"

TYPES: Final[tuple[str, ...]] = (
    *SCORERS,
    *(f"{NOT}{name}" for name, scorer in SCORERS.items() if scorer.negatable),
)
"""Every type that may stand in a suite."""


def scorer_of(type_: str) -> Scorer | None:
    """The scorer behind a type as it is written; None when there is none."""
    name = type_.removeprefix(NOT)
    scorer = SCORERS.get(name)
    return scorer if scorer is not None and (name == type_ or scorer.negatable) else None


def score(assertion: Assertion, outcome: Outcome) -> Score:
    """The verdict of one assertion on one outcome.

    Raises:
        CannotScore: the check itself could not be made.
    """
    return SCORERS[assertion.type.removeprefix(NOT)].score(assertion, outcome)
