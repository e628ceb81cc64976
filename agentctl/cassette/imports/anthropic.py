"""Messages of the Anthropic API, as logs keep them: a line for each conversation, or for each message.

Blocks are carried as they are, known to us or not, since the API grows; only one that could not be used is left out.
"""

from __future__ import annotations

from typing import Any, Final

from agentctl.agent.events import JsonObject
from agentctl.cassette.imports import conversations
from agentctl.cassette.imports.talk import Conversation, Found, Message, sound_blocks, stop_reason, texts

FORMAT: Final = "anthropic"


def read(data: bytes) -> Found:
    """The conversations in a file of Anthropic messages; errors as for `conversations.read`."""
    return conversations.read(data, FORMAT, add, tool)


def tool(raw: Any) -> JsonObject | None:
    """A tool's definition, which is carried as it is; None when it is none."""
    return raw if isinstance(raw, dict) else None


def add(raw: JsonObject, place: str, found: Found, conversation: Conversation) -> None:
    """Puts one raw message into the conversation, or says why not."""
    role, content = raw["role"], raw.get("content")
    if role in conversations.SYSTEM:
        role, content = "user", "\n\n".join(texts(content))
    if role not in {"user", "assistant"}:
        found.leave(place, f"the role {role!r} is not one of the Messages API", conversation)
        return
    if not isinstance(content, (str, list)):
        found.leave(place, "a message without content", conversation)
        return
    if isinstance(content, list):
        kept = sound_blocks(content, place, found, conversation)
        if content and not kept:
            return
        content = kept
    conversation.messages.append(message(role, content, raw))
    conversation.carried += 1


def message(role: str, content: str | list[Any], raw: JsonObject) -> Message:
    """The message, with what a raw reply says of itself."""
    if role == "user":
        return Message(role, content)
    usage = raw.get("usage")
    return Message(
        role,
        content,
        id=raw["id"] if isinstance(raw.get("id"), str) else "",
        model=raw["model"] if isinstance(raw.get("model"), str) else "",
        stop_reason=stop_reason(content, raw.get("stop_reason")),
        usage=usage if isinstance(usage, dict) else {},
    )
