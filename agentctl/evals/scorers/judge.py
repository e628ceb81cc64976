"""The check that is another model: `judge: rubric@1`. It passes or fails by verdicts that are recorded.

Scoring asks nobody: a verdict that is not recorded is missing, as a recording is. Everything that judges is loaded with
the first case that asks for it; until a plan brings judge and assertion together, the assertion cannot be scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from agentctl.agent.events import Json, JsonObject
from agentctl.config.nearest import nearest
from agentctl.config.refs import parse_ref
from agentctl.config.texts import shown
from agentctl.errors import UsageError
from agentctl.evals.scorers.outcome import Outcome
from agentctl.evals.scorers.score import Assertion, CannotScore, Fields, Misfit, Score, Scorer, excerpt, named

JUDGE: Final = "judge"
MAX_VOTES: Final = 99


class Ruled(Protocol):
    """What the votes came to; see `evals.judge.ruling`."""

    @property
    def passed(self) -> bool:
        """The verdict, before `not-`."""
        ...

    @property
    def mean(self) -> float:
        """The votes' mean score, 0 to 1."""
        ...

    @property
    def line(self) -> str:
        """The verdict in a few words."""
        ...

    @property
    def reason(self) -> str:
        """What a vote says of it."""
        ...

    def to_json(self) -> JsonObject:
        """With all its votes."""
        ...


@dataclass(frozen=True, slots=True)
class Asks:
    """What an assertion asks of a judge."""

    rubric: str
    """A reference, `name@version`."""
    votes: int = 1
    threshold: float | None = None
    """Of the mean score; None leaves it to the rubric."""
    vars: Mapping[str, str | int] = field(default_factory=dict)
    rule: Callable[[Outcome], Ruled] | None = field(default=None, compare=False)
    """Looks the verdicts up. Raises CannotScore."""


def score_judge(assertion: Assertion, outcome: Outcome) -> Score:
    """The recorded votes' verdict."""
    asks: Asks = assertion.ready
    if asks.rule is None:
        raise CannotScore(f"{asks.rubric}: nobody judges here: the suite was not planned")
    ruled = asks.rule(outcome)
    mean = 1 - ruled.mean if assertion.negated else ruled.mean
    said = f"{asks.rubric}: {ruled.line}"
    if ruled.passed is not assertion.negated:
        return Score(True, mean, said, details=ruled.to_json())
    return Score(
        False,
        mean,
        f"{said}: {excerpt(ruled.reason)}" if ruled.reason else said,
        expected=f"{asks.rubric} {'not ' if assertion.negated else ''}to pass",
        got=excerpt(outcome.text) or "(no text)",
        places=(outcome.reply,),
        details=ruled.to_json(),
    )


def asks_of(fields: Fields) -> Asks:
    """The rubric, alone or in a mapping with `votes`, `threshold` and `vars`, which may stand beside it too.

    Raises:
        Misfit: one of them has not the right shape, or stands in both places.
    """
    value = fields.get("value")
    at: tuple[str, ...] = ()
    given = {key: each for key, each in fields.items() if key != "value"}
    if isinstance(value, dict):
        at = ("value",)
        _check_keys(value, given)
        given |= {key: each for key, each in value.items() if key != "rubric"}
        value = value.get("rubric")
    if not isinstance(value, str):
        raise Misfit(f"takes the name of a rubric, not {named(value)}", "value", hint="judge: tone@1")
    try:
        ref = parse_ref(value)
    except UsageError as error:
        raise Misfit(str(error), "value", hint=error.hint) from None
    if ref.revision is not None:
        raise Misfit("a suite cannot judge by a git revision", "value", hint=f"name a version: {ref.name}@1")
    return Asks(value, _votes(given.get("votes", 1), at), _threshold(given.get("threshold"), at), _vars(given, at))


def _check_keys(value: Mapping[str, Json], beside: Mapping[str, Json]) -> None:
    known = ("rubric", *FIELDS)
    for key in value:
        if key not in known:
            hint = nearest(str(key), list(known), kind="keys")
            raise Misfit(f"unknown key {shown(str(key))}", "value", key, hint=hint, on_key=True)
        if key in beside:
            raise Misfit(f"{key} stands there twice", key, on_key=True)


def _votes(votes: Json, at: tuple[str, ...]) -> int:
    if type(votes) is int and 1 <= votes <= MAX_VOTES:
        return votes
    raise Misfit(f"votes is a whole number from 1 to {MAX_VOTES}, not {shown(str(votes))}", *at, "votes")


def _threshold(threshold: Json, at: tuple[str, ...]) -> float | None:
    if threshold is None:
        return None
    if isinstance(threshold, (int, float)) and not isinstance(threshold, bool) and 0 <= threshold <= 1:
        return float(threshold)
    raise Misfit(f"threshold is a number from 0 to 1, not {shown(str(threshold))}", *at, "threshold")


def _vars(given: Mapping[str, Any], at: tuple[str, ...]) -> Mapping[str, str | int]:
    variables = given.get("vars", {})
    if not isinstance(variables, dict):
        raise Misfit(f"vars is a mapping, not {named(variables)}", *at, "vars")
    for name, value in variables.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise Misfit(f"{name} is text or a whole number, not {named(value)}", *at, "vars", name)
    return variables


REF: Final[JsonObject] = {"type": "string", "minLength": 1, "description": "A rubric: name@version."}
FIELDS: Final[dict[str, JsonObject]] = {
    "votes": {"type": "integer", "minimum": 1, "maximum": MAX_VOTES},
    "threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "vars": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
}

SCORERS: Final[dict[str, Scorer]] = {
    JUDGE: Scorer(
        score_judge,
        asks_of,
        {
            "anyOf": [
                REF,
                {
                    "type": "object",
                    "properties": {"rubric": REF, **FIELDS},
                    "required": ["rubric"],
                    "additionalProperties": False,
                },
            ]
        },
        fields=FIELDS,
        negatable=True,
    )
}
