"""Redacting a stream is redacting what its reader joins, whatever the pieces; the rest of it stays, byte for byte."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.cassette.secrets.redact import SHAPES_ONLY, redactor
from agentctl.cassette.secrets.streams import redacted_stream, respread
from agentctl.model.decode import decode_reply
from support.planted import core, made, splits

PLANTED = made()
KINDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
TEXTS = st.lists(st.one_of(st.text(max_size=9), st.sampled_from(sorted(PLANTED.values()))), max_size=5).map("".join)


def body(kind: str, pieces: list[str], *, index: int = 0, signature: list[str] | None = None) -> str:
    """A whole reply of one block."""
    start: dict[str, Any] = {"text_delta": {"type": "text", "text": ""}}.get(kind) or {
        "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
        "input_json_delta": {"type": "tool_use", "id": "toolu_1", "name": "put", "input": {}},
    }[kind]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    usage = {"input_tokens": 1, "output_tokens": 1}
    stop = "tool_use" if kind == "input_json_delta" else "end_turn"
    deltas = [{"type": kind, KINDS[kind]: piece} for piece in pieces]
    deltas += [{"type": "signature_delta", "signature": piece} for piece in signature or []]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage}},
        {"type": "content_block_start", "index": index, "content_block": start},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {orjson.dumps(event).decode()}\n\n" for event in events)


def block(stream: str) -> dict[str, Any]:
    """The one block that a client reads."""
    (found,) = decode_reply(200, {"content-type": "text/event-stream"}, stream.encode()).content
    return dict(found)


@pytest.mark.parametrize("kind", ["text_delta", "thinking_delta"])
def test_split_at_every_place(kind: str) -> None:
    """For every kind of secret and every place to cut it in two, what is joined is the redacted whole."""
    field = KINDS[kind]
    for name, secret in PLANTED.items():
        text = f"So: {secret} ok"
        for at in range(1, len(text), 17 if len(text) > 120 else 7):
            clean = redacted_stream(body(kind, [text[:at], text[at:]], signature=["c2ln"]), SHAPES_ONLY)
            assert block(clean)[field] == SHAPES_ONLY.text(text), (name, at)
            assert core(secret) not in clean


@given(TEXTS, st.integers())
def test_any_text_in_any_pieces(text: str, seed: int) -> None:
    """Streamed or whole, redaction says the same, and once is enough."""
    stream = body("text_delta", list(splits(text, Random(seed), most=12)) or [""])
    clean = redacted_stream(stream, SHAPES_ONLY)
    assert block(clean)["text"] == SHAPES_ONLY.text(text)
    assert clean.count("\n") == stream.count("\n")
    assert redacted_stream(clean, SHAPES_ONLY) == clean
    if SHAPES_ONLY.text(text) == text:
        assert clean == stream


@given(st.dictionaries(st.text(max_size=6), TEXTS, max_size=3), st.integers())
def test_a_tools_input_is_redacted_as_the_next_request_holds_it(value: dict[str, str], seed: int) -> None:
    """The input that a client parses from the redacted pieces is the redacted input, however its JSON was written."""
    pieces = list(splits(json.dumps(value, ensure_ascii=seed % 2 == 0), Random(seed), most=12))
    clean = redacted_stream(body("input_json_delta", pieces), SHAPES_ONLY)
    assert block(clean)["input"] == SHAPES_ONLY.value(value)


def test_signatures_go_back_byte_for_byte() -> None:
    """A signature that looks like a key is none, in a stream and in a request; a known value goes even from there."""
    signature = PLANTED["aws-access"] + "/" + PLANTED["facebook"]
    thinking = f"the key is {PLANTED['github']}"
    stream = body("thinking_delta", [thinking[:20], thinking[20:]], signature=[signature[:10], signature[10:]])
    got = block(redacted_stream(stream, SHAPES_ONLY))
    assert got == {"type": "thinking", "thinking": "the key is [redacted:github-token]", "signature": signature}
    sent = {"role": "assistant", "content": [{"type": "thinking", "thinking": thinking, "signature": signature}]}
    assert SHAPES_ONLY.value(sent)["content"][0] == got
    hidden = {"type": "redacted_thinking", "data": signature}
    assert SHAPES_ONLY.value(hidden) is hidden
    rules = redactor({"KEY": signature[5:40]})
    assert rules.value(sent)["content"][0]["signature"] == block(redacted_stream(stream, rules))["signature"]
    assert signature[5:40] not in redacted_stream(stream, rules)


def test_what_is_around_the_deltas() -> None:
    """Comments, errors, data that is no JSON, whole blocks in a start, keys that are secrets."""
    secret = PLANTED["stripe"]
    events = [
        f": keep-alive {secret}\n\n",
        f"data: [DONE {secret}]\n\n",
        f"event: error\r\ndata: {json.dumps({'error': {'message': secret}})}\r\n\r\n",
        f"data: {json.dumps({'content_block': {'input': {'a': {secret: secret}}}})}\n\n",
        f"data: {json.dumps({'delta': {secret: {'x': 'y'}, 'citation': {'text': secret}}})}\n\n",
        f'data: {{"message":\ndata: "{secret}"}}\n\n',
    ]
    stream = "".join(events)
    clean = redacted_stream("event: ping\ndata: {}\n\n" + stream, SHAPES_ONLY)
    assert core(secret) not in clean
    assert clean.count("[redacted:stripe-key]") == 8
    assert clean.startswith("event: ping\ndata: {}\n\n: keep-alive [redacted:stripe-key]\n\n")


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8), st.text(max_size=20))
def test_respread(pieces: list[str], new: str) -> None:
    """As many pieces as before, and together the new text."""
    made_ = respread(pieces, "".join(pieces), new)
    if "".join(pieces):
        assert "".join(made_) == new
    assert len(made_) == len(pieces)
