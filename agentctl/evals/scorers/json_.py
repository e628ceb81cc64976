"""Checks that the final reply is JSON, and JSON of a given schema: strictly, as a program that reads it would."""

from __future__ import annotations

from typing import Any, Final

import orjson

from agentctl.evals.scorers.score import Fields, Misfit, Scorer, named
from agentctl.evals.scorers.text import Found, text_scorer

MAX_FINDINGS: Final = 3


def any_json(fields: Fields) -> Any:
    """A validator when the value is a schema; None when any JSON will do (no value, or `true`).

    Raises:
        Misfit: the value is neither, or no valid schema.
    """
    value = fields.get("value")
    return None if value is None or value is True else _validator(value, "takes a JSON Schema or no value")


def schema(fields: Fields) -> Any:
    """The validator for a schema that must be there.

    Raises:
        Misfit: it is missing or no valid schema.
    """
    return _validator(fields["value"], "takes a JSON Schema as a mapping")


def find_json(validator: Any, text: str) -> Found:
    """The whole text, read as JSON and, with a validator, fitting its schema."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fenced = text.lstrip().startswith("```")
        return -1, "it stands in a ``` fence" if fenced else str(error).partition(":")[0]
    if validator is None:
        return 0, ""
    findings = [f"{_path(error.instance_path)}: {error.message}" for error in validator.iter_errors(value)]
    return (-1 if findings else 0), "; ".join(findings[:MAX_FINDINGS])


def _validator(value: Any, takes: str) -> Any:
    if not isinstance(value, dict):
        raise Misfit(f"{takes}, not {named(value)}", "value", hint="{type: object, required: [...], properties: {...}}")
    import jsonschema_rs  # noqa: PLC0415  25 ms that suites without schemas do not pay

    try:
        return jsonschema_rs.validator_for(value)
    except ValueError as error:
        raise Misfit(f"not a JSON Schema: {str(error).splitlines()[0]}", "value") from None


def _path(parts: list[str | int]) -> str:
    return ".".join(str(part) for part in parts) or "the answer"


SCHEMA: Final = {"type": "object", "description": "A JSON Schema"}

SCORERS: Final[dict[str, Scorer]] = {
    "is-json": Scorer(
        text_scorer(find_json, "is JSON", "is not JSON"),
        any_json,
        {"anyOf": [SCHEMA, {"const": True}, {"type": "null"}]},
        negatable=True,
        needs_value=False,
    ),
    "json-schema": Scorer(
        text_scorer(find_json, "is JSON of the schema", "is not JSON of the schema"), schema, SCHEMA, negatable=True
    ),
}
