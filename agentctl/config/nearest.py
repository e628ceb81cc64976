"""What was probably meant: the nearest of the words that would have been right, and which words those are."""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel

MAX_LISTED: Final = 20
LISTS: Final = (list, tuple, set, frozenset)


def nearest(word: str, known: Collection[str], *, kind: str) -> str:
    """A hint: the known word that is nearest, else all of them when they are few; `kind` is the plural for the list."""
    import difflib  # noqa: PLC0415  only ever needed for an error

    close = difflib.get_close_matches(word.lower()[:100], [each.lower() for each in known], n=1, cutoff=0.6)
    if close:
        return f"did you mean `{next(each for each in known if each.lower() == close[0])}`?"
    if not kind or not known or len(known) > MAX_LISTED:
        return ""
    return f"the {kind} are: {', '.join(sorted(known))}"


def known_keys(model: type[BaseModel], document: Any, path: Sequence[str | int]) -> list[str]:
    """The keys that the mapping at `path` of a `document` of this model may have."""
    annotations: list[Any] = [model]
    value = document
    for step in path:
        annotations = [inner for outer in annotations for inner in _inside(outer, step)]
        value = value[step]
    models = [each for each in annotations if _is_model(each)]
    fitting = [each for each in models if _fits(each, value)] or models
    return list(dict.fromkeys(key for each in fitting for key in _keys(each)))


def _keys(model: type[BaseModel]) -> Iterable[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _inside(annotation: Any, step: str | int) -> list[Any]:
    """The types that stand at `step` inside a value of this type."""
    if _is_model(annotation):
        fields = annotation.model_fields
        found = [field.annotation for name, field in fields.items() if step == (field.alias or name)]
        return [each for inner in found for each in _choices(inner)]
    arguments = typing.get_args(annotation)
    if not arguments:
        return []
    inner = arguments[0] if typing.get_origin(annotation) in LISTS else arguments[-1]
    return _choices(inner)


def _choices(annotation: Any) -> list[Any]:
    """The types behind a union, an alias or an annotated type."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _choices(typing.get_args(annotation)[0])
    if origin is typing.Union or origin is types.UnionType:
        return [each for inner in typing.get_args(annotation) for each in _choices(inner)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fits(model: type[BaseModel], value: Any) -> bool:
    """Whether no field with fixed values (a `type`) speaks against this model."""
    if not isinstance(value, dict):
        return True
    for name, field in model.model_fields.items():
        key = field.alias or name
        fixed = typing.get_origin(field.annotation) is Literal
        if fixed and key in value and value[key] not in typing.get_args(field.annotation):
            return False
    return True
