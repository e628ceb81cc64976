"""What somebody else said of a run: a reward, a category, a cost, kept beside it as metadata.

A label that is not there is no verdict. Numbers are the same when they differ by less than a millionth, as the
benchmarks that write rewards compare them (tau-bench, tau2-bench: a reward within 1e-6 of 1 is a success).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import PASSED, Assertion, CannotScore, Fields, Misfit, Score, Scorer, excerpt, failed
from agentctl.evals.scorers.score import named as kind

SAME: Final = 1e-6
HOMES: Final = ("metadata", "info", "reward_info", "labels", "scores")
"""Mappings beside the messages of a log that hold what is said of it; a key is looked for in them too."""

MISSING: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key, dotted where it leads inside, and what must stand there."""

    key: str
    equals: Json = MISSING
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.equals is not MISSING:
            return f"{self.key} {_dumped(self.equals)}"
        bounds = [f"at least {self.low:g}"] if self.low is not None else []
        bounds += [f"at most {self.high:g}"] if self.high is not None else []
        return f"{self.key} {' and '.join(bounds)}"


def find(metadata: Mapping[str, Json], key: str) -> Json:
    """What stands at the key; `MISSING` when nothing does.

    The key is taken as it is, then as a dotted path (a number is a place in a list), then inside of `HOMES`.
    """
    found = _at(metadata, key)
    for home in HOMES:
        if found is not MISSING:
            return found
        inner = metadata.get(home)
        found = _at(inner, key) if isinstance(inner, dict) else MISSING
    return found


def _at(value: Json, key: str) -> Json:
    if isinstance(value, dict) and key in value:
        return value[key]
    step, dot, rest = key.partition(".")
    if not dot:
        return value[int(step)] if _is_place(value, step) else MISSING
    if isinstance(value, dict) and step in value:
        return _at(value[step], rest)
    return _at(value[int(step)], rest) if _is_place(value, step) else MISSING


def _is_place(value: Json, step: str) -> bool:
    return isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value)


def score_label(assertion: Assertion, outcome: Outcome) -> Score:
    """The label is what it must be, or lies within bounds."""
    wanted: Wanted = assertion.ready
    got = find(outcome.metadata, wanted.key)
    if got is MISSING:
        known = ", ".join(map(str, outcome.metadata)) or "none"
        raise CannotScore(f"there is no label {wanted.key} on it; its labels are: {excerpt(known)}")
    if _fits(wanted, got):
        return PASSED
    shown = excerpt(_dumped(got))
    return failed(f"{wanted.key} is {shown}", expected=str(wanted), got=f"{wanted.key} {shown}")


def _fits(wanted: Wanted, got: Json) -> bool:
    if wanted.equals is not MISSING:
        return same(wanted.equals, got)
    number = _number(got)
    if number is None:
        raise CannotScore(f"the label {wanted.key} is {kind(got)}, which is neither more nor less than a number")
    above = wanted.low is None or number >= wanted.low - SAME
    return above and (wanted.high is None or number <= wanted.high + SAME)


def same(one: Json, other: Json) -> bool:
    """Whether two labels are the same: numbers to a millionth, true being 1 and a number in quotes a number.

    Logs write one and the same reward as 1, 1.0, true and "1".
    """
    numbers = _number(one), _number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return abs(numbers[0] - numbers[1]) <= SAME
    return bool(one == other)


def _number(value: Json) -> float | None:
    if isinstance(value, (bool, int, float)):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def wanted(fields: Fields) -> Wanted:
    """`key`, and `equals`, or `min` and `max`.

    Raises:
        Misfit: the key is missing, there is nothing to compare with, or a bound is no number.
    """
    key = fields.get("key")
    if not isinstance(key, str) or not key:
        raise Misfit("key is missing" if key is None else f"key is a label's name, not {kind(key)}", "key", hint=HINT)
    bounds = [_bound(fields, name) for name in ("min", "max")]
    if "equals" in fields:
        if bounds != [None, None]:
            raise Misfit("takes `equals`, or `min` and `max`", "equals", on_key=True)
        return Wanted(key, fields["equals"])
    if bounds == [None, None]:
        raise Misfit("has nothing to compare with", "key", hint=HINT, on_key=True)
    low, high = bounds
    if low is not None and high is not None and low > high:
        raise Misfit(f"min {low:g} is more than max {high:g}", "min")
    return Wanted(key, low=low, high=high)


def _bound(fields: Fields, name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise Misfit(f"{name} is a number, not {kind(value)}", name)


def _dumped(value: Json) -> str:
    return orjson.dumps(value, default=str).decode()


HINT: Final = "{key: reward, equals: 1}, or min and max"
NUMBER: Final[JsonObject] = {"type": "number"}

SCORERS: Final[dict[str, Scorer]] = {
    "label": Scorer(
        score_label,
        wanted,
        {},
        fields={
            "key": {"type": "string", "minLength": 1, "description": "A key of the case's metadata: reward, info.cost"},
            "equals": {},
            "min": NUMBER,
            "max": NUMBER,
        },
        needs_value=False,
        value_is_fields=True,
        of_turns=False,
    )
}
