"""A message as the API streams it: start, blocks with their deltas, the final delta with cumulative usage, stop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from agentctl.agent.events import Block, JsonObject

WORDS_A_DELTA: Final = 4
JSON_A_DELTA: Final = 24
"""Characters of tool input in one delta."""

FIRST_USAGE_ONLY: Final = ("cache_creation", "service_tier")
FINAL_USAGE_ONLY: Final = ("output_tokens_details",)

PIECES: Final = re.compile(rf"(?:\S+\s*){{1,{WORDS_A_DELTA}}}|\s+")


def events_of(message: JsonObject) -> Iterator[bytes]:
    """The events, each as its bytes on the wire."""
    usage = message["usage"]
    begun = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    first = {name: tokens for name, tokens in usage.items() if name not in FINAL_USAGE_ONLY}
    started = {**message, **begun, "content": [], "usage": {**first, "output_tokens": 1}}
    yield event("message_start", message=started)
    for index, block in enumerate(message["content"]):
        yield event("content_block_start", index=index, content_block=_empty(block))
        if index == 0:
            yield event("ping")
        for delta in _deltas(block):
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    final = {name: tokens for name, tokens in usage.items() if name not in FIRST_USAGE_ONLY}
    yield event("message_delta", delta={name: message[name] for name in begun}, usage=final)
    yield event("message_stop")


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def _empty(block: Block) -> Block:
    match block["type"]:
        case "text":
            return {"type": "text", "text": "", **({"citations": []} if "citations" in block else {})}
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case _:
            return {**block, "input": {}} if "input" in block else dict(block)


def _deltas(block: Block) -> Iterator[JsonObject]:
    match block["type"]:
        case "text":
            for piece in PIECES.findall(block["text"]):
                yield {"type": "text_delta", "text": piece}
            for citation in block.get("citations", ()):
                yield {"type": "citations_delta", "citation": citation}
        case "thinking":
            for piece in PIECES.findall(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case _ if "input" in block:
            yield {"type": "input_json_delta", "partial_json": ""}
            raw = orjson.dumps(block["input"]).decode()
            for at in range(0, len(raw), JSON_A_DELTA):
                yield {"type": "input_json_delta", "partial_json": raw[at : at + JSON_A_DELTA]}
