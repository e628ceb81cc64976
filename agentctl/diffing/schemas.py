"""Two JSON Schemas of a tool's input -> every change, each `breaking` or `compatible` for who calls the tool as before.

The promise is one-sided: if a call that the old schema allowed is refused by the new one, a change says breaking. What
cannot be proven compatible is breaking. One reading is ours: where a schema names properties and does not say whether
there may be others, callers send the named ones. So a new optional property is compatible, though a caller who had
always sent something of that name, unasked, might now be refused; with `additionalProperties` written out it is not
ours to read, and the values it let through count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from agentctl.agent.events import Json, JsonObject
from agentctl.agent.values import replace
from agentctl.diffing.keywords import NARROWER, NOTHING, WIDER, effect, texts
from agentctl.diffing.paths import ABSENT, same, step
from agentctl.diffing.references import is_untraceable

BREAKING: Final = "breaking"
COMPATIBLE: Final = "compatible"

COMBINING: Final = frozenset(
    (
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "dependentSchemas",
        "dependencies",
        "$ref",
        "not",
        "contains",
        "patternProperties",
    )
)
"""Beside one of these a schema does not name all properties that callers send."""

DEFINITIONS: Final = ("$defs", "definitions")


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One change, at `path` of the schema; `old` or `new` is ABSENT when the thing came or went."""

    path: str
    old: Json
    new: Json
    effect: str
    """What it does to the valid inputs: `nothing`, `wider`, or `narrower` when neither is certain."""

    @property
    def verdict(self) -> str:
        """`breaking` or `compatible`."""
        return BREAKING if self.effect == NARROWER else COMPATIBLE


Changes: TypeAlias = Iterator[SchemaChange]


@dataclass(frozen=True, slots=True)
class _Walk:
    """Two schemas at one place. `closed`: callers send only the properties named here, where nothing else is said."""

    path: str
    old: JsonObject
    new: JsonObject
    closed: bool

    def into(self, key: str | int, *more: str | int, closed: bool) -> _Step:
        path = self.path
        for each in (key, *more):
            path = step(path, each)
        return _Step(path, closed)


@dataclass(frozen=True, slots=True)
class _Step:
    path: str
    closed: bool


def compare(old: Json, new: Json) -> tuple[SchemaChange, ...]:
    """Every change from the schema `old` to the schema `new`; none, when they say the same."""
    found = tuple(_compare(_Step("", closed=True), old, new))
    if not any(each.effect == WIDER for each in found):
        return found
    return tuple(map(_suspect, found)) if is_untraceable(old) or is_untraceable(new) else found


def is_breaking(changes: tuple[SchemaChange, ...]) -> bool:
    """Whether one of them is."""
    return any(change.verdict == BREAKING for change in changes)


def _compare(at: _Step, old: Json, new: Json) -> Changes:
    if same(old, new):
        return
    before, after = _as_object(old), _as_object(new)
    if before is None:
        yield SchemaChange(at.path, old, new, WIDER)  # nothing was valid
    elif after is None:
        yield SchemaChange(at.path, old, new, NARROWER)
    elif not before and not after:  # `true` and `{}`
        yield SchemaChange(at.path, old, new, NOTHING)
    else:
        yield from _keywords(_Walk(at.path, before, after, at.closed))


def _as_object(schema: Json) -> JsonObject | None:
    """The schema as an object; None for `false`, which nothing fits."""
    if schema is True or schema is ABSENT:
        return {}
    return schema if isinstance(schema, dict) else None


def _keywords(walk: _Walk) -> Changes:
    properties = {"properties", "additionalProperties"}
    order = dict.fromkeys([*walk.old, *walk.new])
    if not properties.isdisjoint(order):
        yield from _properties(walk)
    for keyword in order:
        before, after = walk.old.get(keyword, ABSENT), walk.new.get(keyword, ABSENT)
        if keyword in properties or same(before, after):
            continue
        into = INTO.get(keyword)
        if into is not None and before is not ABSENT and after is not ABSENT:
            yield from into(walk, keyword, before, after)
        elif keyword in DEFINITIONS:
            yield from _definitions(walk, keyword, before, after)
        elif keyword == "required":
            yield from _required(walk, before, after)
        else:
            done = effect(keyword, before, after, walk.old)
            yield SchemaChange(step(walk.path, keyword), before, after, done)


def _required(walk: _Walk, before: Any, after: Any) -> Changes:
    """One change for each name, since each is a sentence of its own."""
    path = step(walk.path, "required")
    old, new = ([] if each is ABSENT else each for each in (before, after))
    if not (isinstance(old, list) and isinstance(new, list) and all(isinstance(name, str) for name in [*old, *new])):
        yield SchemaChange(path, before, after, NARROWER)
        return
    yield from (SchemaChange(path, ABSENT, name, NARROWER) for name in new if name not in old)
    yield from (SchemaChange(path, name, ABSENT, WIDER) for name in old if name not in new)
    if texts(old) == texts(new):
        yield SchemaChange(path, before, after, NOTHING)


def _properties(walk: _Walk) -> Changes:
    old, new = walk.old.get("properties", {}), walk.new.get("properties", {})
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield SchemaChange(step(walk.path, "properties"), old, new, NARROWER)
        return
    others_before = walk.old.get("additionalProperties", True)
    others_after = walk.new.get("additionalProperties", True)
    for name in dict.fromkeys([*old, *new]):
        at = walk.into("properties", name, closed=walk.closed and _is_alone(walk))
        if name in old and name in new:
            yield from _compare(at, old[name], new[name])
        elif name in old:
            worst = _worst(_compare(_Step("", closed=False), old[name], others_after))
            yield SchemaChange(at.path, old[name], ABSENT, worst)
        else:
            yield SchemaChange(at.path, ABSENT, new[name], _added(walk, others_before, new[name]))
    yield from _others(walk)


def _added(walk: _Walk, others_before: Json, schema: Json) -> str:
    """What it does to name a property that went unnamed."""
    if "patternProperties" in walk.old:
        others_before = True  # a pattern may have let it through, whatever is said of the others
    elif "properties" in walk.old and "additionalProperties" not in walk.old and walk.closed and _is_alone(walk):
        return WIDER
    return _worst(_compare(_Step("", closed=False), others_before, schema))


def _others(walk: _Walk) -> Changes:
    """`additionalProperties`; where it is absent, everything is let through."""
    before, after = (each.get("additionalProperties", ABSENT) for each in (walk.old, walk.new))
    path = step(walk.path, "additionalProperties")
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare(walk.into("additionalProperties", closed=False), before, after)
        return
    opened, shut = (True if each is ABSENT else each for each in (before, after))
    yield SchemaChange(path, before, after, _worst(_compare(_Step("", closed=False), opened, shut)))


def _is_alone(walk: _Walk) -> bool:
    """Whether the properties named here are all that callers know of."""
    return COMBINING.isdisjoint(walk.old) and COMBINING.isdisjoint(walk.new)


def _worst(changes: Changes) -> str:
    """The effect of several changes taken together."""
    effects = {change.effect for change in changes}
    return NARROWER if NARROWER in effects else WIDER if WIDER in effects else NOTHING


def _definitions(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    """Schemas that are used elsewhere: one that goes may be missed, one that comes is not used by what was there."""
    old, new = ({} if each is ABSENT else each for each in (before, after))
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield SchemaChange(step(walk.path, keyword), before, after, NARROWER)
        return
    for name in dict.fromkeys([*old, *new]):
        at = walk.into(keyword, name, closed=False)
        if name in old and name in new:
            yield from _compare(at, old[name], new[name])
        else:
            one, other = old.get(name, ABSENT), new.get(name, ABSENT)
            yield SchemaChange(at.path, one, other, NOTHING if other is not ABSENT else NARROWER)


def _one(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    """A keyword that holds one schema; a list of them is an older way to write `prefixItems`."""
    if isinstance(before, list) or isinstance(after, list):
        yield from _guarded(_each(walk, keyword, before, after))
        return
    yield from _compare(
        walk.into(keyword, closed=walk.closed and keyword == "items" and _is_alone(walk)), before, after
    )


def _each(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    """A keyword that holds a list of schemas, each in its place."""
    if not isinstance(before, list) or not isinstance(after, list) or len(before) != len(after):
        yield SchemaChange(step(walk.path, keyword), before, after, NARROWER)
        return
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        yield from _compare(walk.into(keyword, index, closed=False), old, new)


def _any(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    """`anyOf`: every branch of old must be found again, perhaps wider; new ones let more through."""
    if not isinstance(before, list) or not isinstance(after, list):
        yield SchemaChange(step(walk.path, keyword), before, after, NARROWER)
        return
    kept = {index for index, old in enumerate(before) if any(same(old, new) for new in after)}
    free = [index for index, new in enumerate(after) if not any(same(old, new) for old in before)]
    for index, old in enumerate(before):
        if index in kept:
            continue
        at = walk.into(keyword, index, closed=False)
        if index in free:
            free.remove(index)
            yield from _compare(at, old, after[index])
        else:
            yield SchemaChange(at.path, old, ABSENT, NARROWER)
    for index in free:
        yield SchemaChange(walk.into(keyword, index, closed=False).path, ABSENT, after[index], WIDER)
    if len(kept) == len(before) == len(after):
        yield SchemaChange(step(walk.path, keyword), before, after, NOTHING)


def _strictly(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    """Inside these, a wider schema may make the whole narrower."""
    walked = _each if isinstance(before, list) else _one
    return _guarded(walked(walk, keyword, before, after))


def _patterns(walk: _Walk, keyword: str, before: Any, after: Any) -> Changes:
    if not isinstance(before, dict) or not isinstance(after, dict) or before.keys() != after.keys():
        yield SchemaChange(step(walk.path, keyword), before, after, NARROWER)
        return
    for pattern, old in before.items():
        yield from _compare(walk.into(keyword, pattern, closed=False), old, after[pattern])


def _guarded(changes: Changes) -> Changes:
    return map(_suspect, changes)


def _suspect(change: SchemaChange) -> SchemaChange:
    return change if change.effect == NOTHING else replace(change, effect=NARROWER)


INTO: Final[dict[str, Callable[[_Walk, str, Any, Any], Changes]]] = {
    "items": _one,
    "propertyNames": _one,
    "prefixItems": _each,
    "allOf": _each,
    "anyOf": _any,
    "oneOf": _strictly,
    "not": _strictly,
    "if": _strictly,
    "then": _one,
    "else": _one,
    "contains": _strictly,
    "patternProperties": _patterns,
    "dependentSchemas": _patterns,
}
"""Keywords that hold schemas, and how two of them are compared."""
