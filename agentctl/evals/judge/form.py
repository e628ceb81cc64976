"""The form a verdict has: what the API is told of it, and what is checked when one comes back.

Evidence stands before the reason and the reason before the verdict: a model that decides first argues for what it said.
With thinking on the API takes no forced tool call, so the same form is then asked for as the format of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from agentctl.agent.events import Json, JsonObject, ModelReplied
from agentctl.config.rubrics import Rubric
from agentctl.evals.scorers.score import CannotScore, excerpt

TOOL: Final = "verdict"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge says of one criterion."""

    criterion: str
    evidence: str
    """Quoted from the work; empty where no words decide it."""
    met: bool


@dataclass(frozen=True, slots=True)
class Vote:
    """One verdict of a judge."""

    passed: bool
    score: float
    """0 to 1: where on the scale it stands; without a scale 1 for a pass and 0 for a fail."""
    reason: str
    findings: tuple[Finding, ...]


def form(rubric: Rubric) -> JsonObject:
    """The fields of a request that make the reply a verdict."""
    schema = schema_of(rubric)
    if rubric.params.get("thinking", {}).get("type", "disabled") != "disabled":
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    description = "Gives the verdict on the work, by the rubric."
    return {
        "tools": [{"name": TOOL, "description": description, "input_schema": schema, "strict": True}],
        "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True},
    }


def schema_of(rubric: Rubric) -> JsonObject:
    """The JSON Schema of a verdict by this rubric, in what strict tools allow of the language."""
    quote = {"type": "string", "description": "The exact words of the work that decide it; empty when none do."}
    finding = _object(
        criterion={"type": "string", "enum": [name for name, _ in rubric.criteria]},
        evidence=quote,
        met={"type": "boolean"},
    )
    fields: JsonObject = {
        "criteria": {"type": "array", "items": finding, "description": "Each criterion of the rubric, once."},
        "reason": {"type": "string", "description": "Why, in one or two sentences."},
    }
    if rubric.scale is not None:
        low, high = rubric.scale
        fields["score"] = {"type": "integer", "enum": list(range(low, high + 1))}
    return _object(**fields, **{"pass": {"type": "boolean"}})


def vote_of(rubric: Rubric, reply: ModelReplied) -> Vote:
    """The verdict in a reply.

    Raises:
        CannotScore: there is none, or it has not the form that was asked for.
    """
    stop = reply.stop_reason
    if stop == "max_tokens":
        limit = rubric.params["max_tokens"]
        raise _unreadable(rubric, f"its verdict was cut at {limit} tokens", "raise params.max_tokens of the rubric")
    if stop == "refusal":
        raise _unreadable(rubric, "it declined to judge")
    return _vote(rubric, _said(rubric, reply))


def _said(rubric: Rubric, reply: ModelReplied) -> Json:
    """What the reply says in the place of a verdict, still to be checked."""
    calls = [block for block in reply.content if block.get("type") == "tool_use"]
    if len(calls) == 1 and calls[0].get("name") == TOOL:
        return calls[0].get("input")
    text = "".join(block["text"] for block in reply.content if block.get("type") == "text")
    if "tools" in form(rubric) or calls:
        what = f"{len(calls)} calls" if calls else f"prose: {excerpt(text)!r}" if text else "nothing"
        hint = "a simulated judge needs rules of its own: prompts/<rubric>/simulator.yaml"
        raise _unreadable(rubric, f"it answered with {what} instead of a verdict", "" if calls else hint)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _unreadable(rubric, f"it answered with what is no JSON: {excerpt(text)!r}") from None


def _vote(rubric: Rubric, said: Json) -> Vote:
    wanted = schema_of(rubric)["required"]
    if not isinstance(said, dict) or sorted(said) != sorted(wanted):
        has = ", ".join(map(str, said)) if isinstance(said, dict) else excerpt(repr(said))
        raise _unreadable(rubric, f"its verdict has {has or 'nothing'} instead of {', '.join(wanted)}")
    if not isinstance(said["pass"], bool) or not isinstance(said["reason"], str):
        raise _unreadable(rubric, "its verdict's `pass` is no boolean, or its `reason` no text")
    score = float(said["pass"]) if rubric.scale is None else _on_scale(rubric, rubric.scale, said["score"])
    return Vote(said["pass"], score, said["reason"], _findings(rubric, said["criteria"]))


def _on_scale(rubric: Rubric, scale: tuple[int, int], score: Any) -> float:
    low, high = scale
    if type(score) is not int or not low <= score <= high:
        raise _unreadable(rubric, f"its score is {score!r}, and the scale is {low} to {high}")
    return (score - low) / (high - low)


def _findings(rubric: Rubric, said: Any) -> tuple[Finding, ...]:
    names = [name for name, _ in rubric.criteria]
    found: dict[str, Finding] = {}
    for each in said if isinstance(said, list) else ():
        if not isinstance(each, dict) or each.keys() != {"criterion", "evidence", "met"}:
            raise _unreadable(rubric, f"a criterion of its verdict is {excerpt(repr(each))}")
        name, evidence, met = each["criterion"], each["evidence"], each["met"]
        if name not in names or not isinstance(evidence, str) or not isinstance(met, bool) or name in found:
            raise _unreadable(rubric, f"a criterion of its verdict is unknown, there twice, or no verdict: {name!r}")
        found[name] = Finding(name, evidence, met)
    if found.keys() != set(names):
        missing = ", ".join(name for name in names if name not in found)
        raise _unreadable(rubric, f"its verdict does not say whether these hold: {missing}")
    return tuple(found[name] for name in names)


def _unreadable(rubric: Rubric, what: str, hint: str = "") -> CannotScore:
    return CannotScore(f"the judge {rubric.ref} gave no verdict: {what}", hint=hint)


def _object(**properties: Json) -> JsonObject:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
