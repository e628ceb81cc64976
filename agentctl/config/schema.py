"""JSON Schemas that editors check and complete documents with, made from the models that check them.

A field's description is the docstring under it, read from the source when a schema is asked for: one text for who reads
the code and who writes a document, at no cost to the commands that need neither.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
import typing
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from agentctl.agent.events import JsonObject

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def editor_schema(model: type[BaseModel], title: str, schema: JsonObject | None = None) -> JsonObject:
    """The JSON Schema of a document of this model; `schema` is what the model says, where its room knows more."""
    schema = schema if schema is not None else model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    for each in _models(model, set()):
        _describe(schema if each is model else definitions.get(each.__name__, {}), each)
    for definition in (schema, *definitions.values()):
        for part in definition.get("properties", {}).values():
            part.pop("title", None)  # pydantic's is the key once more
    if "extends" in schema.get("properties", {}):
        _relax(schema)
    return {"$schema": DIALECT, **schema, "title": title}


def _relax(schema: JsonObject) -> None:
    """A document that extends another may leave to it what would have to be there."""
    required = schema.pop("required", [])
    schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]


def _describe(schema: JsonObject, model: type[BaseModel]) -> None:
    properties = schema.get("properties", {})
    texts = docstrings(model)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in properties and name in texts:
            properties[key].setdefault("description", texts[name])


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings under the fields of a model, as one line each."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, SyntaxError):  # made at run time, or shipped without its source
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    texts = {}
    for statement, below in itertools.pairwise(body):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            texts[statement.target.id] = " ".join(below.value.value.split())
    return texts


def _models(model: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """The model and every model that its fields hold."""
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in model.model_fields.values():
        for inner in _inside(field.annotation):
            yield from _models(inner, seen)


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _inside(inner)
