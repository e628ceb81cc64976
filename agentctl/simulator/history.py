"""The rules of a conversation: who speaks, what a turn may hold, and that every tool call is answered exactly once.

The API merges consecutive messages of one role, and so do these rules before they look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.blocks import CALL, RESULT, check_block, check_words
from agentctl.simulator.conversation import blocks_of
from agentctl.simulator.errors import invalid

ROLES: Final = ("user", "assistant")
THINKING: Final = frozenset({"thinking", "redacted_thinking"})
SERVER_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})


@dataclass(frozen=True, slots=True)
class Turn:
    """Consecutive messages of one role, as one."""

    index: int
    """Of its first message."""
    role: str
    blocks: tuple[Block, ...]

    def ids(self, kind: str, name: str) -> list[str]:
        """The ids that its blocks of a kind name."""
        return [block[name] for block in self.blocks if block["type"] == kind]


def check_history(messages: list[JsonObject], *, strict: bool, prefill: bool, thinks: bool) -> None:
    """Passes a conversation the API would take.

    `strict` adds what newer API versions refuse, `prefill` says whether the last turn may be the assistant's, and
    `thinks` whether manual thinking is on, which wants the thinking of the turn in hand back.

    Raises:
        Refusal: 400, with the place.
    """
    for index, message in enumerate(messages):
        _check_message(index, message, last=index == len(messages) - 1)
    if messages[0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    turns = _merged(messages)
    for turn in turns:
        _check_order(turn, strict=strict)
    _check_calls(turns)
    if thinks:
        _check_thought(turns)
    _check_end(turns[-1], prefill=prefill)


def _check_message(index: int, message: JsonObject, *, last: bool) -> None:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
    for name in message:
        if name not in {"role", "content"}:
            raise invalid(f"messages.{index}.{name}: Extra inputs are not permitted")
    if content is None:
        raise invalid(f"messages.{index}.content: Field required")
    if not isinstance(content, str | list):
        raise invalid(f"messages.{index}.content: Input should be a valid list")
    if not content and not (last and role == "assistant"):
        rule = "all messages must have non-empty content except for the optional final assistant message"
        raise invalid(f"messages.{index}: {rule}")
    _check_content(index, role, content)


def _check_content(index: int, role: str, content: str | list[Any]) -> None:
    if isinstance(content, list):
        for position, block in enumerate(content):
            check_block(f"messages.{index}.content.{position}", block, role)
    elif content:
        check_words(content)


def _check_order(turn: Turn, *, strict: bool) -> None:
    """Calls stand at the end of the assistant's turn, results at the beginning of the user's."""
    called = False
    for position, block in enumerate(turn.blocks):
        kind = block["type"]
        place = f"messages.{turn.index}.content.{position}"
        if strict and turn.role == "assistant" and kind == "document":
            raise invalid(f"{place}: `document` blocks are not permitted in assistant turns")
        if strict and turn.role == "user" and block.get("citations") and kind == "text":
            raise invalid(f"{place}.text.citations: citations are not permitted in user turns")
        if called and kind in {"text", *THINKING}:
            raise invalid(f"messages.{turn.index}: `tool_use` blocks must be at the end of an `assistant` message")
        called = called or kind == CALL
    results = turn.ids(RESULT, "tool_use_id")
    if [block["type"] for block in turn.blocks[: len(results)]] != [RESULT] * len(results):
        raise invalid(f"messages.{turn.index}: `tool_result` blocks must come first in the content of a `user` message")


def _check_calls(turns: list[Turn]) -> None:
    """Every call is answered in the very next turn, once; and nothing else is."""
    seen: set[str] = set()
    for turn, following in zip(turns, [*turns[1:], None], strict=True):
        calls = turn.ids(CALL, "id")
        if len({*calls}) < len(calls) or seen & {*calls}:
            raise invalid(f"messages.{turn.index}: `tool_use` ids must be unique")
        seen |= {*calls}
        answered = following.ids(RESULT, "tool_use_id") if following else []
        missing = [call_id for call_id in calls if call_id not in answered]
        if missing:
            raise invalid(
                f"messages.{turn.index}: `tool_use` ids were found without `tool_result` blocks immediately after:"
                f" {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the"
                " next message."
            )
        if following is not None:
            _check_results(following, calls)
    _check_results(turns[0], [])


def _check_results(turn: Turn, calls: list[str]) -> None:
    """The results of a turn answer the calls before it."""
    ids = turn.ids(RESULT, "tool_use_id")
    for position, call_id in enumerate(ids):
        if call_id not in calls:
            raise invalid(
                f"messages.{turn.index}.content.{position}: unexpected `tool_use_id` found in `tool_result` blocks:"
                f" {call_id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous"
                " message."
            )
        if call_id in ids[:position]:
            raise invalid(
                f"messages.{turn.index}.content.{position}: each tool_use must have a single result. Found multiple"
                f" `tool_result` blocks with id: {call_id}"
            )


def _check_thought(turns: list[Turn]) -> None:
    """The turn in hand began with thinking: with manual thinking on it always does, and goes back as it was."""
    spoken = [place for place, turn in enumerate(turns) if turn.role == "user" and not turn.ids(RESULT, "tool_use_id")]
    first = turns[spoken[-1] + 1 :][:1]
    if not first or not first[0].blocks or first[0].blocks[0]["type"] in THINKING:
        return
    raise invalid(
        f"messages.{first[0].index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
        f" `{first[0].blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a"
        " thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include"
        " thinking blocks from previous turns. To avoid this requirement, disable `thinking`."
    )


def _check_end(turn: Turn, *, prefill: bool) -> None:
    if turn.role == "user" or _pauses(turn):
        return
    if not prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    last = turn.blocks[-1] if turn.blocks else {"type": ""}
    if last["type"] == "text" and last["text"] != last["text"].rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _pauses(turn: Turn) -> bool:
    """Whether a turn that the API itself paused is sent back to be continued: such a turn holds server tool calls."""
    return any(block["type"] in SERVER_CALLS or block["type"].endswith("_tool_result") for block in turn.blocks)


def _merged(messages: list[JsonObject]) -> list[Turn]:
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        blocks = tuple(blocks_of(message["content"]))
        if turns and turns[-1].role == message["role"]:
            turns[-1] = Turn(turns[-1].index, turns[-1].role, turns[-1].blocks + blocks)
        else:
            turns.append(Turn(index, message["role"], blocks))
    return turns
