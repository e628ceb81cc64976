"""Checks on the way to the answer: which tools were called, with what, in which order, how many.

A call counts from the moment it was made, whatever became of it; a call the model did not finish asking for, or that a
person denied, was not made. The defaults are the forgiving ones (`any_order`, `subset`): a check says what must happen,
not that nothing else may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import orjson

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.scorers import steps
from agentctl.evals.scorers.outcome import Call, Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, Score, Scorer, excerpt, failed
from agentctl.evals.scorers.steps import MATCHES, MODES, ONCE_OR_MORE, Args, Bounds

COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
NAME: Final[JsonObject] = {"type": "string", "minLength": 1}


def score_used(assertion: Assertion, outcome: Outcome) -> Score:
    """Each tool named was called as often as asked (at least once, if nothing is said)."""
    wanted: list[tuple[str, Bounds]] = assertion.ready
    made = Counter(outcome.tool_names)
    wrong = [(name, bounds) for name, bounds in wanted if not bounds.hold(made[name])]
    if assertion.negated:
        used = [(name, bounds) for name, bounds in wanted if bounds.hold(made[name])]
        return _not_used(used, outcome) if used else PASSED
    if not wrong:
        return PASSED
    name, bounds = wrong[0]
    count = made[name]
    return failed(
        f"{name} was {f'called {count} times' if count > 1 else 'called once' if count else 'not called'}",
        expected=f"{name} {bounds} {'time' if bounds.high == 1 or bounds == ONCE_OR_MORE else 'times'}",
        got=calls_line(outcome.calls),
        places=_places(outcome, name),
    )


def _not_used(used: list[tuple[str, Bounds]], outcome: Outcome) -> Score:
    name, bounds = used[0]
    times = "" if bounds == ONCE_OR_MORE else f" {bounds} times"
    return failed(
        f"{name} was called{times}",
        expected=f"{name} not called{times}",
        got=calls_line(outcome.calls),
        places=_places(outcome, name),
    )


def score_args(assertion: Assertion, outcome: Outcome) -> Score:
    """Some call of the tool had the input asked for."""
    wanted: Args = assertion.ready
    calls = [call for call in outcome.calls if call.name == wanted.name]
    differences = [difference(wanted.args, call.input, wanted.match) for call in calls]
    fitting = [call for call, differs in zip(calls, differences, strict=True) if differs is None]
    expected = f"{wanted.name}({_json(wanted.args)}){'' if wanted.match == 'subset' else f', {wanted.match}'}"
    if bool(fitting) is not assertion.negated:
        return PASSED
    if fitting:
        got = _call_text(fitting[0])
        return failed(f"{wanted.name} was called with it", expected=f"no {expected}", got=got, places=_at(fitting))
    if not calls:
        got = calls_line(outcome.calls)
        return failed(f"{wanted.name} was not called", expected=expected, got=got, places=(outcome.reply,))
    near = min(range(len(calls)), key=lambda index: -_shared(wanted.args, calls[index].input))
    return failed(
        f"no call of {wanted.name} had these arguments; the nearest differs at {differences[near]}",
        expected=expected,
        got=_call_text(calls[near]),
        places=_at([calls[near]]),
    )


def score_sequence(assertion: Assertion, outcome: Outcome) -> Score:
    """The tools were called in this order, or all of them in any, or these and no others."""
    wanted, mode = assertion.ready
    made = outcome.tool_names
    at = _parts_at(wanted, made, mode)
    if (at is None) is not assertion.negated:
        return PASSED
    order = {"any_order": "in any order", "in_order": "in this order", "exact": "and no other"}[mode]
    if at is None:
        reason, expected = f"the calls were made, {order}", f"not {', '.join(wanted)} {order}"
    else:
        reason, expected = at[0], f"{', '.join(wanted) or 'no call'} ({order})"
    places = () if at is None or at[1] is None else (outcome.calls[at[1]].place,)
    return failed(reason, expected=expected, got=calls_line(outcome.calls), places=places or (outcome.reply,))


def score_steps(assertion: Assertion, outcome: Outcome) -> Score:
    """The number of tool calls lies within bounds."""
    bounds: Bounds = assertion.ready
    count = len(outcome.calls)
    if bounds.hold(count):
        return PASSED
    over = bounds.high is not None and count > bounds.high
    places = (outcome.calls[bounds.high or 0].place,) if over else (outcome.reply,)
    expected = f"{bounds} tool calls"
    return failed(
        f"{count} tool {'call' if count == 1 else 'calls'}",
        expected=expected,
        got=calls_line(outcome.calls),
        places=places,
    )


def difference(expected: Json, actual: Json, match: str = "exact", path: str = "input") -> str | None:
    """The first place in which two JSON values differ, in words; None when they do not.

    With `subset`, `actual` may have keys that `expected` has not, at any depth; with `ignore` everything fits.
    """
    if match == "ignore":
        return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _mapping_difference(expected, actual, match, path)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        found = (difference(e, a, match, f"{path}[{i}]") for i, (e, a) in enumerate(zip(expected, actual, strict=True)))
        return next((each for each in found if each is not None), None)
    same = expected == actual and isinstance(expected, bool) is isinstance(actual, bool)
    return None if same else f"{path}: {excerpt(_json(actual))} instead of {excerpt(_json(expected))}"


def _mapping_difference(expected: JsonObject, actual: JsonObject, match: str, path: str) -> str | None:
    for key, value in expected.items():
        if key not in actual:
            return f"{path}.{key}: missing"
        found = difference(value, actual[key], match, f"{path}.{key}")
        if found is not None:
            return found
    more = [key for key in actual if key not in expected] if match == "exact" else []
    return f"{path}.{more[0]}: not expected" if more else None


def _parts_at(wanted: Sequence[str], made: Sequence[str], mode: str) -> tuple[str, int | None] | None:
    """Why the calls made are not the ones wanted, and the index of the call where it shows; None when they are."""
    if mode == "any_order":
        missing = Counter(wanted) - Counter(made)
        return (f"{', '.join(missing)} missing", None) if missing else None
    if mode == "in_order":
        rest = iter(enumerate(made))
        last: int | None = None
        for name in wanted:
            last = next((index for index, each in rest if each == name), None)
            if last is None:
                known = name in made
                return (f"{name} was {'not called after what should come before it' if known else 'not called'}", None)
        return None
    for index, (name, call) in enumerate(zip(wanted, made, strict=False)):
        if name != call:
            return f"call {index + 1} is {call}, not {name}", index
    if len(made) > len(wanted):
        return f"call {len(wanted) + 1}, {made[len(wanted)]}, is one too many", len(wanted)
    return (f"it stops after {len(made)} of {len(wanted)} calls", None) if len(made) < len(wanted) else None


def calls_line(calls: Sequence[Call]) -> str:
    """The names of the calls, in order."""
    return excerpt(", ".join(call.name for call in calls)) or "no tool call"


def _shared(expected: JsonObject, actual: JsonObject) -> int:
    return sum(1 for key, value in expected.items() if actual.get(key) == value)


def _json(value: Json) -> str:
    return orjson.dumps(value).decode()


def _call_text(call: Call) -> str:
    return excerpt(f"{call.name}({_json(call.input)})")


def _at(calls: Sequence[Call]) -> tuple[Place, ...]:
    return tuple(call.place for call in calls)


def _places(outcome: Outcome, name: str) -> tuple[Place, ...]:
    return _at([call for call in outcome.calls if call.name == name]) or (outcome.reply,)


def _object(required: list[str], **properties: JsonObject) -> JsonObject:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


NAMES: Final[JsonObject] = {"type": "array", "items": NAME}
SCORERS: Final[dict[str, Scorer]] = {
    "trajectory:tool-used": Scorer(
        score_used,
        steps.used,
        {"anyOf": [NAME, {**NAMES, "minItems": 1}, _object(["name"], name=NAME, min=COUNT, max=COUNT)]},
        negatable=True,
    ),
    "trajectory:tool-args-match": Scorer(
        score_args,
        steps.args,
        _object(["name"], name=NAME, args={"type": "object"}, match={"enum": list(MATCHES)}),
        negatable=True,
    ),
    "trajectory:tool-sequence": Scorer(
        score_sequence, steps.sequence, NAMES, fields={"mode": {"enum": list(MODES)}}, negatable=True
    ),
    "trajectory:step-count": Scorer(
        score_steps, steps.steps, {**_object([], min=COUNT, max=COUNT, equals=COUNT), "minProperties": 1}
    ),
}
