"""A script's reply becomes a message of the API: ids, blocks, a signature over the thinking, usage.

Everything follows from the request, so recordings made twice are the same byte for byte. The signature is a keyed
digest of the thinking text: a client that sends it back changed is found out, as with the real API.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject
from agentctl.simulator.conversation import read
from agentctl.simulator.rules import choose
from agentctl.simulator.script import Reply, Script
from agentctl.simulator.templates import Template
from agentctl.simulator.tokens import PromptCache, output_tokens

SIGNING_KEY: Final = b"agentctl simulator"
"""No secret: it only has to make a changed block recognisable."""


def signature_of(thinking: str) -> str:
    """The signature of a thinking block."""
    return hmac.new(SIGNING_KEY, thinking.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def digest_of(body: JsonObject) -> str:
    """Hexadecimal digest of what was asked; how the reply travels is left out."""
    asked = {key: value for key, value in body.items() if key != "stream"}
    return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def compose(script: Script, body: JsonObject, cache: PromptCache) -> tuple[JsonObject, float]:
    """The whole message that answers a valid request, and the seconds to wait before its first byte.

    Raises:
        ScriptFault: a template of the script fails on this conversation.
    """
    conversation = read(body)
    reply, variables = choose(script, conversation)
    digest = digest_of(body)
    content = _content(reply, variables, digest, macros=script.macros, thinks=conversation.thinks)
    usage: dict[str, Any] = {**cache.usage(body), "output_tokens": output_tokens(content), "service_tier": "standard"}
    message = {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reply.stop_reason or ("tool_use" if reply.tools else "end_turn"),
        "stop_sequence": None,
        "usage": {**usage, **reply.usage},
    }
    return message, reply.delay


def _content(reply: Reply, variables: dict[str, Any], digest: str, *, macros: str, thinks: bool) -> list[Block]:
    content: list[Block] = []
    if reply.thinking is not None and thinks:
        thinking = Template.text(reply.thinking, variables, macros).strip()
        content.append({"type": "thinking", "thinking": thinking, "signature": signature_of(thinking)})
    if reply.text is not None:
        text = Template.text(reply.text, variables, macros).strip()
        if text or not reply.tools:
            content.append({"type": "text", "text": text})
    for index, call in enumerate(reply.tools):
        ((name, input_),) = call.items()
        content.append(
            {
                "type": "tool_use",
                "id": f"toolu_{digest[:20]}{index:02d}",
                "name": name,
                "input": Template.value(input_, variables, macros),
            }
        )
    if reply.stop_reason == "pause_turn":  # the API pauses in the middle of its own tools
        content.append({"type": "server_tool_use", "id": f"srvtoolu_{digest[:20]}", "name": "web_search", "input": {}})
    return content
