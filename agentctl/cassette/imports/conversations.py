"""Lines that hold a conversation each, or a message each: what the Anthropic and the OpenAI way of it share.

Where a message is named differently, the reader of that format is asked; what stands beside the messages is metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from agentctl.agent.events import JsonObject
from agentctl.cassette.imports.talk import Conversation, Found, records, texts

MESSAGES: Final = ("messages", "traj", "trajectory", "conversation")
"""Under which keys of a line the messages may stand."""

NAMES: Final = ("case_id", "case", "task_id", "custom_id", "id", "name")
TOLD: Final = frozenset({*MESSAGES, "system", "tools", "response", "choices"})
SYSTEM: Final = frozenset({"system", "developer"})

Add: TypeAlias = Callable[[JsonObject, str, Found, Conversation], None]
"""Puts one raw message of the file at that place into the conversation, or says why not."""


def read(data: bytes, format_: str, add: Add, tool: Callable[[Any], JsonObject | None]) -> Found:
    """The conversations in a file of this kind.

    Raises:
        CassetteError: it is empty, or holds neither conversations nor messages.
    """
    found = Found(format_)
    loose: Conversation | None = None
    for place, record in records(data, found):
        if not isinstance(record, dict):
            found.leave(place, "is no JSON object")
        elif messages_of(record) is not None:
            found.conversations.append(conversation_of(record, place, found, add, tool))
        elif isinstance(record.get("role"), str):
            if loose is None:
                loose = Conversation(place)
                found.conversations.append(loose)
            hear(record, place, found, loose, add)
        else:
            found.leave(place, f"holds neither messages nor a message (its keys: {', '.join(list(record)[:5])})")
    return found


def messages_of(record: JsonObject) -> list[Any] | None:
    """The raw messages of a line, the reply that stands beside them included; None when there are none."""
    for holder in (record, _inner(record)):
        for key in MESSAGES:
            if isinstance(holder.get(key), list):
                return [*holder[key], *_replies(record)]
    return None


def hear(raw: Any, place: str, found: Found, conversation: Conversation, add: Add) -> None:
    """Takes one raw message: a system's is the prompt while nobody has spoken, and is said by the user afterwards."""
    if not isinstance(raw, dict) or not isinstance(raw.get("role"), str):
        found.leave(place, "a message without a role", conversation)
        return
    if raw["role"] in SYSTEM and not conversation.messages:
        text = "\n\n".join(texts(raw.get("content")))
        before = "\n\n".join(texts(conversation.system))
        conversation.system = f"{before}\n\n{text}" if before and text != before else text
        conversation.carried += 1
        return
    add(raw, place, found, conversation)


def conversation_of(
    record: JsonObject, place: str, found: Found, add: Add, tool: Callable[[Any], JsonObject | None]
) -> Conversation:
    """The conversation that a line holds; what cannot be carried is told to `found`."""
    asked = {**_inner(record), **record}
    conversation = Conversation(place, name=_name(record), model=_text(asked.get("model")))
    conversation.system = asked["system"] if isinstance(asked.get("system"), (str, list)) else ""
    for each in asked["tools"] if isinstance(asked.get("tools"), list) else ():
        definition = tool(each)
        if definition is None:
            found.leave(place, "a tool that has no name", conversation)
        else:
            conversation.tools.append(definition)
    conversation.metadata = {key: value for key, value in record.items() if key not in TOLD | {"request", "body"}}
    for number, raw in enumerate(messages_of(record) or (), 1):
        hear(raw, f"{place}, message {number}", found, conversation, add)
    return conversation


def _inner(record: JsonObject) -> JsonObject:
    """The request of a line that logs one."""
    return next((record[key] for key in ("request", "body") if isinstance(record.get(key), dict)), JsonObject())


def _replies(record: JsonObject) -> list[Any]:
    """The reply that a log keeps beside its request: a message, or the choices of one."""
    response = record.get("response")
    body = response.get("body", response) if isinstance(response, dict) else record
    if not isinstance(body, dict):
        return []
    if isinstance(body.get("choices"), list):
        return [choice.get("message") for choice in body["choices"][:1] if isinstance(choice, dict)]
    return [body] if body is not record and body.get("role") == "assistant" else []


def _name(record: JsonObject) -> str:
    value = next((record[key] for key in NAMES if isinstance(record.get(key), (str, int))), None)
    if value is None or isinstance(value, bool):
        return ""
    name = str(value) if isinstance(value, str) else f"case-{value}"
    trial = record.get("trial")
    return name if not isinstance(trial, (str, int)) else f"{name}-trial-{trial}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
