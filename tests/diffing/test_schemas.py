"""Changes of JSON Schemas: none is called compatible that refuses a call which used to be allowed."""

from __future__ import annotations

from typing import Any, NoReturn

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.diffing.paths import ABSENT
from agentctl.diffing.schemas import SchemaChange, compare, is_breaking

STRING: dict[str, Any] = {"type": "string"}
CLOSED: dict[str, Any] = {"type": "object", "properties": {"q": STRING}, "required": ["q"]}
STRICT = {**CLOSED, "additionalProperties": False}


def with_property(schema: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The schema with one more property."""
    return {**schema, "properties": {**schema["properties"], name: value}}


def on(schema: Any) -> dict[str, Any]:
    """A tool's schema whose property q is `schema`."""
    return {"type": "object", "properties": {"q": schema}}


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (CLOSED, {**with_property(CLOSED, "r", STRING), "required": ["q", "r"]}, "required"),
        (on({"type": ["string", "null"]}), on(STRING), "properties.q.type"),
        (on({"type": "number"}), on({"type": "integer"}), "properties.q.type"),
        (on({"enum": ["a", "b"]}), on({"enum": ["a"]}), "properties.q.enum"),
        (on(STRING), on({"type": "string", "enum": ["a"]}), "properties.q.enum"),
        (on({"enum": [1]}), on({"enum": [True]}), "properties.q.enum"),
        (on({"const": 1}), on({"const": 2}), "properties.q.const"),
        (on(STRING), on({"type": "string", "pattern": "^a"}), "properties.q.pattern"),
        (on({"pattern": "^a"}), on({"pattern": "^b"}), "properties.q.pattern"),
        (on({"minimum": 1}), on({"minimum": 2}), "properties.q.minimum"),
        (on({"maximum": 20}), on({"maximum": 10}), "properties.q.maximum"),
        (on({"maxLength": 20}), on({"maxLength": 10}), "properties.q.maxLength"),
        (on(STRING), on({"type": "string", "minLength": 1}), "properties.q.minLength"),
        (on({"multipleOf": 2}), on({"multipleOf": 3}), "properties.q.multipleOf"),
        (CLOSED, STRICT, "additionalProperties"),
        (with_property(STRICT, "r", STRING), STRICT, "properties.r"),
        ({**CLOSED, "additionalProperties": True}, with_property(CLOSED, "r", STRING), "properties.r"),
        ({"type": "object"}, {"type": "object", "properties": {"r": STRING}}, "properties.r"),
        (on({"type": "array", "items": STRING}), on({"type": "array", "items": {"type": "integer"}}), "q.items.type"),
        (on({"anyOf": [STRING, {"type": "null"}]}), on({"anyOf": [STRING]}), "properties.q.anyOf[1]"),
        (on({"oneOf": [STRING]}), on({"oneOf": [STRING, {"maxLength": 3}]}), "properties.q.oneOf"),
        (on({"not": {"maximum": 3}}), on({"not": {"maximum": 4}}), "properties.q.not.maximum"),
        (on({"mystery": 1}), on({"mystery": 2}), "properties.q.mystery"),
        (on({"$ref": "#/$defs/a"}), on({"$ref": "#/$defs/b"}), "properties.q.$ref"),
        (on(on({"type": "string"})), on(on({"type": "integer"})), "properties.q.properties.q.type"),
        (on(True), on(False), "properties.q"),
    ],
)
def test_what_may_refuse_a_call_is_breaking(old: Any, new: Any, path: str) -> None:
    """Each narrowing is named at its place."""
    found = [change.path for change in compare(old, new) if change.verdict == "breaking"]
    assert len(found) == 1
    assert found[0].endswith(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CLOSED, with_property(CLOSED, "limit", {"type": "integer"})),
        (STRICT, with_property(STRICT, "limit", {"type": "integer"})),
        (on({"enum": ["a"]}), on({"enum": ["b", "a"]})),
        (on({"const": "a"}), on({"enum": ["b", "a"]})),
        (on({"enum": ["a", "b"]}), on(STRING)),
        (on({"type": "integer"}), on({"type": "number"})),
        (on(STRING), on({"type": ["string", "null"]})),
        (CLOSED, {**CLOSED, "required": []}),
        (CLOSED, {**CLOSED, "description": "new", "title": "x", "x-mine": 1}),
        (on(STRING), on({**STRING, "description": "new", "default": "a"})),
        (STRICT, CLOSED),
        (with_property(CLOSED, "r", STRING), CLOSED),
        (on({"minimum": 1, "maximum": 5}), on({"minimum": 0, "maximum": 6})),
        (on({"anyOf": [STRING]}), on({"anyOf": [{"type": "null"}, STRING]})),
        (on({"anyOf": [STRING, {"type": "null"}]}), on({"anyOf": [{"type": "null"}, STRING]})),
        (on({"oneOf": [{"const": 1}]}), on({"oneOf": [{"const": 1, "description": "one"}]})),
        (on({"multipleOf": 4}), on({"multipleOf": 2})),
        (on({"pattern": "^a"}), on({})),
        (on(False), on(STRING)),
        (
            with_property(on({"$ref": "#/$defs/a"}), "id", STRING) | {"$defs": {"a": {"maximum": 1}}},
            with_property(on({"$ref": "#/$defs/a"}), "id", STRING) | {"$defs": {"a": {"maximum": 2}}},
        ),
    ],
)
def test_what_only_lets_more_through_is_compatible(old: Any, new: Any) -> None:
    """There is something to say, and nothing of it is breaking."""
    found = compare(old, new)
    assert found
    assert not is_breaking(found), found


def test_a_change_says_what_was_and_what_is() -> None:
    """One name of `required` is one change; the property that it needs is another."""
    new = {**with_property(CLOSED, "r", STRING), "required": ["q", "r"]}
    assert compare(CLOSED, new) == (
        SchemaChange("properties.r", ABSENT, STRING, "wider"),
        SchemaChange("required", ABSENT, "r", "narrower"),
    )


def test_a_wider_part_that_something_else_refuses_by_is_breaking() -> None:
    """A definition used under `not` refuses more, the more it lets through."""
    schema = {"properties": {"q": {"not": {"$ref": "#/$defs/a"}}}, "$defs": {"a": {"maximum": 1}}}
    wider = {**schema, "$defs": {"a": {"maximum": 2}}}
    assert is_breaking(compare(schema, wider))


def test_the_order_of_keys_is_no_change() -> None:
    """Two spellings of one schema have no differences."""
    assert compare(STRICT, dict(reversed(STRICT.items()))) == ()


names = st.sampled_from(["a", "b", "c"])
values = st.sampled_from([None, True, 0, 1, 2, 3, 2.5, "", "a", "ab", "abc", [], [1], ["a", "a"], {}, {"a": 1}])
kinds = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
counts = st.integers(0, 3)


def objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas made of the keywords that tools use, and of some that they should not."""
    several = st.lists(children, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": kinds | st.lists(kinds, min_size=1, max_size=2, unique=True),
            "description": st.sampled_from(["x", "y"]),
            "enum": st.lists(values, min_size=1, max_size=4),
            "const": values,
            "minimum": counts,
            "exclusiveMaximum": counts,
            "minLength": counts,
            "maxLength": counts,
            "pattern": st.sampled_from(["^a", "b$"]),
            "multipleOf": st.integers(1, 4),
            "minItems": counts,
            "uniqueItems": st.booleans(),
            "maxProperties": counts,
            "properties": st.dictionaries(names, children, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), children, max_size=1),
            "additionalProperties": children,
            "propertyNames": st.sampled_from([{"maxLength": 0}, {"enum": ["a"]}, {}]),
            "required": st.lists(names, max_size=2, unique=True),
            "items": children,
            "prefixItems": several,
            "contains": children,
            "minContains": counts,
            "maxContains": counts,
            "anyOf": several,
            "allOf": several,
            "oneOf": several,
            "not": children,
            "if": children,
            "then": children,
            "else": children,
            "dependentSchemas": st.dictionaries(names, children, max_size=1),
            "unevaluatedProperties": children,
            "$ref": st.sampled_from(["#", "#/$defs/x", "#/$defs/y"]),
        },
    )


schemas = st.recursive(st.booleans() | objects(st.booleans()), objects, max_leaves=6)
instances = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)


@st.composite
def edited(draw: st.DrawFn, schema: Any) -> Any:
    """The schema with a few keywords taken from elsewhere, at any depth."""
    if not isinstance(schema, dict) or draw(st.integers(0, 3)) == 0:
        return draw(schemas)
    new = dict(schema)
    for key in draw(st.lists(st.sampled_from(sorted(schema)), max_size=2)) if schema else []:
        if isinstance(new.get(key), dict) and draw(st.booleans()):
            new[key] = (
                draw(edited(new[key])) if key not in {"properties", "patternProperties"} else _inside(draw, new[key])
            )
        else:
            new.pop(key, None)
    if draw(st.booleans()):
        more = draw(objects(st.booleans()))
        new |= {key: more[key] for key in list(more)[:1]}
    return new


def _inside(draw: st.DrawFn, held: dict[str, Any]) -> dict[str, Any]:
    return {name: draw(edited(value)) for name, value in held.items()}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema and one that was made from it, both with definitions to refer to."""
    old = draw(objects(schemas))
    new = draw(edited(old))
    defs = {"x": draw(schemas), "y": draw(schemas)}
    later = {**defs, "x": draw(edited(defs["x"]))}
    return {**old, "$defs": defs}, {**new, "$defs": later} if isinstance(new, dict) else new


def written_out(schema: Any) -> Any:
    """The schema with `additionalProperties: true` where it names properties and says nothing of others."""
    if isinstance(schema, list):
        return [written_out(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    data = ("enum", "const")
    done = {key: value if key in data else written_out(value) for key, value in schema.items()}
    if isinstance(done.get("properties"), dict) and "type" not in done["properties"]:
        done.setdefault("additionalProperties", True)
    return done


def _nowhere(uri: str) -> NoReturn:
    raise ValueError(uri)


def _validator(schema: Any) -> Any:
    try:
        return jsonschema_rs.validator_for(schema, retriever=_nowhere)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs(), st.lists(instances, min_size=1, max_size=12))
def test_no_refusal_goes_unannounced(pair: tuple[Any, Any], given_: list[Any]) -> None:
    """If an instance was valid and is no longer, some change says breaking."""
    old, new = (written_out(each) for each in pair)
    before, after = _validator(old), _validator(new)
    if before is None or after is None or is_breaking(compare(old, new)):
        return
    for instance in given_:
        assert not before.is_valid(instance) or after.is_valid(instance), compare(old, new)
