"""Lines that hold a conversation each, or a message each: what the Anthropic and the OpenAI way of it share.

Where a message is named differently, the reader of that format is asked; what stands beside the messages is metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import orjson

from agentctl.agent.events import JsonObject
from agentctl.cassette.imports.talk import Conversation, Found, records, texts

MESSAGES: Final = ("messages", "traj", "trajectory", "conversation")
"""Under which keys of a line the messages may stand."""
ALSO: Final = ("trace", "history", "transcript", "dialogue")
"""Keys under which something else may stand as well: there messages are looked for by their roles."""

NAMES: Final = ("case_id", "case", "task_id", "custom_id", "id", "name")
TOLD: Final = frozenset({*MESSAGES, "system", "tools", "response", "choices"})
LISTS: Final = ("simulations", "trajectories", "results", "runs", "conversations", "traces", "samples", "data")
"""Under which keys of a document its conversations may stand; tau2-bench calls them simulations."""
LOOKED_AT: Final = 20
"""Items of a list that are looked at to see whether they are conversations."""
HOMES: Final = ("metadata", "info")
"""Mappings that hold what is said of the messages."""
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
    for place, record in _apart(records(data, found)):
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


def _apart(values: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The values, documents that hold conversations in a list taken apart."""
    for place, value in values:
        yield from listed(value) or [(place, value)]


def listed(value: Any) -> list[tuple[str, Any]] | None:
    """The conversations in a list, or in a list of a document, with what that says of all; None when there are none."""
    if isinstance(value, list) and any(_is_conversation(item) for item in value[:LOOKED_AT]):
        return [(f"item {number}", item) for number, item in enumerate(value, 1)]
    if not isinstance(value, dict) or messages_of(value) is not None:
        return None
    for key in LISTS:
        items = value.get(key)
        if isinstance(items, list) and any(_is_conversation(item) for item in items[:LOOKED_AT]):
            common = about(value)
            return [(f"{key}[{number}]", within(common, item)) for number, item in enumerate(items)]
    return None


def _is_conversation(item: Any) -> bool:
    return isinstance(item, dict) and messages_of(item) is not None


def about(document: JsonObject) -> JsonObject:
    """What a document says of every conversation in it: the model that was put to the test, and the domain."""
    found: JsonObject = {key: document[key] for key in ("model", "domain") if isinstance(document.get(key), str)}
    for key, path in {"model": ("agent_info", "llm"), "domain": ("environment_info", "domain_name")}.items():
        value = document.get("info")
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str):
            found.setdefault(key, value)
    return found


def within(common: JsonObject, item: Any) -> Any:
    """An item with what its document says of all; its own word goes first."""
    return {**common, **item} if isinstance(item, dict) else item


def messages_of(record: JsonObject) -> list[Any] | None:
    """The raw messages of a line, the reply that stands beside them included; None when there are none."""
    for holder in (record, _inner(record)):
        for key in (*MESSAGES, *ALSO):
            listed = _listed(holder.get(key))
            if listed is not None and (key in MESSAGES or _has_roles(listed)):
                return [*listed, *_replies(record)]
    return None


def _listed(value: object) -> list[Any] | None:
    """A list, or one that was written down as text, as tables of logs hold it."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return value if isinstance(value, list) else None


def _has_roles(listed: list[Any]) -> bool:
    return bool(listed) and all(isinstance(each, dict) and isinstance(each.get("role"), str) for each in listed)


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
    told = {*TOLD, "request", "body", *(key for key in ALSO if _has_roles(_listed(record.get(key)) or []))}
    conversation.metadata = {key: value for key, value in record.items() if key not in told}
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
    """What the line calls itself, beside its messages or in a mapping of what is said of them."""
    held = next((each for each in _homes(record) if any(_is_named(each.get(key)) for key in NAMES)), JsonObject())
    value = next((held[key] for key in NAMES if _is_named(held.get(key))), None)
    if value is None:
        return ""
    name = str(value) if isinstance(value, str) else f"case-{value}"
    trial = next((each["trial"] for each in _homes(record) if _is_named(each.get("trial"))), None)
    return name if not isinstance(trial, (str, int)) else f"{name}-trial-{trial}"


def _homes(record: JsonObject) -> list[JsonObject]:
    return [record, *(record[key] for key in HOMES if isinstance(record.get(key), dict))]


def _is_named(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
