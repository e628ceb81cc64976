"""What a JSON Schema says, read without a validator: where its references lead, which types it lets through.

Every answer errs on one side: `types` may name a type too many, `alike` may call two schemas different that are not.
Whoever builds a proof on them can therefore trust it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final

from agentctl.agent.events import JsonObject

ANNOTATIONS: Final = frozenset(
    {
        *("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"),
        *("$comment", "discriminator", "markdownDescription", "enumDescriptions"),
    }
)
"""Keywords that say something about a value and refuse none."""

DEFINITIONS: Final = frozenset({"$defs", "definitions"})
MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLES: Final = frozenset(
    {
        *("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"),
        *("unevaluatedProperties", "unevaluatedItems", "additionalItems", "contentSchema"),
    }
)
SETS: Final = frozenset({"required", "type", "enum"})
"""Lists whose order means nothing."""

BESIDE: Final = ("allOf", "anyOf", "oneOf")
"""Keywords whose schemas look at the same value as the schema they stand in."""

FAR: Final = frozenset({"$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", "$anchor", "$vocabulary"})
TYPES: Final[dict[str, frozenset[str]]] = {
    **{name: frozenset({name}) for name in ("null", "boolean", "integer", "string", "array", "object")},
    "number": frozenset({"integer", "fraction"}),
}
EVERY: Final = frozenset().union(*TYPES.values())
"""All types; a number that is no integer is a `fraction`."""

DEEPEST: Final = 40
"""References followed in a row before an answer is given up."""


def plain(schema: Any) -> JsonObject | bool:
    """A schema that is a mapping or a bool; `true` is the mapping without keywords."""
    if schema is True or not isinstance(schema, (dict, bool)):
        return {}
    return schema


def marked(schema: Any) -> bool:
    """Whether the schema has a keyword that refuses something; `{}` and `true` have none."""
    return schema is False or (isinstance(schema, dict) and not ANNOTATIONS.issuperset(schema))


def resolve(reference: Any, root: Any) -> Any:
    """The schema at a JSON pointer into `root` (`#/$defs/Address`); None when it leads elsewhere or nowhere."""
    if not isinstance(reference, str) or not reference.startswith("#") or _rebased(root):
        return None
    found = root
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found and "%" not in key:
            found = found[key]
        else:
            return None
    return found if isinstance(found, (dict, bool)) and reference[1:2] in {"", "/"} else None


def _rebased(root: Any) -> bool:
    """Whether a part of the schema has a base of its own, so that pointers do not count from the root."""
    return isinstance(root, dict) and any("$id" in each or "id" in each for each in inner(root))


def inner(schema: Any) -> Iterator[JsonObject]:
    """Every schema inside this one, definitions included, that is a mapping."""
    waiting = list(_children(schema))
    while waiting:
        child = waiting.pop()
        if isinstance(child, dict):
            yield child
            waiting += _children(child)


def _children(schema: Any) -> Iterator[Any]:
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key in SINGLES:
            yield value
        elif key in LISTS and isinstance(value, list):
            yield from value
        elif key in MAPS | DEFINITIONS and isinstance(value, dict):
            yield from value.values()


def types(schema: Any, root: Any, depth: int = 0) -> frozenset[str]:
    """Every type a value may have that this schema lets through."""
    if schema is False:
        return frozenset()
    if not isinstance(schema, dict) or depth > DEEPEST:
        return EVERY
    found = EVERY
    if "type" in schema:
        found &= declared_types(schema["type"])
    values = allowed(schema)
    if values is not None:
        found &= frozenset(type_of(value) for value in values)
    for each in schema.get("allOf") or ():
        found &= types(each, root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            found &= frozenset().union(*(types(each, root, depth + 1) for each in schema[key]))
    if "$ref" in schema:
        found &= types(resolve(schema["$ref"], root), root, depth + 1)
    return found


def declared_types(written: Any) -> frozenset[str]:
    """The types in `type: string` or `type: [string, "null"]`."""
    names = written if isinstance(written, list) else [written]
    return frozenset().union(*(TYPES.get(name, EVERY) if isinstance(name, str) else EVERY for name in names))


def type_of(value: Any) -> str:
    """The type of one value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "fraction"
    return {str: "string", list: "array"}.get(type(value), "object")


def allowed(schema: JsonObject) -> list[Any] | None:
    """The values in `enum` and `const`; None when neither is there."""
    const = [schema["const"]] if "const" in schema else None
    listed = schema.get("enum")
    if not isinstance(listed, list):
        return const
    if const is None:
        return listed
    return const if any(atom(each) == atom(const[0]) for each in listed) else []


def atom(value: Any) -> Hashable:
    """Something hashable that is equal for values that are equal as JSON."""
    if isinstance(value, dict):
        return "object", frozenset((key, atom(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return "array", tuple(map(atom, value))
    return "boolean" if isinstance(value, bool) else "", value


def alike(old: Any, new: Any, old_root: Any, new_root: Any) -> bool:
    """Whether two schemas say the same, annotations aside, and whatever they refer to does too."""
    compared: set[str] = set()
    waiting = [(old, new)]
    while waiting:
        one, other = waiting.pop()
        meaning = essence(one)
        if meaning != essence(other):
            return False
        for reference in _references(one) - compared:
            compared.add(reference)
            target, target_now = resolve(reference, old_root), resolve(reference, new_root)
            if target is None or target_now is None:
                return atom(old_root) == atom(new_root)
            waiting.append((target, target_now))
    return True


def essence(schema: Any) -> Hashable:
    """What a schema says, without annotations and definitions; references stand for themselves."""
    if not isinstance(schema, dict):
        return atom(schema)
    return frozenset(
        (key, _essence(key, value))
        for key, value in schema.items()
        if key not in ANNOTATIONS and key not in DEFINITIONS
    )


def _essence(key: str, value: Any) -> Hashable:
    if key in SINGLES:
        return essence(value)
    if key in LISTS and isinstance(value, list):
        return tuple(map(essence, value))
    if key in MAPS and isinstance(value, dict):
        return frozenset((name, essence(each)) for name, each in value.items())
    if key in SETS and isinstance(value, list):
        return frozenset(map(atom, value))
    return atom(value)


def _references(schema: Any) -> set[str]:
    """Where a schema refers to; a reference that is not followed here counts as one that leads nowhere."""
    found = set()
    for each in (schema, *inner(schema)):
        if isinstance(each, dict):
            found |= {str(each["$ref"])} if "$ref" in each else set()
            found |= {key for key in FAR if key in each}
    return found
