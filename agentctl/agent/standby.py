"""Who answers when a model cannot: the next in the agent's order, for the rest of the exchange.

A change of models happens at the edge of a turn only, and back to the first one only when the user speaks again: inside
a chain of tool calls the API takes back a model's thinking from nobody else, so there it is left out and switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.errors import DeadlineExceeded, ModelError

OURS: Final = range(300, 500)
"""Statuses that say that the address, the request, the key or the account is wrong: another model says the same."""

PASSING: Final = frozenset({408, 409, 429})
"""Those of them that pass by themselves."""

THINKING: Final = frozenset({"thinking", "redacted_thinking"})


def next_model(agent: Agent, model: str) -> str | None:
    """The model to ask when `model` cannot answer, or None when there is no other."""
    order = [agent.model, *(each.model for each in agent.fallbacks)]
    place = order.index(model) + 1 if model in order else len(order)
    return order[place] if place < len(order) else None


def is_outage(error: ModelError) -> bool:
    """Whether another model may answer: not when the request, the key, the account or the time is at its end."""
    if isinstance(error, DeadlineExceeded) or error.is_spend_cap:
        return False
    return error.status is None or error.status not in OURS or error.status in PASSING


def params_of(agent: Agent, model: str) -> JsonObject:
    """The body fields for this model of the agent's order."""
    own = next((each.params for each in agent.fallbacks if each.model == model), {})
    return {key: value for key, value in {**agent.params, **own}.items() if value is not None}


def readable_by(run: Run) -> list[JsonObject]:
    """The conversation as the model that stands in takes it: without what others thought."""
    kept = []
    for index, message in enumerate(run.messages):
        if message["role"] == "assistant" and run.authors.get(index) != run.standby:
            content = [block for block in message["content"] if block.get("type") not in THINKING]
            if content:
                kept.append(message if len(content) == len(message["content"]) else {**message, "content": content})
        else:
            kept.append(message)
    return kept


def may_think(run: Run) -> bool:
    """Whether every reply since the user spoke is of the model that stands in: only then may it think."""
    for index in range(len(run.messages) - 1, -1, -1):
        message = run.messages[index]
        if message["role"] == "assistant" and run.authors.get(index) != run.standby:
            return False
        if message["role"] == "user" and not _holds_results(message["content"]):
            return True
    return True


def is_unthought(body: JsonObject) -> bool:
    """Whether the turn in hand began without thinking, which manual thinking does not allow: another model gave it.

    The turn in hand begins after the last words of the user; words beside tool results do not end it. Source: platform
    docs, "Extended thinking with tool use".
    """
    if body.get("thinking", {}).get("type") != "enabled":
        return False
    first: JsonObject | None = None
    for role, messages in groupby(reversed(body["messages"]), key=lambda message: message["role"]):
        turn = list(messages)
        if role == "assistant":
            first = turn[-1]
        elif not any(_holds_results(message["content"]) for message in turn):
            break
    return first is not None and first["content"][0].get("type") not in THINKING


def _holds_results(content: str | Sequence[JsonObject]) -> bool:
    return not isinstance(content, str) and any(block.get("type") == "tool_result" for block in content)
