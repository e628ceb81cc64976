"""Messages that the API would not send, or not yet: well formed on the wire, wrong or new in what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from agentctl.agent.events import Block, JsonObject
from agentctl.config.faults import Fault
from agentctl.simulator.compose import stop_details

EXPLANATION: Final = "A simulated refusal."
STAND_IN: Final = "claude-sonnet-5-5"
UNKNOWN_BLOCK: Final[Block] = {"type": "hologram", "input": {}}


def bent(fault: Fault, message: JsonObject) -> JsonObject | None:
    """The message with the fault in it; None when it has nothing that the fault could bend."""
    change = CHANGES.get(fault.kind)
    return message if change is None else change(fault, message)


def _stop_reason(fault: Fault, message: JsonObject) -> JsonObject:
    reason = fault.values["value"]
    return {
        **message,
        "stop_reason": reason,
        "stop_details": stop_details(reason, fault.values["category"], EXPLANATION),
    }


def _duplicate_id(_fault: Fault, message: JsonObject) -> JsonObject | None:
    calls = [block for block in message["content"] if block["type"] == "tool_use"]
    return {**message, "content": [*message["content"], *calls]} if calls else None


def _fallback_block(_fault: Fault, message: JsonObject) -> JsonObject:
    """The model that was asked declined, and another one says what follows."""
    handed = {"from": {"model": message["model"]}, "to": {"model": STAND_IN}, "trigger": {"type": "refusal"}}
    return {**message, "content": [{"type": "fallback", **handed}, *message["content"]]}


def _unknown_block(_fault: Fault, message: JsonObject) -> JsonObject:
    return {**message, "content": [UNKNOWN_BLOCK, *message["content"]]}


CHANGES: Final[Mapping[str, Callable[[Fault, JsonObject], JsonObject | None]]] = {
    "stop-reason": _stop_reason,
    "duplicate-id": _duplicate_id,
    "unknown-block": _unknown_block,
    "fallback-block": _fallback_block,
}
