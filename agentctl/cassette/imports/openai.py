"""Messages of OpenAI's chat API, in the words of the Messages API: calls become blocks, a tool's message its result.

Arguments must be one strict JSON object: what a lenient reading would make of others was never called with. Pictures
and files go where the API has a place for them; the rest is named.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.cassette.imports import conversations
from agentctl.cassette.imports.talk import Conversation, Found, Message, stop_reason

FORMAT: Final = "openai"
DATA_URL: Final = re.compile(r"data:(?P<type>[\w.+/-]+);base64,(?P<data>.*)", re.DOTALL)
PDF: Final = "application/pdf"
CALLED: Final = frozenset({"tool", "function"})


def read(data: bytes) -> Found:
    """The conversations in a file of OpenAI chat messages; errors as for `conversations.read`."""
    return conversations.read(data, FORMAT, add, tool)


def add(raw: JsonObject, place: str, found: Found, conversation: Conversation) -> None:
    """Puts one raw message into the conversation, or says why not."""
    role = raw["role"]
    if _is_users_own(raw):
        found.passed["the user's own tools"] += 1
    elif role in CALLED:
        _result(raw, place, found, conversation)
    elif role == "assistant":
        _reply(raw, place, found, conversation)
    elif role in {"user", *conversations.SYSTEM}:
        content = raw.get("content")
        said = content if isinstance(content, str) else _parts(content, place, found, conversation)
        if said is not None:
            conversation.messages.append(Message("user", said))
            conversation.carried += 1
    else:
        found.leave(place, f"the role {role!r} is not one of the chat API", conversation)


def _is_users_own(raw: JsonObject) -> bool:
    """Whether this is a call of a tool that only the user has, or its result: tau2-bench lets users act too."""
    if raw["role"] == "user":
        return bool(raw.get("tool_calls")) and not raw.get("content")
    return raw["role"] in CALLED and raw.get("requestor") == "user"


def _reply(raw: JsonObject, place: str, found: Found, conversation: Conversation) -> None:
    content, told = raw.get("content"), None
    blocks: list[Block] = []
    if isinstance(content, str) and content:
        blocks.append({"type": "text", "text": content})
    elif content:
        blocks += _parts(content, place, found, conversation) or []
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        blocks.append({"type": "text", "text": raw["refusal"]})
        told = "refusal"
    before = conversation.left
    for number, call in enumerate(_calls(raw)):
        block = _call(call, f"call_{len(conversation.messages)}_{number}", place, found, conversation)
        if block is not None and any(each.get("id") == block["id"] for each in blocks):
            found.leave(place, f"a second call with the id {block['id']}", conversation)
        elif block is not None:
            blocks.append(block)
    if raw.get("audio"):
        found.leave(place, "the audio of a reply has no place in the Messages API", conversation)
    if not blocks and conversation.left > before:
        return
    usage, model = raw.get("usage"), raw.get("model")
    conversation.messages.append(
        Message(
            "assistant",
            blocks,
            id=raw["id"] if isinstance(raw.get("id"), str) else "",
            model=model if isinstance(model, str) else "",
            stop_reason=stop_reason(blocks, told),
            usage=_usage(usage) if isinstance(usage, dict) else {},
        )
    )
    conversation.carried += 1


def _calls(raw: JsonObject) -> list[Any]:
    calls = raw.get("tool_calls")
    if isinstance(calls, list):
        return calls
    return [{"function": raw["function_call"]}] if isinstance(raw.get("function_call"), dict) else []


def _call(call: Any, made_up: str, place: str, found: Found, conversation: Conversation) -> Block | None:
    """The block of one call; None, and a reason, when its arguments are no JSON object.

    tau2-bench writes name and arguments beside the id, not under `function`.
    """
    function = call.get("function", call) if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        found.leave(place, "a tool call without a function's name", conversation)
        return None
    arguments = function.get("arguments")
    try:
        given = orjson.loads(arguments) if isinstance(arguments, (str, bytes)) else arguments
    except orjson.JSONDecodeError as error:
        found.leave(place, f"the arguments of {name} are no JSON ({error})", conversation)
        return None
    if not isinstance(given, dict):
        found.leave(place, f"the arguments of {name} are no JSON object", conversation)
        return None
    identity = call.get("id")
    return {
        "type": "tool_use",
        "id": identity if isinstance(identity, str) and identity else made_up,
        "name": name,
        "input": given,
    }


def _result(raw: JsonObject, place: str, found: Found, conversation: Conversation) -> None:
    """A tool's message answers the call it names; one of the older kind answers the last call of that function."""
    call_id = raw.get("tool_call_id") or raw.get("id")
    asked = [
        block
        for message in conversation.messages
        if message.role == "assistant" and isinstance(message.content, list)
        for block in message.content
        if block["type"] == "tool_use"
    ]
    if not call_id:
        call_id = next((block["id"] for block in reversed(asked) if block["name"] == raw.get("name")), None)
    if all(block["id"] != call_id for block in asked):
        found.leave(place, f"a result of a call that is not there ({call_id or raw.get('name')})", conversation)
        return
    content = raw.get("content")
    said = content if isinstance(content, str) else _parts(content or [], place, found, conversation)
    block: Block = {"type": "tool_result", "tool_use_id": call_id, "content": said if said is not None else ""}
    if raw.get("error") is True:
        block["is_error"] = True
    last = conversation.messages[-1]
    conversation.carried += 1
    answers = last.content if last.role == "user" and isinstance(last.content, list) else []
    if answers and answers[-1]["type"] == "tool_result":  # results of one turn are one message
        conversation.messages[-1] = Message("user", [*answers, block])
    else:
        conversation.messages.append(Message("user", [block]))


def _parts(parts: Any, place: str, found: Found, conversation: Conversation) -> list[Block] | None:
    """The parts of a content as blocks; None, and a reason, when nothing of it can be carried."""
    if not isinstance(parts, list):
        found.leave(place, "a message without content", conversation)
        return None
    blocks: list[Block] = []
    for part in parts:
        block = _part(part) if isinstance(part, dict) else None
        if block is None:
            kind = part.get("type") if isinstance(part, dict) else type(part).__name__
            found.leave(place, f"a part of type {kind} has no place in the Messages API", conversation)
        else:
            blocks.append(block)
    return blocks if blocks or not parts else None


def _part(part: JsonObject) -> Block | None:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "refusal", "refusal": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image_url", "image_url": {"url": str(url)} | str(url)}:
            return {"type": "image", "source": _source(url)}
        case {"type": "file", "file": {"file_data": str(url)}}:
            source = _source(url)
            return {"type": "document", "source": source} if source.get("media_type") == PDF else None
    return None


def _source(url: str) -> JsonObject:
    inside = DATA_URL.fullmatch(url)
    if inside is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": inside["type"], "data": inside["data"]}


def tool(raw: Any) -> JsonObject | None:
    """A tool's definition in the Messages API's words; None when it is none."""
    function = raw.get("function", raw) if isinstance(raw, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    described = {"description": function["description"]} if isinstance(function.get("description"), str) else {}
    schema = function.get("parameters", function.get("input_schema"))
    return {"name": function["name"], **described, "input_schema": schema or {"type": "object"}}


def _usage(usage: JsonObject) -> JsonObject:
    """Counts by our names; cached input stands beside the rest, not inside it."""
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = [value if type(value) is int else 0 for value in (usage.get("prompt_tokens"), cached)]
    output = usage.get("completion_tokens")
    return {
        "input_tokens": max(counts[0] - counts[1], 0),
        "output_tokens": output if type(output) is int else 0,
        "cache_read_input_tokens": counts[1],
    }
