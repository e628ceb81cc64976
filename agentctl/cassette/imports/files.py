"""Which format a file is of: told by what only that format has, never by its name alone."""

from __future__ import annotations

from typing import Any, Final

import orjson

from agentctl.agent.events import JsonObject
from agentctl.cassette.encoding import GZIP
from agentctl.cassette.imports import anthropic, claude_code, openai
from agentctl.cassette.imports.conversations import conversation_of, listed, messages_of
from agentctl.cassette.imports.talk import Conversation, Found
from agentctl.errors import CassetteError

VCR: Final = "vcr"
READERS: Final = {anthropic.FORMAT: anthropic.read, openai.FORMAT: openai.read, claude_code.FORMAT: claude_code.read}
RECORDED: Final = frozenset({"interactions", "http_interactions", "requests"})
OPENAI_ROLES: Final = frozenset({"tool", "function", "developer"})
OPENAI_KEYS: Final = frozenset({"tool_calls", "function_call", "tool_call_id", "refusal"})
OPENAI_PARTS: Final = frozenset({"image_url", "input_audio", "file"})
LOOKED_AT: Final = 200
"""Lines of a file that are looked at to know it."""


def format_of(data: bytes) -> str:
    """The format of a file: `vcr` is a recording of HTTP, the others are transcripts.

    Raises:
        CassetteError: it is none that is known here.
    """
    if data.startswith(GZIP):
        return VCR
    values = _values(data)
    if not values:
        text = data.lstrip(b"\xef\xbb\xbf \r\n")
        if not text:
            raise CassetteError("the file is empty")
        if text.startswith((b"{", b"[")):
            raise CassetteError("it is no JSON, and no line of it is", hint="is it whole?")
        return VCR
    if any(_is_recording(value) for value in values):
        return VCR
    dicts = [each for value in values for each in _apart(value) if isinstance(each, dict)]
    if any("uuid" in each and ("parentUuid" in each or "sessionId" in each) for each in dicts):
        return claude_code.FORMAT
    messages = [message for each in dicts for message in (messages_of(each) or [each]) if isinstance(message, dict)]
    if not any("role" in message for message in messages):
        if any(each.get("type") == "summary" for each in dicts):
            return claude_code.FORMAT
        raise CassetteError("holds neither messages nor recorded requests", hint="--format says what it is")
    return openai.FORMAT if any(is_openai(message) for message in messages) else anthropic.FORMAT


def _apart(value: Any) -> list[Any]:
    """What a document holds in a list of conversations; else the value itself."""
    return [item for _, item in listed(value) or [("", value)]]


def conversation(record: JsonObject, place: str, found: Found) -> Conversation:
    """The conversation that one line or item holds, in the format that its own messages are of."""
    is_chat = any(is_openai(message) for message in messages_of(record) or () if isinstance(message, dict))
    reader = openai if is_chat else anthropic
    return conversation_of(record, place, found, reader.add, reader.tool)


def _values(data: bytes) -> list[Any]:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        values = []
        for line in data.split(b"\n", LOOKED_AT)[:LOOKED_AT]:
            try:
                values.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue
        return [value for value in values if isinstance(value, dict)]
    return whole if isinstance(whole, list) else [whole]


def _is_recording(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    is_interaction = isinstance(value.get("request"), dict) and {"uri", "url"} & value["request"].keys()
    return bool(is_interaction) or any(isinstance(value.get(key), list) for key in RECORDED)


def is_openai(message: JsonObject) -> bool:
    """Whether a message has what only OpenAI's chat API has."""
    content = message.get("content")
    parts = (
        {str(part.get("type")) for part in content if isinstance(part, dict)} if isinstance(content, list) else set()
    )
    return str(message.get("role")) in OPENAI_ROLES or not (
        OPENAI_KEYS.isdisjoint(message) and OPENAI_PARTS.isdisjoint(parts)
    )


def read(data: bytes, format_: str) -> Found:
    """What a transcript holds.

    Raises:
        CassetteError: it is empty, or not of that format at all.
    """
    return READERS[format_](data)
