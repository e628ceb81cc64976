"""What every foreign transcript becomes: conversations in the Messages API's words, and what has no place there.

A message is carried or it is in `left`, with its place and the reason; there is no third way. Lines that are no
messages (a program's own bookkeeping) are counted by what they call themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.errors import CassetteError

BLOCK_FIELDS: Final[dict[str, tuple[tuple[str, type], ...]]] = {
    "text": (("text", str),),
    "thinking": (("thinking", str),),
    "tool_use": (("id", str), ("name", str), ("input", dict)),
    "server_tool_use": (("id", str), ("name", str), ("input", dict)),
    "mcp_tool_use": (("id", str), ("name", str), ("input", dict)),
    "tool_result": (("tool_use_id", str),),
}
"""What must be in a block to be shown, scored and answered; kinds that are missing here are carried as they are."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that could not be carried: where it stands, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the API has it; `at` is seconds since the epoch, where that is known."""

    role: str
    content: str | list[Block]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    usage: JsonObject = field(default_factory=dict)
    at: float | None = None


@dataclass(slots=True)
class Conversation:
    """One conversation while it is read."""

    place: str
    name: str = ""
    """What the file calls it; empty when it does not."""
    model: str = ""
    system: str | list[Block] = ""
    tools: list[JsonObject] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    metadata: JsonObject = field(default_factory=dict)
    carried: int = 0
    """Messages of the file that are in here, the system's included."""
    left: int = 0
    """Messages and parts that belong in here and could not be carried."""


@dataclass(slots=True)
class Found:
    """What one file holds."""

    format: str
    conversations: list[Conversation] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    """Lines that are no messages, by what they are."""

    def leave(self, place: str, reason: str, conversation: Conversation | None = None) -> None:
        """Says that something is not carried."""
        self.left.append(Left(place, reason))
        if conversation is not None:
            conversation.left += 1


def records(data: bytes, found: Found) -> list[tuple[str, Any]]:
    """The JSON values of a file with their places: one on each line, or one document that may be a list of them.

    Raises:
        CassetteError: it is empty, or holds no JSON at all.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise CassetteError("the file is empty")
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _by_line(data, found)
    if isinstance(whole, list):
        return [(f"item {number}", value) for number, value in enumerate(whole, 1)]
    return [("line 1", whole)]


def _by_line(data: bytes, found: Found) -> list[tuple[str, Any]]:
    values: list[tuple[str, Any]] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values.append((f"line {number}", orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            found.leave(f"line {number}", f"is no JSON ({error})")
    if not values:
        raise CassetteError("no line of it is JSON", hint="--format says what it is; import takes JSON lines and YAML")
    return values


def sound(block: Any) -> str:
    """Why a block could not be used; empty when it can be."""
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or not kind:
        return "a content block without a type"
    for key, type_ in BLOCK_FIELDS.get(kind, ()):
        value = block.get(key)
        if not isinstance(value, type_) or (value == "" and key in {"id", "name", "tool_use_id"}):
            return f"a {kind} block without a valid `{key}`"
    return ""


def sound_blocks(content: Any, place: str, found: Found, conversation: Conversation) -> list[Block]:
    """The blocks of a content that can be used; the others are left, each with its reason."""
    kept: list[Block] = []
    calls: set[str] = set()
    for block in content:
        why = sound(block)
        if not why and block["type"] == "tool_use" and block["id"] in calls:
            why = f"a second tool_use block with the id {block['id']}"
        if why:
            found.leave(place, why, conversation)
            continue
        if block["type"] == "tool_use":
            calls.add(block["id"])
        kept.append(block)
    return kept


def stop_reason(content: str | list[Block], told: object) -> str:
    """Why a reply stopped: as it is told, where that fits what the reply holds."""
    reason = told if isinstance(told, str) else ""
    if not isinstance(content, str) and any(block["type"] == "tool_use" for block in content):
        return reason if reason in {"max_tokens", "refusal"} else "tool_use"
    return reason if reason not in {"", "tool_use"} else "end_turn"


def texts(content: Any) -> Iterator[str]:
    """The texts of a content: a string, or those of its parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
