"""From what stands in a suite to checks that are ready to score: each is looked up, checked and compiled once.

Three ways to write the same check are accepted, and every wrong one is named: `{type: contains, value: shipped}`, the
short form `contains: shipped`, and the bare name of a type that needs no value.
"""

from __future__ import annotations

from typing import Final

from agentctl.agent.events import Json, JsonObject
from agentctl.config.nearest import nearest
from agentctl.evals.scorers import NOT, SCORERS, TYPES, scorer_of
from agentctl.evals.scorers.score import Assertion, Misfit, Scorer, named

COMMON: Final = ("type", "value", "weight")

FIELDS: Final[frozenset[str]] = frozenset(COMMON).union(*(scorer.fields or {} for scorer in SCORERS.values()))
"""Every key that an assertion can have beside its type's own name."""


def assertion_of(raw: Json, line: int = 0) -> Assertion:
    """The check that `raw` describes.

    Raises:
        Misfit: it describes none; `path` leads to the culprit inside `raw`.
    """
    type_, fields, at_type = _taken_apart(raw)
    scorer = scorer_of(type_)
    if scorer is None:
        raise _unknown(type_, *at_type)
    at_value = at_type if at_type == (type_,) else ("value",)
    weight = _weight(fields.pop("weight", 1.0))
    at_fields: tuple[str, ...] = ()
    if scorer.value_is_fields and isinstance(fields.get("value"), dict):
        fields |= fields.pop("value")
        at_fields = at_value
    try:
        _check_keys(scorer, fields)
        ready = scorer.prepare(fields)
    except Misfit as misfit:
        inside = misfit.path[:1] == ("value",)
        path = (*at_value, *misfit.path[1:]) if inside else (*at_fields, *misfit.path)
        raise Misfit(f"{type_}: {misfit}", *path, hint=misfit.hint, on_key=misfit.on_key) from None
    value = fields if scorer.value_is_fields else fields.get("value")
    return Assertion(type_, value, ready, negated=type_.startswith(NOT), weight=weight, line=line)


def schema() -> JsonObject:
    """JSON Schema of one assertion, for editors: both written forms of every type."""
    bare = [name for name in TYPES if not _scorer(name).needs_value and not _scorer(name).value_is_fields]
    return {"anyOf": [{"enum": bare}, *(form for name in TYPES for form in _forms(name, _scorer(name)))]}


def _scorer(type_: str) -> Scorer:
    scorer = scorer_of(type_)
    assert scorer is not None
    return scorer


def _forms(name: str, scorer: Scorer) -> list[JsonObject]:
    fields, weight = dict(scorer.fields or {}), {"type": "number", "exclusiveMinimum": 0}
    own: JsonObject = {"type": "object", "properties": fields, "additionalProperties": False}
    value = own if scorer.value_is_fields else scorer.schema
    long: JsonObject = {"type": {"const": name}, "weight": weight, **fields}
    required = ["type"]
    if not scorer.value_is_fields:
        long["value"] = value
        required += ["value"] if scorer.needs_value else []
    short: JsonObject = {name: value, "weight": weight, **({} if scorer.value_is_fields else fields)}
    return [
        {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
        for properties, needed in ((long, required), (short, [name]))
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
        return raw["type"], {key: value for key, value in raw.items() if key != "type"}, ("type",)
    names = [key for key in raw if key not in FIELDS]
    if len(names) != 1:
        shown = ", ".join(map(str, raw)) or "nothing"
        raise Misfit(f"an assertion has one type; this has the keys {shown}", hint="{type: contains, value: shipped}")
    type_ = str(names[0])
    return type_, {("value" if key == type_ else key): value for key, value in raw.items()}, (type_,)


def _unknown(type_: str, *path: str) -> Misfit:
    on_key = path == (type_,)
    if type_.removeprefix(NOT) in SCORERS:
        return Misfit(f"{type_.removeprefix(NOT)} has no {NOT} form", *path, on_key=on_key)
    hint = nearest(type_, TYPES, kind="") or f"the types are: {', '.join(SCORERS)}"
    return Misfit(f"unknown assertion type {type_!r}", *path, hint=hint, on_key=on_key)


def _weight(weight: Json) -> float:
    if isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 < weight < float("inf"):
        return float(weight)
    raise Misfit(f"weight is a number above 0, not {weight!r}", "weight")


def _check_keys(scorer: Scorer, fields: JsonObject) -> None:
    known = [*(scorer.fields or {})]
    if not scorer.value_is_fields:
        known.insert(0, "value")
    for key in fields:
        if key not in known:
            hint = nearest(str(key), [*known, "weight"], kind="keys")
            raise Misfit(f"unknown key {key!r}", key, hint=hint, on_key=True)
    if scorer.needs_value and fields.get("value") is None:
        raise Misfit("needs a value", *(("value",) if "value" in fields else ()))
