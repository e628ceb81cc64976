"""A model and tools that do what a list says, so that the loop can be tested without a wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from agentctl.agent.events import ModelFailed, ModelReplied, ToolCalled, ToolReturned
from agentctl.agent.ports import OnDelta, OnFailure, Request
from agentctl.agent.spec import Agent, Limits, ToolSpec
from agentctl.errors import ModelError

Step = ModelReplied | ModelError | Callable[[Request], Awaitable[ModelReplied]]


def text(value: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": value}


def call(name: str, call_id: str = "toolu_1", **input_: Any) -> dict[str, Any]:
    """A tool_use block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": input_}


def reply(*blocks: dict[str, Any], stop: str | None = None, **usage: int) -> ModelReplied:
    """A reply; it stops for tools when it has any."""
    content = list(blocks)
    uses = any(block["type"] == "tool_use" for block in content)
    return ModelReplied(
        id="msg_1",
        model="claude-sonnet-5-5",
        content=content,
        stop_reason=stop if stop is not None else ("tool_use" if uses else "end_turn"),
        usage={"input_tokens": 10, "output_tokens": 5, **usage},
    )


class ScriptedModel:
    """Answers with the steps in turn and keeps a copy of every request's messages."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[list[dict[str, Any]]] = []

    async def ask(
        self,
        request: Request,
        *,
        on_failure: OnFailure,
        on_delta: OnDelta | None = None,
        time_left: float | None = None,
    ) -> ModelReplied:
        """The next step."""
        self.requests.append([dict(message) for message in request.body["messages"]])
        step = self.steps.pop(0)
        if isinstance(step, ModelError):
            on_failure(ModelFailed(1, step.type, str(step), step.status, step.retryable))
            raise step
        if isinstance(step, ModelReplied):
            return step
        return await step(request)


class ScriptedTools:
    """Answers every call with `results[name]`, after `delays[call_id]` seconds."""

    def __init__(self, results: dict[str, str] | None = None, delays: dict[str, float] | None = None) -> None:
        self.results, self.delays = results or {}, delays or {}
        self.finished: list[str] = []

    async def call(self, asked: ToolCalled) -> ToolReturned:
        """The scripted answer."""
        await asyncio.sleep(self.delays.get(asked.call_id, 0))
        self.finished.append(asked.call_id)
        return ToolReturned(asked.call_id, asked.name, self.results.get(asked.name, "ok"))


def says(*messages: str) -> Callable[[], Awaitable[str | None]]:
    """A user who says these things and then nothing."""
    waiting = list(messages)

    async def hear() -> str | None:
        return waiting.pop(0) if waiting else None

    return hear


def agent(tools: Iterable[str] = ("look",), *, approve: str = "never", **limits: Any) -> Agent:
    """A small agent with tools of these names."""
    specs = tuple(
        ToolSpec(
            name, {"name": name, "description": name, "input_schema": {"type": "object"}}, "x.py:f", approve=approve
        )
        for name in tools
    )
    return Agent("test", "1", "claude-sonnet-5-5", "Be brief.", {"max_tokens": 100}, specs, Limits(**limits))
