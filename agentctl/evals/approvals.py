"""Who approves calls where nobody is there to be asked: the case does, and says which calls a person would have denied.

A case that was made of a run decides as the person did, call by call, in the same words: the model is told them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from agentctl.agent.events import Approved, Event, JsonObject, ModelReplied, ToolCalled
from agentctl.agent.ports import Approve

Denials: TypeAlias = Mapping[str, str | tuple[str | None, ...]]
"""By tool: why every call of it is denied, or for one call after the other why it is, with None where it is allowed."""

DENIED: Final = "nobody is there to approve it; a case with `approve: true` would have"
"""What the model is told of a call that nobody allows."""


def deciding(*, approve: bool, deny: Denials) -> Approve:
    """The approver of one run: what `deny` does not speak of is as `approve` says."""
    asked: Counter[str] = Counter()

    async def decide(call: ToolCalled) -> tuple[bool, str]:
        said, number = deny.get(call.name), asked[call.name]
        asked[call.name] += 1
        if isinstance(said, tuple) and number < len(said):
            reason = said[number]
            return (True, "the case approves this call") if reason is None else (False, reason)
        if isinstance(said, str):
            return False, said
        return (True, "the case approves every call") if approve else (False, DENIED)

    return decide


def may_run(tool: str, *, approve: bool, deny: Denials) -> bool:
    """Whether some call of a tool that asks is allowed."""
    said = deny.get(tool)
    if isinstance(said, str):
        return False
    return approve or (said is not None and None in said)


def as_document(deny: Denials) -> JsonObject:
    """The denials as a suite's document has them."""
    return {tool: said if isinstance(said, str) else list(said) for tool, said in deny.items()}


def decided(events: Sequence[Event]) -> tuple[bool, Denials]:
    """What these facts say was approved: whether anything was, and what was denied, in the order of the calls."""
    names = {
        str(block.get("id")): str(block.get("name"))
        for event in events
        if isinstance(event, ModelReplied)
        for block in event.content
        if block.get("type") == "tool_use"
    }
    said: dict[str, list[str | None]] = {}
    for event in events:
        if isinstance(event, Approved):
            said.setdefault(names.get(event.call_id, ""), []).append(None if event.approved else event.reason)
    deny = {tool: _short(reasons) for tool, reasons in said.items() if any(each is not None for each in reasons)}
    return any(None in reasons for reasons in said.values()), deny


def _short(reasons: list[str | None]) -> str | tuple[str | None, ...]:
    first = reasons[0]
    return first if first is not None and set(reasons) == {first} else tuple(reasons)
