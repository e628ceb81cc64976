"""The rules of a conversation: who speaks, what a turn may hold, and that every tool call is answered exactly once.

The API merges consecutive messages of one role, and so do these rules before they look.
"""

from __future__ import annotations

from typing import Any, Final

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.compose import signature_of
from agentctl.simulator.conversation import blocks_of
from agentctl.simulator.errors import invalid

ROLES: Final = frozenset({"user", "assistant"})
CALLS: Final = "tool_use"
RESULT: Final = "tool_result"
THINKING: Final = frozenset({"thinking", "redacted_thinking"})


def check_history(messages: list[JsonObject], *, strict: bool) -> None:
    """Passes a conversation the API would take; `strict` adds what newer API versions refuse.

    Raises:
        Refusal: 400, with the place.
    """
    for index, message in enumerate(messages):
        _check_message(index, message, last=index == len(messages) - 1)
    if messages[0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    turns = _merged(messages)
    for index, role, blocks in turns:
        if role == "assistant":
            _check_assistant(index, blocks, strict=strict)
    _check_calls(turns)
    if strict and turns[-1][1] == "assistant" and not _pauses(turns[-1][2]):
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


Turn = tuple[int, str, list[Block]]
"""Index of its first message, role, blocks."""


def _check_message(index: int, message: JsonObject, *, last: bool) -> None:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
    if content is None:
        raise invalid(f"messages.{index}.content: Field required")
    if not isinstance(content, str | list):
        raise invalid(f"messages.{index}.content: Input should be a valid list")
    if not content and not (last and role == "assistant"):
        rule = "all messages must have non-empty content except for the optional final assistant message"
        raise invalid(f"messages.{index}: {rule}")
    if isinstance(content, list):
        for position, block in enumerate(content):
            _check_block(f"messages.{index}.content.{position}", block, role)


def _check_block(place: str, block: Any, role: str) -> None:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise invalid(f"{place}: Input should be a valid content block")
    kind = block["type"]
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise invalid(f"{place}.text.text: Field required")
        if not block["text"]:
            raise invalid(f"{place.rsplit('.content', 1)[0]}: text content blocks must be non-empty")
    if kind == CALLS and role == "user":
        raise invalid(f"{place}: `tool_use` blocks can only be specified in `assistant` messages")
    if kind == RESULT and role == "assistant":
        raise invalid(f"{place}: `tool_result` blocks can only be specified in `user` messages")
    _check_references(place, block)


def _check_references(place: str, block: Block) -> None:
    if block["type"] == CALLS:
        if not isinstance(block.get("input"), dict):
            raise invalid(f"{place}.tool_use.input: Input should be a valid dictionary")
        for name in ("id", "name"):
            if not isinstance(block.get(name), str):
                raise invalid(f"{place}.tool_use.{name}: Field required")
    if block["type"] == RESULT and not isinstance(block.get("tool_use_id"), str):
        raise invalid(f"{place}.tool_result.tool_use_id: Field required")


def _check_assistant(index: int, blocks: list[Block], *, strict: bool) -> None:
    called = False
    for position, block in enumerate(blocks):
        if block["type"] == "thinking":
            _check_thinking(f"messages.{index}.content.{position}", block)
        if strict and block["type"] == "document":
            raise invalid(
                f"messages.{index}.content.{position}: `document` blocks are not permitted in assistant turns"
            )
        if called and block["type"] == "text":
            raise invalid(f"messages.{index}: `tool_use` blocks must be at the end of an `assistant` message")
        called = called or block["type"] == CALLS


def _check_thinking(place: str, block: Block) -> None:
    thinking, signature = block.get("thinking"), block.get("signature")
    if not isinstance(thinking, str) or not isinstance(signature, str):
        raise invalid(f"{place}.thinking.signature: Field required")
    if signature != signature_of(thinking):
        raise invalid(f"{place}: Invalid `signature` in `thinking` block")


def _check_calls(turns: list[Turn]) -> None:
    """Every call is answered in the very next turn, before anything else is said there, once; and nothing else is."""
    seen: set[str] = set()
    for position, (index, role, blocks) in enumerate(turns):
        if role == "user":
            _check_results(index, blocks, turns[position - 1] if position else None)
            continue
        calls = [block["id"] for block in blocks if block["type"] == CALLS]
        for call_id in calls:
            if call_id in seen:
                raise invalid(f"messages.{index}: `tool_use` ids must be unique")
            seen.add(call_id)
        following = turns[position + 1] if position + 1 < len(turns) else None
        answered = _result_ids(following[2]) if following else []
        missing = [call_id for call_id in calls if call_id not in answered]
        if missing:
            raise invalid(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after:"
                f" {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the"
                " next message."
            )


def _check_results(index: int, blocks: list[Block], before: Turn | None) -> None:
    ids = _result_ids(blocks)
    called = [block["id"] for block in before[2] if block["type"] == CALLS] if before else []
    for position, call_id in enumerate(ids):
        if call_id not in called:
            raise invalid(
                f"messages.{index}.content.{position}: unexpected `tool_use_id` found in `tool_result` blocks:"
                f" {call_id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous"
                " message."
            )
        if call_id in ids[:position]:
            raise invalid(f"messages.{index}.content.{position}: each tool_use must have a single result")
    if [block["type"] for block in blocks[: len(ids)]] != [RESULT] * len(ids):
        raise invalid(f"messages.{index}: `tool_result` blocks must come first in the content of a `user` message")


def _result_ids(blocks: list[Block]) -> list[str]:
    return [block["tool_use_id"] for block in blocks if block["type"] == RESULT]


def _merged(messages: list[JsonObject]) -> list[Turn]:
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        blocks = blocks_of(message["content"])
        if turns and turns[-1][1] == message["role"]:
            turns[-1][2].extend(blocks)
        else:
            turns.append((index, message["role"], [*blocks]))
    return turns


def _pauses(blocks: list[Block]) -> bool:
    """Whether a turn that the API itself paused is sent back to be continued: such a turn holds server tool calls."""
    return any(
        block["type"] in {"server_tool_use", "mcp_tool_use"} or block["type"].endswith("_tool_result")
        for block in blocks
    )
