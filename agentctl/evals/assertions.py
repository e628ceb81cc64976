"""From what stands in a suite to checks that are ready to score: each is looked up, checked and compiled once.

Three ways to write the same check are accepted, and every wrong one is named: `{type: contains, value: shipped}`, the
short form `contains: shipped`, and the bare name of a type that needs no value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from agentctl.agent.events import Json, JsonObject
from agentctl.config.nearest import nearest
from agentctl.evals.scorers import LEFT_OUT, SCORERS, TYPES, scorer_of
from agentctl.evals.scorers.score import NOT, Assertion, Misfit, Scorer, named

LineOf: TypeAlias = Callable[[tuple[str | int, ...]], int]

VALUE_ALONE: Final = frozenset({"value"})

COMMON: Final = ("type", "value", "weight", "turn")

FIELDS: Final[frozenset[str]] = frozenset(COMMON).union(
    *({*(scorer.fields or {}), scorer.instead} - {"", *SCORERS} for scorer in SCORERS.values())
)
"""Every key that an assertion can have beside its type's own name, and that is no type's name itself."""


def assertion_of(raw: Json, line: int = 0, line_of: LineOf | None = None) -> Assertion:
    """The check that `raw` describes; `line_of` says on which line a part of it stands.

    Raises:
        Misfit: it describes none; `path` leads to the culprit inside `raw`.
    """
    type_, fields, at_type = _taken_apart(raw)
    scorer = scorer_of(type_)
    if scorer is None:
        raise _unknown(type_, *at_type)
    at_value: tuple[str, ...] = at_type if at_type == (type_,) else ("value",)
    weight = _weight(fields.pop("weight")) if "weight" in fields else 1.0
    turn = _turn(type_, scorer, fields.pop("turn")) if "turn" in fields else None
    at_fields: tuple[str, ...] = ()
    if scorer.value_is_fields and isinstance(fields.get("value"), dict):
        fields |= fields.pop("value")
        at_fields = at_value
    written = fields if scorer.value_is_fields else fields.get("value")
    try:
        _check_keys(scorer, fields)
        if scorer.instead in fields:
            at_value = _stand_in(scorer, fields)
        parts = _parts(scorer, fields, line, line_of, at_fields) if scorer.nested else ()
        ready = scorer.prepare({**fields, scorer.nested: parts} if scorer.nested else fields)
    except Misfit as misfit:
        inside = misfit.path[:1] == ("value",)
        path = (*at_value, *misfit.path[1:]) if inside else (*at_fields, *misfit.path)
        raise Misfit(f"{type_}: {misfit}", *path, hint=misfit.hint, on_key=misfit.on_key) from None
    value = written if scorer.value_is_fields else fields.get("value")
    return Assertion(type_, value, ready, type_.startswith(NOT), weight, line, turn, parts)


def _parts(
    scorer: Scorer, fields: JsonObject, line: int, line_of: LineOf | None, at: tuple[str, ...]
) -> tuple[Assertion, ...]:
    """The checks that a set is made of."""
    listed = fields.get(scorer.nested)
    if not isinstance(listed, list):
        return ()
    made: list[Assertion] = []
    for index, raw in enumerate(listed):
        inside = (scorer.nested, index)
        try:
            found = line_of((*at, *inside)) if line_of is not None else line
            below = None if line_of is None else partial(_below, line_of, (*at, *inside))
            made.append(assertion_of(raw, found, below))
        except Misfit as misfit:
            raise Misfit(str(misfit), *inside, *misfit.path, hint=misfit.hint, on_key=misfit.on_key) from None
    return tuple(made)


def _below(line_of: LineOf, at: tuple[str | int, ...], path: tuple[str | int, ...]) -> int:
    return line_of((*at, *path))


def _stand_in(scorer: Scorer, fields: JsonObject) -> tuple[str, ...]:
    """Puts the field that stands instead of the value in its place; where it stood."""
    if "value" in fields:
        raise Misfit(f"takes a value or `{scorer.instead}`, not both", scorer.instead, on_key=True)
    fields["value"] = fields.pop(scorer.instead)
    return (scorer.instead,)


def _turn(type_: str, scorer: Scorer, turn: Json) -> int | None:
    if turn is None:
        return None
    if not scorer.of_turns:
        raise Misfit(f"{type_}: is about the whole run, so it takes no turn", "turn", on_key=True)
    if isinstance(turn, int) and not isinstance(turn, bool) and turn != 0:
        return turn
    hint = "turns of the user count from 1, and -1 is the last one"
    raise Misfit(f"turn is a whole number other than 0, not {turn!r}", "turn", hint=hint)


def schema() -> JsonObject:
    """JSON Schema of one assertion, for editors: both written forms of every type.

    Sets hold assertions, so it refers to itself as `#/$defs/Assertion`.
    """
    bare = [name for name in TYPES if _is_bare(_scorer(name))]
    return {"anyOf": [{"enum": bare}, *(form for name in TYPES for form in _forms(name, _scorer(name)))]}


def _is_bare(scorer: Scorer) -> bool:
    return not (scorer.needs_value or scorer.value_is_fields)


def _scorer(type_: str) -> Scorer:
    scorer = scorer_of(type_)
    assert scorer is not None
    return scorer


def _forms(name: str, scorer: Scorer) -> list[JsonObject]:
    fields, common = dict(scorer.fields or {}), {"weight": {"type": "number", "exclusiveMinimum": 0}}
    if scorer.of_turns:
        common["turn"] = {"type": "integer", "not": {"const": 0}, "description": "The user's turn, or -1 for the last"}
    own: JsonObject = {"type": "object", "properties": fields, "additionalProperties": False}
    value = own if scorer.value_is_fields else scorer.schema
    long: JsonObject = {"type": {"const": name}, **common, **fields}
    beside: JsonObject = {} if scorer.value_is_fields else fields
    forms: list[tuple[JsonObject, list[str]]] = [({name: value, **common, **beside}, [name])]
    if scorer.value_is_fields:
        forms.append((long, ["type"]))
    else:
        forms.append(({**long, "value": value}, ["type", "value"] if scorer.needs_value else ["type"]))
    if scorer.instead:
        forms.append(({**long, scorer.instead: value}, ["type", scorer.instead]))
    return [
        {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
        for properties, needed in forms
    ]


def _taken_apart(raw: Json) -> tuple[str, JsonObject, tuple[str, ...]]:
    """(type, fields, where the type stands)."""
    if isinstance(raw, str):
        return raw, {}, ()
    if not isinstance(raw, dict):
        raise Misfit(f"an assertion is a mapping, not {named(raw)}", hint="contains: shipped")
    if "type" in raw:
        if not isinstance(raw["type"], str):
            raise Misfit(f"type is text, not {named(raw['type'])}", "type", hint=f"one of {', '.join(SCORERS)}")
        fields = dict(raw)
        return fields.pop("type"), fields, ("type",)
    names = [key for key in raw if key in TYPES] or [key for key in raw if key not in FIELDS]
    if len(names) != 1:
        shown = ", ".join(map(str, raw)) or "nothing"
        raise Misfit(f"an assertion has one type; this has the keys {shown}", hint="{type: contains, value: shipped}")
    type_ = str(names[0])
    return type_, {("value" if key == type_ else key): value for key, value in raw.items()}, (type_,)


def _unknown(type_: str, *path: str) -> Misfit:
    on_key = path == (type_,)
    name = type_.removeprefix(NOT)
    if name in LEFT_OUT:
        return Misfit(f"there is no type {name!r}", *path, hint=LEFT_OUT[name], on_key=on_key)
    hint = nearest(type_, TYPES, kind="") or f"the types are: {', '.join(SCORERS)}"
    return Misfit(f"unknown assertion type {type_!r}", *path, hint=hint, on_key=on_key)


def _weight(weight: Json) -> float:
    if isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 < weight < float("inf"):
        return float(weight)
    raise Misfit(f"weight is a number above 0, not {weight!r}", "weight")


def _check_keys(scorer: Scorer, fields: JsonObject) -> None:
    if fields.keys() == VALUE_ALONE and not scorer.value_is_fields and fields["value"] is not None:
        return  # as nearly all are
    known = [*(scorer.fields or {}), *([scorer.instead] if scorer.instead else [])]
    if not scorer.value_is_fields:
        known.insert(0, "value")
    for key in fields:
        if key not in known:
            hint = nearest(str(key), [*known, "weight", *(["turn"] if scorer.of_turns else [])], kind="keys")
            raise Misfit(f"unknown key {key!r}", key, hint=hint, on_key=True)
    if scorer.needs_value and fields.get("value", fields.get(scorer.instead)) is None:
        raise Misfit("needs a value", *(("value",) if "value" in fields else ()))
