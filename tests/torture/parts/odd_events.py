"""Events that are written or ordered otherwise than the API does it: no tool runs by them."""

from __future__ import annotations

from typing import Any, Final

from tests.torture import raw
from tests.torture.raw import ASKS, FINE, OK, PING, STOP, STREAM, streams
from tests.torture.wirecase import Case, part

MANY: Final = range(1, 4)
ANY: Final = ("connection_error", "protocol_error", "stream_truncated", "unknown_error", "api_error")
MEGA: Final = 1024 * 1024
PLAIN: Final = STREAM[:2]
ESC: Final = "\x1b[31m\x1b]0;owned\x07\x9b2J[link=https://evil.example]x[/link]<script>alert(1)</script>\u202e"


def _dialects() -> list[Case]:
    """The same events written otherwise, as the standard allows or not."""
    fine: dict[str, Any] = {"code": 0, "answer": "All is well."}
    named = FINE.replace(b"event: content_block_delta", b"event: message_stop")
    split = FINE.replace(b'"type": "text_delta", ', b'"type": "text_delta",\ndata: ')
    words = {
        "CR only": FINE.replace(b"\n", b"\r"),
        "CRLF": FINE.replace(b"\n", b"\r\n"),
        "BOM": b"\xef\xbb\xbf" + FINE,
        "comments": b": hello\n\n" + FINE.replace(b"\n\n", b"\n: ping\n\n"),
        "data on two lines": split,
        "id and retry": FINE.replace(b"event:", b"id: 7\nretry: 1\nevent:"),
        "no space behind colons": FINE.replace(b"event: ", b"event:").replace(b"data: ", b"data:"),
        "no event names": b"\n".join(line for line in FINE.split(b"\n") if not line.startswith(b"event:")),
        "names that differ from the types": named,
        "[DONE] behind it": FINE + b"data: [DONE]\n\n",
        "pings between": FINE.replace(b"event: content_block_delta", PING + b"event: content_block_delta"),
        "10,000 blank lines": b"\n" * 10_000 + FINE,
        "unknown fields": FINE.replace(b"data:", b"mood: fine\ndata:"),
    }
    cases = [Case(name, (streams(body),), **fine) for name, body in words.items()]
    cases += [
        Case(f"{name}, a byte at a time", (streams(*(bytes([byte]) for byte in body[:3000])),), **fine)
        for name, body in words.items()
        if name in {"CR only", "CRLF", "BOM"}
    ]
    asks = raw.start() + raw.text(0, "I look.")
    end = raw.ends("tool_use")
    empty = raw.opened(0, type="text", text="")
    letter = raw.grows(1, type="text_delta", text="}")
    json_ = raw.grows(0, type="input_json_delta", partial_json='{"id": "x"}')
    list_ = raw.event({"type": "content_block_delta", "index": 0, "delta": []})
    call = {"type": "tool_use", "id": "x", "name": "mark", "input": {"id": "1"}}
    odd = {
        "data is a number": asks + b"data: 7\n\n" + raw.use(1) + end,
        "data is NaN": asks + b"data: NaN\n\n" + raw.use(1) + end,
        "half a surrogate": (asks + b'data: {"type": "x", "y": "\\ud800"}\n\n' + raw.use(1) + end),
        "10,000 deep": asks + b"data: " + b"[" * 10_000 + b"]" * 10_000 + b"\n\n" + raw.use(1) + end,
        "type is a number": asks + b'data: {"type": 5}\n\n' + raw.use(1) + end,
        "index 10**9": asks + raw.use(10**9) + end,
        "index 10**40": asks + raw.use(1).replace(b'"index": 1', b'"index": 1' + b"0" * 40) + end,
        "index is true": asks + raw.use(1).replace(b'"index": 1', b'"index": true') + end,
        "index is 1.0": asks + raw.use(1).replace(b'"index": 1', b'"index": 1.0') + end,
        "index is missing": asks + raw.use(1).replace(b'"index": 1, ', b"") + end,
        "two starts, one answer each": FINE.removesuffix(STOP) + ASKS,
        "two answers": FINE + ASKS,
        "text deltas in a tool call": asks + raw.use(1, end=False) + letter + raw.closed(1) + end,
        "JSON deltas in a text": raw.start() + empty + json_ + raw.closed(0) + end,
        "a delta that is a list": raw.start() + empty + list_ + end,
        "a piece that is a number": asks + raw.use(1).replace(b'"partial_json": "', b'"partial_json": 7, "x": "') + end,
        "two JSON values as input": asks + raw.use(1, '{"id": "a"}{"id": "b"}') + end,
        "input with a key twice": asks + raw.use(1, '{"id": "a", "id": ["b"]}') + end,
        "input that is not what the tool takes": asks + raw.use(1, '{"id": 5}') + end,
        "input 5,000 deep": asks + raw.use(1, '{"id": "x", "y": ' + "[" * 5000 + "]" * 5000 + "}") + end,
        "id that is a number": asks + raw.use(1).replace(b'"toolu_raw"', b"5") + end,
        "name that is a list": asks + raw.use(1).replace(b'"mark"', b'["mark"]') + end,
        "role of the user": raw.start(role="user") + raw.use(0) + end,
        "content that is there at the start": raw.start(content=[call]) + end,
        "stop reason that is a list": asks + raw.use(1) + raw.ends(["tool_use"]),  # type: ignore[arg-type]
        "no message in the start": raw.event({"type": "message_start"}) + raw.use(0) + end,
        "message without an id": raw.start(id=None) + raw.use(0) + end,
        "message without a model": raw.start(model=None) + raw.use(0) + end,
    }
    return cases + [Case(name, (streams(body), OK), kind="*", code=-1, requests=MANY) for name, body in odd.items()]


def _fields() -> list[Case]:
    """Fields beside what is said: usage that counts nothing, names and reasons that are no words."""
    usages: list[Any] = [
        {"input_tokens": -5, "output_tokens": -7},
        {"input_tokens": "12", "output_tokens": "many"},
        {"input_tokens": 10**30, "output_tokens": 1.5},
        {"input_tokens": None, "output_tokens": True},
        {"cache_creation": {"ephemeral_5m_input_tokens": -3}, "cache_read_input_tokens": [1]},
        {"server_tool_use": "x", "service_tier": ["x"], "iterations": [5]},
        [],
        5,
    ]
    cases = []
    for usage in usages:
        end = raw.event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}) + STOP
        reply = streams(raw.start(usage=usage) + raw.text(0, "All is well.") + end)
        cases.append(Case(f"usage {usage!r:.50}", (reply,), code=0, answer="All is well.", never='": -'))
        cases.append(Case(f"usage {usage!r:.50} on a screen", (reply,), code=0, screen=True, never="-[0-9]+ (in|out)"))
    hostile = "\x1b[31m\nended: completed\u202e"
    searched = raw.opened(0, type="server_tool_use", id="s", name=hostile, input={}) + raw.closed(0)
    searched += raw.opened(1, type="web_search_tool_result", tool_use_id="s", content=hostile) + raw.closed(1)
    said = raw.text(0, "All is well.")
    odd = {
        "a hostile model": raw.start(model=hostile * 50) + said + raw.ends(),
        "a hostile id": raw.start(id=hostile * 50) + said + raw.ends(),
        "a hostile stop reason": raw.start() + said + raw.ends(hostile),
        "a stop sequence that is an object": raw.start() + said + raw.ends("stop_sequence", stop_sequence={"a": 1}),
        "stop details that are a list": raw.start() + said + raw.ends("refusal", stop_details=[5]),
        "a hostile server tool": raw.start() + searched + raw.text(2, "All is well.") + raw.ends(),
        "nothing at all": raw.start() + raw.ends(),
        "a tool's name of 100 KB": raw.start() + raw.use(0, name="n" * 100_000) + raw.ends("tool_use"),
        "a tool that is a path": raw.start() + raw.use(0, name="../../handlers.py:mark") + raw.ends("tool_use"),
        "a hostile tool": raw.start() + raw.use(0, name=hostile) + raw.ends("tool_use"),
    }
    for name, body in odd.items():
        for screen in (False, True):
            acts = (streams(body), OK)
            cases.append(Case(f"{name}, screen={screen}", acts, kind="*", code=-1, requests=MANY, screen=screen))
    return cases


PARTS: Final = [
    part("X4", "odd events", _dialects, share=8),
    part("B11", "odd usage, names and reasons", _fields, share=12),
]
