"""Our header, to and from JSON. What is not there in the shape written here is refused: a header is never guessed.

A header of an older schema is brought up to today's, step by step, before it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any, Final

from agentctl.agent.events import JsonObject, Observed, ToolReturned
from agentctl.cassette.staleness import is_code
from agentctl.cassette.tape import SCHEMA, Break, Header, RecordedTool, Take
from agentctl.errors import CassetteError

KEY: Final = "agentctl"
"""The top-level key that holds the header; vcrpy passes over keys it does not know."""


def to_json(header: Header) -> JsonObject:
    """The header as it stands in the file."""
    return {
        "schema": header.schema,
        **({"partial": True} if header.partial else {}),
        **({"transcript": True} if header.transcript else {}),
        **({} if header.adaptive is None else {"adaptive": header.adaptive}),
        **({"verdict": True} if header.verdict else {}),
        "recorded": {"at": header.at, "by": header.by, "source": header.source},
        "suite": header.suite,
        "case": header.case,
        "agent": header.agent,
        "bundle": header.bundle,
        "components": dict(header.components),
        "takes": [_take_json(take) for take in header.takes],
    }


def from_json(data: Any, interactions: int) -> Header:
    """The header that `to_json` wrote, now or in an older version, for a file of that many interactions.

    Raises:
        CassetteError: it is of a newer schema, or not whole.
    """
    try:
        data = _upgraded(data)
        recorded = data["recorded"]
        header = Header(
            suite=data["suite"],
            case=data["case"],
            agent=data["agent"],
            bundle=data["bundle"],
            components=data["components"],
            at=recorded["at"],
            by=recorded["by"],
            source=recorded["source"],
            takes=tuple([_take(take, interactions) for take in data["takes"]]),
            partial=data.get("partial", False) is True,
            transcript=data.get("transcript", False) is True,
            adaptive=_share(data.get("adaptive")),
            verdict=data.get("verdict", False) is True,
        )
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise CassetteError(f"its `{KEY}` header is damaged ({type(error).__name__}: {error})") from None
    texts = [header.suite, header.case, header.agent, header.bundle, header.at, header.by, header.source]
    known = isinstance(header.components, dict)
    if not known or {*map(type, texts), *map(type, header.components.values())} != {str}:
        raise CassetteError(f"its `{KEY}` header is damaged (a text or `components` is of another type)")
    return header


def _share(value: Any) -> float | None:
    if value is not None and (type(value) not in {int, float} or not 0 <= value < 1):
        message = f"`adaptive` is {value!r}, which is no error between 0 and 1"
        raise ValueError(message)
    return None if value is None else float(value)


def _upgraded(data: JsonObject) -> JsonObject:
    """The header as today's schema has it.

    Raises:
        CassetteError: it is of a newer schema, or of one that never was.
    """
    schema = data["schema"]
    if type(schema) is not int or schema < 1:
        raise CassetteError(f"its header has schema {schema!r}, which never existed")
    if schema > SCHEMA:
        message = f"its header has schema {schema}; this agentctl reads up to {SCHEMA}"
        raise CassetteError(message, hint="upgrade agentctl, or record the case again")
    for upgrade in UPGRADES[schema - 1 :]:
        data = upgrade(data)
    return data


def _without_lines_of_code(data: JsonObject) -> JsonObject:
    """1 to 2: digests of code were made of its lines; what they say of today's syntax trees cannot be known."""
    kept = {name: value for name, value in data["components"].items() if not is_code(name)}
    return {**data, "components": kept}


UPGRADES: Final[tuple[Callable[[JsonObject], JsonObject], ...]] = (_without_lines_of_code,)
"""From schema 1 to 2, and so on: as many as there were older ones."""


def _take_json(take: Take) -> JsonObject:
    data: JsonObject = {
        "interactions": list(take.interactions),
        "seconds": [*take.seconds],
        "tools": [_tool_json(tool) for tool in take.tools],
        "observed": [{"name": seen.name, "value": seen.value} for seen in take.observed],
    }
    if take.breaks:
        data["breaks"] = [
            {"interaction": each.interaction, "type": each.type, "message": each.message, "retryable": each.retryable}
            for each in take.breaks
        ]
    if take.user:
        data["user"] = list(take.user)
    if take.rest:
        data["rest"] = list(take.rest)
    return data


def _tool_json(tool: RecordedTool) -> JsonObject:
    returned = tool.returned
    return {
        "call_id": returned.call_id,
        "name": returned.name,
        "content": returned.content,
        "error_type": returned.error_type,
        "seconds": tool.seconds,
    }


def _take(data: JsonObject, interactions: int) -> Take:
    indexes, user = tuple(data["interactions"]), tuple(data.get("user", ()))
    for index in (*indexes, *user):
        if type(index) is not int or not 0 <= index < interactions:
            message = f"a take names interaction {index} of {interactions}"
            raise ValueError(message)
    return Take(
        interactions=indexes,
        seconds=tuple([_number(each) for each in data["seconds"]]),
        tools=tuple([_tool(tool) for tool in data["tools"]]),
        observed=tuple([_observed(seen) for seen in data["observed"]]),
        breaks=tuple([_break(each) for each in data.get("breaks", ())]),
        user=user,
        rest=tuple([dict(each) for each in data.get("rest", ())]),
    )


def _tool(data: JsonObject) -> RecordedTool:
    returned = ToolReturned(data["call_id"], data["name"], data["content"], data["error_type"])
    if type(returned.call_id) is not str or type(returned.name) is not str:
        message = "a tool's result without the call's id and name"
        raise ValueError(message)
    if not isinstance(returned.content, (str, list)) or not isinstance(returned.error_type, (str, NoneType)):
        message = f"the result of {returned.name} is neither a text nor blocks"
        raise TypeError(message)
    return RecordedTool(returned, _number(data["seconds"]))


def _number(value: Any) -> float:
    if type(value) is not int and type(value) is not float:
        message = f"{value!r} is no number of seconds"
        raise ValueError(message)
    return value


def _observed(data: JsonObject) -> Observed:
    if type(data["name"]) is not str:
        message = "something observed without a name"
        raise ValueError(message)
    return Observed(data["name"], data["value"])


def _break(data: JsonObject) -> Break:
    found = Break(**data)
    kinds = [type(each) for each in (found.interaction, found.type, found.message, found.retryable)]
    if kinds != [int, str, str, bool]:
        message = "a broken reply that is not told in full"
        raise ValueError(message)
    return found
