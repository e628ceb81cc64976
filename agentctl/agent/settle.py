"""Calls that were begun and never answered, because the process died: what happened to each is found out, or asked.

An intent without a result is *uncertain*: the call may have run, and nothing here knows. What only reads, or may be
repeated under the same idempotency key, is repeated; a tool that can look up what came of a call is asked; a person
decides on the rest. It is never guessed: repeating a refund and forgetting one are both wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from agentctl.agent.events import Block, Event, Settled, ToolCalled, ToolReturned
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent, ToolSpec

REPEAT: Final = "repeat"
HAPPENED: Final = "happened"
ABANDONED: Final = "abandoned"

AFTER_ALL: Final = "it was interrupted, and a person found that it took effect"
NOT_AGAIN: Final = "interrupted; it may have run, and it was not tried again"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person says of an uncertain call: `repeat` it, it `happened` (with what it answered), or leave it."""

    verdict: str
    text: str = ""


Decide: TypeAlias = Callable[[ToolCalled], Awaitable[Ruling | None]]
"""Asks a person about a call; None when nobody is there to say."""


class Lookup(Protocol):
    """Tools that can say what came of a call."""

    async def look_up(self, call: ToolCalled) -> ToolReturned | None:
        """The result of a call that took effect; None when it did not. Raises LookupError when it cannot tell."""
        ...


def uncertain(run: Run) -> list[Block]:
    """The calls that were begun and have neither a result nor a ruling, in order."""
    return [call for call in run.unanswered if call["id"] in run.called and run.settled.get(call["id"]) != REPEAT]


def needs_person(agent: Agent, run: Run) -> list[Block]:
    """Those of them that only a person can decide on."""
    return [call for call in uncertain(run) if not _settles_itself(agent.tool(call["name"]))]


async def settle(agent: Agent, run: Run, *, lookup: Lookup, ask: Decide, emit: Callable[[Event], None]) -> list[Block]:
    """Settles every uncertain call of the run; returns those that nobody could decide on, about which nothing is said.

    What is settled is emitted as facts: a ruling, and the result where there is one.
    """
    undecided: list[Block] = []
    for block in uncertain(run):
        call = ToolCalled(block["id"], block["name"], block["input"])
        facts = await _settled(agent, call, lookup, ask)
        if not facts:
            undecided.append(block)
        for fact in facts:
            emit(fact)
    return undecided


async def _settled(agent: Agent, call: ToolCalled, lookup: Lookup, ask: Decide) -> list[Event]:
    """The facts about this call; none when it stays uncertain."""
    spec = agent.tool(call.name)
    reason = _by_rule(spec)
    if reason is not None:
        return [Settled(call.call_id, REPEAT, "rule", reason)]
    if spec is not None and spec.lookup is not None:
        try:
            found = await lookup.look_up(call)
        except LookupError:
            pass  # then a person has to say
        else:
            if found is None:
                return [Settled(call.call_id, REPEAT, "lookup", "it did not take effect")]
            return [Settled(call.call_id, HAPPENED, "lookup"), found]
    ruling = await ask(call)
    if ruling is None:
        return []
    return _as_ruled(call, ruling)


def _as_ruled(call: ToolCalled, ruling: Ruling) -> list[Event]:
    settled = Settled(call.call_id, ruling.verdict, "person", ruling.text)
    match ruling.verdict:
        case "happened":
            return [settled, ToolReturned(call.call_id, call.name, ruling.text or AFTER_ALL)]
        case "abandoned":
            return [settled, ToolReturned(call.call_id, call.name, ruling.text or NOT_AGAIN, "interrupted")]
        case _:
            return [settled]


def _by_rule(spec: ToolSpec | None) -> str | None:
    """Why a call of this tool may be repeated without asking; None when it may not."""
    if spec is None:
        return "there is no such tool"
    if spec.effect == "read":
        return "it only reads"
    return "it may be repeated with the same idempotency key" if spec.idempotent else None


def _settles_itself(spec: ToolSpec | None) -> bool:
    return _by_rule(spec) is not None or (spec is not None and spec.lookup is not None)
