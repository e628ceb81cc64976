"""A request as the script sees it: what was said, what came back, what has happened since the user spoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from agentctl.agent.events import Block, JsonObject


@dataclass(frozen=True, slots=True)
class Result:
    """One tool result in the conversation."""

    tool: str
    text: str
    failed: bool

    @property
    def value(self) -> Any:
        """The result parsed, when it is JSON; else its text."""
        try:
            return orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return self.text


@dataclass(frozen=True, slots=True)
class Conversation:
    """One request, read once."""

    system: str
    tools: tuple[str, ...]
    """Names the request offers."""
    sayings: tuple[str, ...]
    """What the user said, oldest first."""
    latest: tuple[Result, ...]
    """The results in the last message; empty when the user spoke last."""
    since: tuple[Result, ...]
    """All results since the user spoke."""
    results: tuple[Result, ...]
    """All results of the conversation."""
    turn: int
    """Replies since the user spoke."""
    spoke_last: bool
    thinking: JsonObject
    """The request's configuration of thinking."""

    @property
    def thinks(self) -> bool:
        """Whether thinking is on."""
        return self.thinking.get("type") in {"enabled", "adaptive", "between_tools"}

    @property
    def always_thinks(self) -> bool:
        """Whether a turn never begins without thinking: what is called manual thinking."""
        return self.thinking.get("type") == "enabled"

    @property
    def hides_thinking(self) -> bool:
        """Whether thinking comes back signed but empty."""
        return self.thinking.get("display") == "omitted"

    @property
    def said(self) -> str:
        """The user's last words."""
        return self.sayings[-1] if self.sayings else ""


def read(body: JsonObject) -> Conversation:
    """The conversation in a valid request body."""
    names: dict[str, str] = {}
    sayings: list[str] = []
    results: list[Result] = []
    since: list[Result] = []
    latest: list[Result] = []
    turn, spoke_last = 0, True
    for message in body["messages"]:
        blocks = blocks_of(message["content"])
        if message["role"] == "assistant":
            names |= {block["id"]: block["name"] for block in blocks if block.get("type") == "tool_use"}
            turn += 1
            continue
        latest = [_result(block, names) for block in blocks if block.get("type") == "tool_result"]
        results += latest
        since += latest
        spoken = " ".join(block["text"] for block in blocks if block.get("type") == "text")
        spoke_last = bool(spoken) or not latest
        if spoke_last:
            sayings.append(spoken)
            since, latest, turn = [], [], 0
    return Conversation(
        system=text_of(body.get("system", "")),
        tools=tuple(tool.get("name", "") for tool in body.get("tools", [])),
        sayings=tuple(sayings),
        latest=tuple(latest),
        since=tuple(since),
        results=tuple(results),
        turn=turn,
        spoke_last=spoke_last,
        thinking=body.get("thinking") or {},
    )


def blocks_of(content: str | list[Block]) -> list[Block]:
    """A content as blocks."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(content: str | list[Block]) -> str:
    """The texts in a content, one a line."""
    return "\n".join(block["text"] for block in blocks_of(content) if block.get("type") == "text")


def _result(block: Block, names: dict[str, str]) -> Result:
    content = block.get("content", "")
    return Result(names.get(block["tool_use_id"], ""), text_of(content), bool(block.get("is_error")))
