"""Conversations in which anything may happen, generated; the API's own rules judge every request they lead to.

A history is a run of an agent with tools and fallbacks: turns with thinking, text and any number of parallel calls,
every stop reason, tools that fail, models that fail, Ctrl-C at any fact, a process that dies at any fact and is
resumed. Whatever happened, the next request must be one that the API takes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from agentctl.agent.drive import drive
from agentctl.agent.events import Entry, ModelFailed, ModelReplied, Resumed, ToolCalled, ToolReturned
from agentctl.agent.ports import API_VERSION, OnDelta, OnFailure, Request
from agentctl.agent.run import Run
from agentctl.agent.settle import ABANDONED, HAPPENED, REPEAT, Ruling, settle
from agentctl.agent.spec import Agent, Fallback, Limits, ToolSpec
from agentctl.errors import ApiError, ModelError, Unreachable
from agentctl.simulator.compose import signature_of
from agentctl.simulator.errors import Refusal
from agentctl.simulator.validator import validate

MODELS: Final = ("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5")
STOPS: Final = (*("end_turn",) * 2, *("tool_use",) * 3, "max_tokens", "pause_turn", "refusal", "odd")
THINKING: Final = ({}, {"thinking": {"type": "adaptive"}}, {"thinking": {"type": "enabled", "budget_tokens": 1024}})
MOST_CALLS: Final = 4
MOST_WORDS: Final = 4


@dataclass(slots=True)
class Found:
    """What came of histories: how many, how many requests, and the seeds of those that were refused, with the words."""

    histories: int = 0
    requests: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Died(BaseException):
    """The process ends here."""


def histories(count: int, seed: int = 0) -> Found:
    """Plays this many histories; each is known by its seed, `seed:number`, and plays alone with `one`."""
    found = Found()
    for number in range(count):
        one(f"{seed}:{number}", found)
    return found


def one(seed: str, found: Found) -> None:
    """Plays the history of this seed."""
    found.histories += 1
    try:
        asyncio.run(_History(Random(seed), found).play())
    except Refusal as refusal:
        found.refused[seed] = refusal.message


class _History:
    """One history: model, tools and user at once, all of them moods of one seed."""

    def __init__(self, chance: Random, found: Found) -> None:
        self._chance, self._found = chance, found
        self._ids = 0
        self._turns = 0
        definition = {"description": "Does it.", "input_schema": {"type": "object"}}
        kinds = {"read": ("read", False), "write": ("write", False), "keyed": ("write", True)}
        tools = tuple(
            ToolSpec(name, {"name": name, **definition}, handler=f"/x.py:{name}", effect=effect, idempotent=keyed)
            for name, (effect, keyed) in kinds.items()
        )
        self._agent = Agent(
            "any", "1", MODELS[0], "Be brief.", {"max_tokens": 2000, **chance.choice(THINKING)}, tools,
            limits=Limits(max_turns=6, max_seconds=None),
            fallbacks=tuple(Fallback(model) for model in MODELS[1 : chance.randint(1, len(MODELS))]),
        )  # fmt: skip

    async def play(self) -> None:
        """Says a few things; whatever ends a drive, the next one goes on with what was stored."""
        run = Run()
        for _ in range(self._chance.randint(1, MOST_WORDS)):
            words = [self._words()]
            try:
                await self._drive(run, words)
            except (Died, asyncio.CancelledError, ValueError):
                run = await self._reloaded(run)
                if self._chance.random() < 0.5:
                    await self._drive_on(run)

    async def _drive(self, run: Run, words: list[str]) -> None:
        async def hear() -> str | None:
            return words.pop() if words else None

        await drive(self._agent, run, model=self, tools=self, hear=hear, sinks=[self._listen])

    async def _drive_on(self, run: Run) -> None:
        try:
            await self._drive(run, [])
        except (Died, asyncio.CancelledError, ValueError):
            await self._reloaded(run)

    async def _reloaded(self, run: Run) -> Run:
        """The run as another process finds it: all facts, or all but the last ones, and its open calls settled."""
        kept = run.events[: len(run.events) - self._chance.choice((0, 0, 0, 1, 2))] if run.ended is None else run.events
        again = Run.of(kept)
        again.append(Resumed("another"), 0.0)

        async def ask(_call: ToolCalled) -> Ruling:
            return Ruling(self._chance.choice((REPEAT, HAPPENED, ABANDONED)))

        await settle(self._agent, again, lookup=self, ask=ask, emit=lambda event: void(again.append(event, 0.0)))
        return again

    def _listen(self, _entry: Entry) -> None:
        """Sometimes the process dies, or the user has had enough, just then."""
        mood = self._chance.random()
        if mood < 0.02:
            raise Died
        if mood < 0.03:
            raise asyncio.CancelledError
        if mood < 0.035:
            raise ValueError("the disk is full")

    async def ask(
        self,
        request: Request,
        *,
        on_failure: OnFailure,
        on_delta: OnDelta | None = None,
        time_left: float | None = None,
    ) -> ModelReplied:
        """Checks the request as the API does, then answers it somehow.

        Raises:
            Refusal: the API would not take it.
        """
        self._found.requests += 1
        validate(request.body, API_VERSION)
        self._turns += 1
        if self._chance.random() < 0.1:
            error: ModelError = self._chance.choice((
                ApiError("Overloaded", type="overloaded_error", status=529, retryable=True),
                Unreachable("gone", type="connection_error", retryable=True),
                ApiError("no", type="invalid_request_error", status=400),
            ))  # fmt: skip
            on_failure(ModelFailed(1, error.type, str(error), error.status, error.retryable))
            raise error
        return self._reply(request.body)

    def _reply(self, body: dict[str, Any]) -> ModelReplied:
        stop = self._chance.choice(STOPS)
        thinks = "thinking" in body and (body["thinking"]["type"] == "enabled" or self._chance.random() < 0.5)
        content: list[dict[str, Any]] = []
        if thinks:
            thought = self._words()
            content.append({"type": "thinking", "thinking": thought, "signature": signature_of(thought)})
        if self._chance.random() < 0.6 or stop in {"end_turn", "pause_turn", "max_tokens"}:
            content.append({"type": "text", "text": self._chance.choice((self._words(), self._words(), ""))})
        if stop == "tool_use" or (stop in {"max_tokens", "refusal", "odd"} and self._chance.random() < 0.5):
            content += [self._call() for _ in range(self._chance.randint(1, MOST_CALLS))]
        if stop == "pause_turn":  # the API pauses in the middle of its own tools, and only there
            call = {"type": "server_tool_use", "id": f"srvtoolu_{self._turns}", "name": "web_search", "input": {}}
            content.append(call)
        return ModelReplied(f"msg_{self._turns}", body["model"], content, stop, {"input_tokens": 1, "output_tokens": 1})

    def _call(self) -> dict[str, Any]:
        self._ids += 1
        name = self._chance.choice(("read", "write", "keyed", "nothing_like_it"))
        return {"type": "tool_use", "id": f"toolu_{self._ids}", "name": name, "input": {"n": self._ids}}

    async def call(self, call: ToolCalled) -> ToolReturned:
        """Answers a call, or does not live to."""
        mood = self._chance.random()
        if mood < 0.02:
            raise Died
        await asyncio.sleep(0)
        if mood < 0.2:
            return ToolReturned(call.call_id, call.name, self._words(), "raised")
        return ToolReturned(call.call_id, call.name, self._chance.choice((self._words(), "")))

    async def look_up(self, call: ToolCalled) -> ToolReturned | None:
        """Knows nothing."""
        raise LookupError(call.name)

    def _words(self) -> str:
        return " ".join(self._chance.choice(("one", "zwei", "trois", "\u56db", "5\n")) for _ in range(3))


def void(_value: object) -> None:
    """Nothing."""
