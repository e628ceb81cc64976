"""A script's reply becomes a message of the API: ids, blocks, a signature over the thinking, usage.

Everything follows from the request, so recordings made twice are the same byte for byte. The signature is a keyed
digest of the thinking text: a client that sends it back changed is found out, as with the real API.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.conversation import Conversation, read
from agentctl.simulator.cut import stopped, within
from agentctl.simulator.rules import choose
from agentctl.simulator.script import Reply, Script
from agentctl.simulator.templates import ScriptFault, Template
from agentctl.simulator.tokens import PromptCache, count, output_tokens

SIGNING_KEY: Final = b"agentctl simulator"
"""No secret: it only has to make a changed block recognisable."""

SOME_THOUGHT: Final = "What is asked for, and what do I need for it?"
"""With manual thinking on a turn always begins with some; this is what a rule thinks that says nothing of it."""

EXPLANATION: Final = "The simulator's script refuses this request."


def signature_of(thinking: str) -> str:
    """The signature of a thinking block."""
    return hmac.new(SIGNING_KEY, thinking.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def stop_details(reason: str, category: str | None, explanation: str = EXPLANATION) -> JsonObject | None:
    """What is said of a stop beside its reason: of a refusal its category, if it has one."""
    if reason != "refusal":
        return None
    return {"type": "refusal", "category": category or None, "explanation": explanation}


def digest_of(body: JsonObject) -> str:
    """Hexadecimal digest of what was asked; how the reply travels is left out."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a script answers a request with, before it is a message."""

    reply: Reply
    variables: dict[str, Any]
    conversation: Conversation


def chosen(script: Script, body: JsonObject) -> Chosen:
    """The reply to a valid request.

    Raises:
        ScriptFault: a `where` of the script fails on this conversation.
    """
    conversation = read(body)
    return Chosen(*choose(script, conversation), conversation)


def compose(script: Script, body: JsonObject, choice: Chosen, cache: PromptCache) -> JsonObject:
    """The whole message that the reply makes.

    Raises:
        ScriptFault: a template of the script fails on this conversation, or gives what is no JSON.
    """
    reply, variables, conversation = choice.reply, choice.variables, choice.conversation
    thinking = _thinking(reply, variables, conversation, script.macros)
    digest = digest_of(body)
    said, stop_reason, sequence = _stopped(reply, _content(reply, variables, digest, script.macros), body)
    kept = within(said, max(body["max_tokens"] - _thought_tokens(thinking), 0))
    if kept != said:
        said, stop_reason, sequence = kept, "max_tokens", None
    return {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [*_thought(thinking, hidden=conversation.hides_thinking), *said],
        "stop_reason": stop_reason,
        "stop_sequence": sequence,
        "stop_details": stop_details(stop_reason, reply.category),
        "usage": _usage(reply, cache.usage(body), thinking, said),
    }


def _stopped(reply: Reply, said: list[Block], body: JsonObject) -> tuple[list[Block], str, str | None]:
    """What is said up to a stop sequence, why it stops, and at which; a script may name that reason for itself."""
    sequences = body.get("stop_sequences") or []
    kept, sequence = stopped(said, sequences)
    if sequence is not None:
        return kept, "stop_sequence", sequence
    reason = reply.stop_reason or ("tool_use" if reply.tools else "end_turn")
    return kept, reason, next(iter(sequences), None) if reason == "stop_sequence" else None


def _thinking(reply: Reply, variables: dict[str, Any], conversation: Conversation, macros: str) -> str | None:
    """What is thought before this reply, if anything is."""
    if not conversation.thinks:
        return None
    if reply.thinking is not None:
        return Template.text(reply.thinking, variables, macros).strip()
    return SOME_THOUGHT if conversation.always_thinks and conversation.turn == 0 else None


def _thought(thinking: str | None, *, hidden: bool) -> list[Block]:
    if thinking is None:
        return []
    shown = "" if hidden else thinking
    return [{"type": "thinking", "thinking": shown, "signature": signature_of(shown)}]


def _content(reply: Reply, variables: dict[str, Any], digest: str, macros: str) -> list[Block]:
    """The text, the calls, and what the API itself had begun when it paused."""
    content: list[Block] = []
    if reply.text is not None:
        text = Template.text(reply.text, variables, macros).strip()
        if text or not reply.tools:
            cited = {"citations": [*reply.citations]} if reply.citations else {}
            content.append({"type": "text", "text": text, **cited})
    for index, call in enumerate(reply.tools):
        ((name, template),) = call.items()
        input_ = Template.value(template, variables, macros)
        _check_json(name, input_)
        content.append({"type": "tool_use", "id": f"toolu_{digest[:20]}{index:02d}", "name": name, "input": input_})
    if reply.stop_reason == "pause_turn":  # the API pauses in the middle of its own tools
        content.append({"type": "server_tool_use", "id": f"srvtoolu_{digest[:20]}", "name": "web_search", "input": {}})
    return content


def _check_json(name: str, input_: JsonObject) -> None:
    """Raises ScriptFault when an expression came to something that no model could write."""
    try:
        orjson.dumps(input_)
    except TypeError as error:
        raise ScriptFault(f"the script's input of {name} is no JSON: {error}") from None


def _thought_tokens(thinking: str | None) -> int:
    return count({"thinking": thinking}) if thinking is not None else 0


def _usage(reply: Reply, asked: JsonObject, thinking: str | None, said: list[Block]) -> JsonObject:
    """What the reply is billed; what the script says of it counts."""
    thought = _thought_tokens(thinking)
    usage = {**asked, "output_tokens": thought + output_tokens(said), "service_tier": "standard"}
    if thought:
        usage["output_tokens_details"] = {"thinking_tokens": thought}
    if "cache_creation_input_tokens" in reply.usage:
        written = reply.usage["cache_creation_input_tokens"]
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0}
    return {**usage, **reply.usage}
