"""What a finished run means to the caller: one JSON document, and one exit code.

Limits that were set are caps (6); everything else that kept the agent from answering is an error (3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from agentctl.agent.events import FellBack, JsonObject, ModelReplied, Recalled, ToolReturned, to_json
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.cli import exits
from agentctl.model.pricing import price

EXITS: Final = {
    "completed": exits.OK,
    "max_turns": exits.CAPPED,
    "max_tokens": exits.CAPPED,
    "deadline": exits.CAPPED,
    "budget": exits.CAPPED,
    "missing_recording": exits.MISSING,
    "interrupted": exits.INTERRUPTED,
}

Price = Callable[[str, JsonObject], "Decimal | None"]


def price_for(agent: Agent) -> Price:
    """USD for a reply's usage on a model, at the list prices of the agent's provider."""
    provider = agent.provider.name
    return lambda model, usage: price(model, usage, provider)


def exit_code(run: Run) -> int:
    """The exit code for how the run ended."""
    return exits.ERRORED if run.ended is None else EXITS.get(run.ended.reason, exits.ERRORED)


def cost_of(run: Run, prices: Price) -> Decimal | None:
    """USD for all replies; None when the price of one is not known."""
    total = Decimal(0)
    for reply in _replies(run):
        one = prices(reply.model, reply.usage)
        if one is None:
            return None
        total += one
    return total


def document(run: Run, run_id: str, agent: Agent, *, attempts: int) -> JsonObject:
    """What `run --json` prints; `attempts` counts the requests that were sent."""
    reason = run.ended.reason if run.ended is not None else "error"
    cost = cost_of(run, price_for(agent))
    return {
        "run": run_id,
        "agent": agent.ref,
        "bundle": agent.bundle,
        "ended": reason,
        "text": run.text,
        "turns": run.turns,
        "tool_calls": list(_tool_calls(run)),
        "usage": run.usage.to_json(),
        "cost_usd": None if cost is None else float(cost),
        "attempts": attempts,
        "fell_back": [to_json(entry.event) for entry in run.entries if isinstance(entry.event, FellBack)],
        "cached_answer": _cached(run),
        "error": None if reason == "completed" else _error(run, reason),
    }


def _cached(run: Run) -> JsonObject | None:
    """Where the answer to the first question is from, when no model gave it."""
    for entry in run.entries:
        event = entry.event
        if isinstance(event, Recalled):
            return {"run": event.run, "model": event.model, "age_seconds": event.age_seconds}
    return None


def _error(run: Run, reason: str) -> JsonObject:
    """The model's own error type where it failed, else the reason of the end."""
    message, hint = (run.ended.message, run.ended.hint) if run.ended is not None else ("", "")
    if reason in {"model_error", "degraded"} and run.failures:
        last = run.failures[-1]
        return {"type": last.error_type, "message": last.message if reason == "degraded" else message, "hint": hint}
    return {"type": reason, "message": message, "hint": hint}


def _tool_calls(run: Run) -> Iterator[JsonObject]:
    """Every call the model asked for and got an answer to, in the order of the answers."""
    asked = {
        block["id"]: block["input"]
        for reply in _replies(run)
        for block in reply.content
        if block.get("type") == "tool_use"
    }
    for entry in run.entries:
        event = entry.event
        if isinstance(event, ToolReturned):
            yield {"name": event.name, "input": asked.get(event.call_id, {}), "ok": not event.is_error}


def _replies(run: Run) -> Iterator[ModelReplied]:
    return (entry.event for entry in run.entries if isinstance(entry.event, ModelReplied))
