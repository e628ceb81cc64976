"""Several checks as one, with a weight and a threshold of its own: its score is their weighted mean.

Without a threshold all of them must pass; with one, the mean decides, as it does for a case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from agentctl.agent.events import Json
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import Assertion, Fields, Misfit, Score, Scorer, named, verdict_json

ASSERT: Final = "assert"
ROUNDING: Final = 1e-9

ScoreOne: TypeAlias = Callable[[Assertion, Outcome], Score]


@dataclass(frozen=True, slots=True)
class Grouped:
    """The checks of a set, and the mean that is enough."""

    parts: tuple[Assertion, ...]
    threshold: float | None = None


def scorers(score: ScoreOne) -> dict[str, Scorer]:
    """The type `assert-set`, whose parts are scored by `score`."""
    return {
        "assert-set": Scorer(
            partial(score_set, score),
            grouped,
            {},
            fields={
                ASSERT: {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Assertion"}},
                "threshold": {"type": "number", "minimum": 0, "maximum": 1},
            },
            needs_value=False,
            value_is_fields=True,
            nested=ASSERT,
        )
    }


def score_set(score: ScoreOne, assertion: Assertion, outcome: Outcome) -> Score:
    """The weighted mean of the parts, and what the first of them that failed says."""
    wanted: Grouped = assertion.ready
    verdicts = [(each, score(each, outcome)) for each in wanted.parts]
    weight = sum(each.weight for each, _ in verdicts)
    mean = sum(each.weight * verdict.score for each, verdict in verdicts) / weight
    failures = [(each, verdict) for each, verdict in verdicts if not verdict.passed]
    passed = not failures if wanted.threshold is None else mean >= wanted.threshold - ROUNDING
    told = "; ".join(f"{each.shown}: {verdict.reason}" for each, verdict in failures)
    number = "" if wanted.threshold is None else f"score {mean:.2f} is below the threshold {wanted.threshold:g}"
    reason = "" if passed and not failures else "; ".join(filter(None, [number if not passed else "", told]))
    return Score(
        passed=passed,
        score=mean,
        reason=reason,
        expected="" if passed else failures[0][1].expected if failures else "",
        got="" if passed else failures[0][1].got if failures else "",
        places=() if passed else failures[0][1].places if failures else (),
        details=[verdict_json(each, verdict) for each, verdict in verdicts],
    )


def grouped(fields: Fields) -> Grouped:
    """The parts, made already, and `threshold`.

    Raises:
        Misfit: there is no part, or the threshold is no share.
    """
    parts: Json = fields.get(ASSERT)
    if not isinstance(parts, tuple) or not parts:
        raise Misfit("has no assertions", ASSERT, hint="assert-set: {threshold: 0.5, assert: [contains: shipped, ...]}")
    return Grouped(parts, share(fields.get("threshold"), "threshold"))


def share(value: Json, *path: str) -> float | None:
    """A number from 0 to 1, or None.

    Raises:
        Misfit: it is something else.
    """
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    shown = value if isinstance(value, (int, float)) and not isinstance(value, bool) else named(value)
    raise Misfit(f"threshold is a number from 0 to 1, not {shown}", *path)
