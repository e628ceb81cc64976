"""What a scorer says: a `Score`, which carries its evidence; and the three ways in which a check is not a verdict.

A check that fails is a statement about the agent. A check that cannot be made (`CannotScore`) and a check that is
written wrong (`Misfit`) are statements about the suite, and never turn into a pass or a fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from msgspec import Struct

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.scorers.outcome import Outcome, Place

NOT: Final = "not-"
"""Before a type, it turns the verdict around."""

EXCERPT: Final = 240
"""Characters of an answer or a value shown as evidence; the trace has the rest."""


class Assertion(Struct, frozen=True):
    """One check of a case: as written (`type`, `value`) and as its scorer wants it (`ready`)."""

    type: str
    """As written, `not-` included."""
    value: Json
    ready: Any
    """What the scorer's `prepare` made of it: a compiled pattern, a validator, a checked mapping."""
    negated: bool = False
    weight: float = 1.0
    line: int = 0
    """Where it stands in the suite's file, from 1; 0 when it stands in none."""
    turn: int | None = None
    """The user's turn that alone is looked at: from 1, or from the end with -1. None is the whole run."""
    parts: tuple[Assertion, ...] = ()
    """The checks that a set is made of."""

    @property
    def name(self) -> str:
        """The type without `not-`: the name of its scorer."""
        return self.type.removeprefix(NOT)

    @property
    def shown(self) -> str:
        """The type as a page names it, with the turn."""
        return self.type if self.turn is None else f"{self.type} in turn {self.turn}"


def all_of(asserts: Iterable[Assertion]) -> list[Assertion]:
    """Each of these, and what is inside of sets."""
    found: list[Assertion] = []
    for each in asserts:
        found.append(each)
        if each.parts:
            found += all_of(each.parts)
    return found


class Score(Struct, frozen=True):
    """The verdict of one assertion, `score` in 0..1; `expected`, `got` and `places` are the evidence of a failure."""

    passed: bool
    score: float
    reason: str = ""
    expected: str = ""
    got: str = ""
    places: tuple[Place, ...] = ()
    details: Json = None
    """What a check of the project's own says beside that, as it says it; or the verdicts a set is made of."""

    @property
    def evidence(self) -> JsonObject | None:
        """The evidence as a JSON object; None when there is nothing beside the reason."""
        if not (self.expected or self.got or self.places or self.details is not None):
            return None
        details = {} if self.details is None else {"details": self.details}
        at = [place.to_json() for place in self.places]
        return {"expected": self.expected, "got": self.got, "at": at, **details}


def verdict_json(assertion: Assertion, score: Score) -> JsonObject:
    """One assertion and its verdict, as they stand in the document."""
    return {
        "type": assertion.type,
        "value": assertion.value,
        "weight": assertion.weight,
        "line": assertion.line,
        **({} if assertion.turn is None else {"turn": assertion.turn}),
        "pass": score.passed,
        "score": score.score,
        "reason": score.reason,
        "evidence": None if score is PASSED else score.evidence,
    }


PASSED: Final = Score(passed=True, score=1.0)


def failed(reason: str, *, expected: str = "", got: str = "", places: tuple[Place, ...] = ()) -> Score:
    """A failing score."""
    return Score(passed=False, score=0.0, reason=reason, expected=expected, got=got, places=places)


class CannotScore(Exception):
    """The check itself could not be made: its code raised, a price is unknown. The case is an error, not a fail."""

    status = "error"
    """Of the case: an error, unless what is missing is a recording."""

    def __init__(self, message: str, *, hint: str = "", stale: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.stale = stale


class Misfit(ValueError):
    """A value has not the shape its assertion type takes.

    `path` leads to the culprit inside the assertion, or to what is around the place where something is missing;
    `on_key` says that it is the key there that is wrong, not its value.
    """

    def __init__(self, message: str, *path: str | int, hint: str = "", on_key: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.hint = hint
        self.on_key = on_key


Fields: TypeAlias = Mapping[str, Json]
"""What stands in an assertion beside `type` and `weight`: `value`, and the fields that its type knows."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """One assertion type: what it takes, how that is made ready once per suite, and how an outcome is scored."""

    score: Callable[[Assertion, Outcome], Score]
    prepare: Callable[[Fields], Any]
    """Checks the fields and makes them ready. Raises Misfit."""
    schema: JsonObject
    """JSON Schema of `value`, for editors."""
    fields: Mapping[str, JsonObject] | None = None
    """Fields beside `value`, each with its JSON Schema."""
    negatable: bool = False
    """Whether its scorer turns a verdict around itself, with words for it; for others `scorers.score` does."""
    needs_value: bool = True
    value_is_fields: bool = False
    """Whether the type has fields instead of a value; in the short form they stand in the value's place."""
    instead: str = ""
    """The field that may be written in the value's place: `threshold`, where promptfoo has one and no value."""
    nested: str = ""
    """The field that holds assertions; `prepare` gets them made."""
    of_turns: bool = True
    """Whether it can be asked of one turn of the user's; not what is only known of a whole run."""


def excerpt(text: str, around: int = 0) -> str:
    """At most `EXCERPT` characters of `text`, from its start or around a position; cuts are shown as `…`."""
    if len(text) <= EXCERPT:
        return text
    start = max(0, min(around - EXCERPT // 2, len(text) - EXCERPT))
    end = start + EXCERPT
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def named(value: Json) -> str:
    """What kind of value this is, in the words of YAML."""
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), "nothing")
