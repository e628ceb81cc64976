"""The next request, from the definition and the fold. Pure; the same facts give the same bytes."""

from __future__ import annotations

from agentctl.agent.events import JsonObject
from agentctl.agent.ports import Request
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.agent.standby import is_unthought, may_think, params_of, readable_by


def stable_part(agent: Agent, model: str | None = None) -> JsonObject:
    """Everything of the body but the messages: the same for every request of an agent, so that the prompt cache holds.

    With `cache` on, one breakpoint stands on the system prompt: it covers the tools too, which the API puts before it.
    `model` is one of the agent's fallbacks, with the fields that it is asked with.
    """
    body: JsonObject = {"model": agent.model, **agent.params}
    if model is not None:
        body = {"model": model, **params_of(agent, model)}
    body["stream"] = True  # before what is long, as a recording has it
    breakpoint_: JsonObject = {"cache_control": {"type": "ephemeral"}} if agent.cache else {}
    tools = [tool.definition for tool in agent.tools]
    if agent.system:
        body["system"] = [{"type": "text", "text": agent.system, **breakpoint_}] if agent.cache else agent.system
    elif tools and breakpoint_:
        tools[-1] = {**tools[-1], **breakpoint_}
    if tools:
        body["tools"] = tools
    return body


def build(agent: Agent, run: Run, stable: JsonObject | None = None) -> Request:
    """The request for the model's next turn; `stable` is `stable_part(agent)` where the caller has it already."""
    if run.standby:
        return _stand_in(agent, run)
    body = {**(stable if stable is not None else stable_part(agent)), "messages": run.messages}
    if is_unthought(body):
        del body["thinking"]
    return Request(body=body, betas=agent.betas)


def _stand_in(agent: Agent, run: Run) -> Request:
    """The same for the model that stands in for the agent's own."""
    body = {**stable_part(agent, run.standby), "messages": readable_by(run)}
    if not may_think(run) or is_unthought(body):
        body.pop("thinking", None)
    return Request(body=body, betas=agent.betas)
