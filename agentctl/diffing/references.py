"""What a change inside a schema means follows from where it stands, unless other parts refer to that place.

This is asked of a whole schema, and answered on the safe side: keys count wherever they stand, in data too.
"""

from __future__ import annotations

from typing import Final

from agentctl.agent.events import Json

NOT_MONOTONE: Final = frozenset(("not", "oneOf", "if", "contains", "dependencies"))
"""Inside these a schema that lets more through may let the whole refuse more."""

UNTRACEABLE: Final = frozenset(
    (
        "$id",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
        "unevaluatedProperties",
        "unevaluatedItems",
    )
)
"""With one of these, what a change does cannot be told from where it stands."""


def is_untraceable(schema: Json) -> bool:
    """Whether a schema refers to parts of itself in a way that makes a change here a change of something else there."""
    keys, references = set[str](), set[str]()
    _collect(schema, keys, references)
    if not UNTRACEABLE.isdisjoint(keys):
        return True
    return bool(references) and (not NOT_MONOTONE.isdisjoint(keys) or not all(map(_is_simple, references)))


def _is_simple(reference: str) -> bool:
    """Whether it names the whole schema or one of its definitions."""
    head, _, name = reference.rpartition("/")
    return reference == "#" or (head in {"#/$defs", "#/definitions"} and bool(name))


def _collect(value: Json, keys: set[str], references: set[str]) -> None:
    """Every key at any depth (those of data and of properties too: better too many) and every `$ref`."""
    if isinstance(value, dict):
        keys.update(value)
        if isinstance(value.get("id"), str):
            keys.add("$id")  # its older spelling; a property of that name holds a schema
        if "$ref" in value:
            references.add(str(value["$ref"]))
        for inner in value.values():
            _collect(inner, keys, references)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, keys, references)
