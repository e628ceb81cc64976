"""Results as `agentctl eval -o result.json` writes them, made by hand: runs with times, parallel calls, bad words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentctl.agent.events import (
    Event,
    ModelAsked,
    ModelReplied,
    Observed,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
    to_json,
)
from agentctl.agent.run import Run
from support.scripted import text

MODEL = "claude-sonnet-5-5"
USAGE = {"input_tokens": 20, "output_tokens": 5, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 0}

Timed = Sequence[tuple[float, Event]]


def reply(*blocks: dict[str, Any], stop: str = "end_turn") -> ModelReplied:
    """A reply with these blocks."""
    return ModelReplied("msg_1", MODEL, list(blocks), stop, dict(USAGE), request_id="req_1")


def asks(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A block that asks for a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def two_lookups(answer: str = "Both are on their way.", agent: str = "shop@1", said: str = "Where is it?") -> Timed:
    """A run in which two calls overlap: asked at 0, called at 1, answered at 1.5 and 3, done at 4."""
    calls = asks("t1", "find", order="A-1"), asks("t2", "track", order="A-1", deep={"by": ["air"]})
    thought = {"type": "thinking", "thinking": "Two lookups will do.", "signature": "c2ln"}
    return [
        (100.0, RunStarted(agent, "sha256:b", MODEL, {"system prompt": f"sha256:{agent}"})),
        (100.0, UserSaid(said)),
        (100.0, ModelAsked(1, MODEL)),
        (101.0, reply(thought, *calls, stop="tool_use")),
        (101.0, ToolCalled("t1", "find", {"order": "A-1"})),
        (101.0, ToolCalled("t2", "track", {"order": "A-1", "deep": {"by": ["air"]}})),
        (101.5, ToolReturned("t1", "find", '{"status":"sent","lines":[1,2]}')),
        (103.0, ToolReturned("t2", "track", "the carrier does not answer", "raised")),
        (103.0, ModelAsked(2, MODEL)),
        (104.0, reply(text(answer))),
        (104.0, Observed("state shop.db: SELECT 1", {"rows": [[1]]})),
        (104.0, RunEnded("completed")),
    ]


def failed(at: int, expected: str = "sent by sea today", got: str = "sent by air today") -> dict[str, Any]:
    """An assertion that failed, and where."""
    evidence = {"expected": expected, "got": got, "at": [{"seq": at, "turn": 2}]}
    about = {"type": "equals", "value": expected, "weight": 1.0, "line": 12}
    return {**about, "pass": False, "score": 0.0, "reason": "it says something else", "evidence": evidence}


def passed(type: str = "contains") -> dict[str, Any]:
    """An assertion that passed."""
    about = {"type": type, "value": "way", "weight": 1.0, "line": 13}
    return {**about, "pass": True, "score": 1.0, "reason": "", "evidence": None}


def case(id: str, status: str = "pass", run: Timed = (), **fields: Any) -> dict[str, Any]:
    """A case of a result, its figures taken from the run."""
    folded = Run.of(event for _, event in run)
    calls = [event.name for _, event in run if isinstance(event, ToolCalled)]
    return {
        "id": id,
        "repeat": 1,
        "status": status,
        "line": 10,
        "recording": f"cassettes/shop/{id}.yaml" if run else "",
        "reason": "",
        "hint": "",
        "stale": [],
        "score": 1.0,
        "asserts": [],
        "input": ["Where is it?"] if run else [],
        "text": folded.text,
        "ended": "completed" if run else None,
        "turns": folded.turns,
        "tool_calls": calls,
        "usage": folded.usage.to_json(),
        "cost_usd": 0.002 if run else None,
        "seconds": run[-1][0] - run[0][0] if run else 0.0,
        "entries": [{"seq": seq, "at": at, "event": to_json(event)} for seq, (at, event) in enumerate(run)],
        **fields,
    }


def result(*cases: dict[str, Any], suite: str = "shop", agent: str = "shop@1", **fields: Any) -> dict[str, Any]:
    """A result with one suite."""
    head = {"suite": suite, "file": f"evals/{suite}.yaml", "agent": agent, "bundle": "sha256:b", "model": MODEL}
    return {
        "schema": 1,
        "kind": "eval",
        "at": "2026-11-23T07:13:50Z",
        "by": "agentctl 0",
        "suites": [{**head, "cases": list(cases)}],
        "network": 0,
        "tools_executed": 0,
        "planned": len(cases),
        "interrupted": False,
        "recorded": [],
        "exit": 1,
        **fields,
    }
