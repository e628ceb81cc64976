"""What a change of one JSON Schema keyword does to the inputs that were valid: nothing, more of them, or perhaps fewer.

`NARROWER` is the answer whenever the other two cannot be proven.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from agentctl.agent.events import JsonObject
from agentctl.diffing.paths import ABSENT

NOTHING: Final = "nothing"
WIDER: Final = "wider"
NARROWER: Final = "narrower"

Rule: TypeAlias = Callable[[Any, Any, JsonObject], str]
"""(old value, new value, the old schema they stand in) -> effect. A value is ABSENT when the keyword is not there."""

ANNOTATIONS: Final = frozenset(
    ("title", "description", "default", "examples", "example", "$comment", "deprecated", "readOnly", "writeOnly")
)
"""Keywords for readers: no validator looks at them. So are all that begin with `x-`."""


def is_annotation(keyword: str) -> bool:
    """Whether the keyword says nothing about which inputs are valid."""
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def effect(keyword: str, old: Any, new: Any, schema: JsonObject) -> str:
    """What became of the valid inputs when `keyword` went from `old` to `new` in `schema` (as it was)."""
    if is_annotation(keyword):
        return NOTHING
    rule = RULES.get(keyword)
    return NARROWER if rule is None else rule(old, new, schema)


def texts(values: Any) -> set[str]:
    """The JSON texts of a list's values, to compare them as JSON does."""
    return {json.dumps(value, sort_keys=True) for value in values} if isinstance(values, list) else set()


def _type(old: Any, new: Any, schema: JsonObject) -> str:
    if new is ABSENT:
        return WIDER
    wanted = types(new)
    having = _finite_types(schema) if old is ABSENT else types(old)
    return WIDER if having and wanted and all(_in(each, wanted) for each in having) else NARROWER


def types(value: Any) -> frozenset[str]:
    """The names in a `type`; none when it is no `type` anyone knows."""
    names = value if isinstance(value, list) else [value]
    return frozenset(names) if all(isinstance(name, str) for name in names) else frozenset()


def _in(name: str, wanted: frozenset[str]) -> bool:
    return name in wanted or (name == "integer" and "number" in wanted)


def _finite_types(schema: JsonObject) -> frozenset[str]:
    """The types of the only values the schema allows; none when it does not list them."""
    values = _finite(schema)
    return frozenset() if values is None else frozenset(_type_of(value) for value in values)


def _finite(schema: JsonObject) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else None


def _type_of(value: Any) -> str:
    by_class = {bool: "boolean", str: "string", dict: "object", list: "array", int: "integer", float: "number"}
    return by_class.get(type(value), "null")


def _values(_old: Any, new: Any, schema: JsonObject) -> str:
    """`enum` and `const`: every value that was allowed must be there."""
    if new is ABSENT:
        return WIDER
    before = _finite(schema)
    return WIDER if before is not None and texts(before) <= texts(new) else NARROWER


def _const(_old: Any, new: Any, schema: JsonObject) -> str:
    return _values(_old, ABSENT if new is ABSENT else [new], schema)


def _numbers(old: Any, new: Any) -> bool:
    return type(old) in {int, float} and type(new) in {int, float}


def _at_least(old: Any, new: Any, _schema: JsonObject) -> str:
    return WIDER if new is ABSENT or (_numbers(old, new) and new <= old) else NARROWER


def _at_most(old: Any, new: Any, _schema: JsonObject) -> str:
    return WIDER if new is ABSENT or (_numbers(old, new) and new >= old) else NARROWER


def _count_at_least(old: Any, new: Any, schema: JsonObject) -> str:
    return _at_least(0 if old is ABSENT else old, new, schema)


def _flag(_old: Any, new: Any, _schema: JsonObject) -> str:
    return WIDER if new is ABSENT or new is False else NARROWER


def _multiple(old: Any, new: Any, _schema: JsonObject) -> str:
    whole = type(old) is int and type(new) is int and new > 0
    return WIDER if new is ABSENT or (whole and old % new == 0) else NARROWER


def _names(old: Any, new: Any, _schema: JsonObject) -> str:
    """`required`: fewer names let more through."""
    return WIDER if new is ABSENT or (isinstance(new, list) and texts(new) <= texts(old)) else NARROWER


def _relaxed_by_removal(_old: Any, new: Any, _schema: JsonObject) -> str:
    return WIDER if new is ABSENT else NARROWER


RULES: Final[Mapping[str, Rule]] = {
    "type": _type,
    "enum": _values,
    "const": _const,
    "minimum": _at_least,
    "exclusiveMinimum": _at_least,
    "maximum": _at_most,
    "exclusiveMaximum": _at_most,
    "minLength": _count_at_least,
    "minItems": _count_at_least,
    "minProperties": _count_at_least,
    "maxLength": _at_most,
    "maxItems": _at_most,
    "maxProperties": _at_most,
    "maxContains": _at_most,
    "uniqueItems": _flag,
    "multipleOf": _multiple,
    "required": _names,
    "pattern": _relaxed_by_removal,
    "format": _relaxed_by_removal,
    "dependentRequired": _relaxed_by_removal,
    "dependencies": _relaxed_by_removal,
    "dependentSchemas": _relaxed_by_removal,
    "not": _relaxed_by_removal,
    "oneOf": _relaxed_by_removal,
    "anyOf": _relaxed_by_removal,
    "allOf": _relaxed_by_removal,
    "if": _relaxed_by_removal,
    "then": _relaxed_by_removal,
    "else": _relaxed_by_removal,
    "contains": _relaxed_by_removal,
    "propertyNames": _relaxed_by_removal,
    "items": _relaxed_by_removal,
    "unevaluatedProperties": _relaxed_by_removal,
    "unevaluatedItems": _relaxed_by_removal,
}
"""A keyword that is not here is not known well enough to be trusted: any change of it counts as narrower."""
