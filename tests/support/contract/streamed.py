"""The order of a stream, its variations, why a message stops, and what it is said to cost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from support.contract.clauses import clause
from support.contract.talk import TOOL, body, desk, history

STOPS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "something_new",
)
LONG = [{"type": "text", "text": "A rule of the house. " * 400, "cache_control": {"type": "ephemeral"}}]


@clause("SSE order")
async def a_stream_begins_empty() -> None:
    """message_start: no content, stop_reason null."""
    async with desk() as api:
        first = (await api.stream()).events[0]
    assert first["type"] == "message_start"
    assert (first["message"]["content"], first["message"]["stop_reason"]) == ([], None)


@clause("SSE order")
async def blocks_come_one_after_the_other() -> None:
    """Each starts, grows and stops under its index, counted from 0."""
    async with desk() as api:
        events = (await api.stream("think", tools=[TOOL], thinking={"type": "adaptive"})).events
    open_at: int | None = None
    begun = []
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert open_at is None
                open_at = event["index"]
                begun.append(open_at)
            case "content_block_delta":
                assert event["index"] == open_at
            case "content_block_stop":
                assert event["index"] == open_at
                open_at = None
    assert begun == [0, 1]


@clause("SSE order")
async def a_stream_ends_with_its_delta_and_stop() -> None:
    """At least one message_delta, which says why; then message_stop."""
    async with desk() as api:
        events = (await api.stream()).events
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


@clause("SSE order")
async def pings_may_come_anywhere() -> None:
    """One behind the first block's start; any number on demand."""
    async with desk() as api:
        kinds = (await api.stream()).kinds
        assert kinds.index("ping") == kinds.index("content_block_start") + 1
        line = await api.line()
        await line.send(body(stream=True), x_simulate_fault="pings,every=0.001")
        held = b""
        while held.count(b"event: ping") < 10:
            held += await line.reader.read(4096)


@clause("SSE order")
async def unknown_events_may_come() -> None:
    """An event that nobody knows, and the stream goes on to its end."""
    async with desk() as api:
        kinds = (await api.stream(fault="unknown-event")).kinds
    assert "forecast" in kinds
    assert kinds[-1] == "message_stop"


@clause("SSE order")
async def the_deltas_make_the_whole_message() -> None:
    """Text, tool input, thinking and signature, put together, are what a reply in one piece says."""
    asked: dict[str, Any] = {"tools": [TOOL], "thinking": {"type": "adaptive"}}
    async with desk() as api:
        for said in ("think", "look", "cite"):
            whole = (await api.ask(body(said, **asked))).json
            assert gathered((await api.stream(said, **asked)).events) == whole["content"]


@clause("SSE order")
async def usage_in_a_stream_is_cumulative() -> None:
    """Tokens never fall from event to event, and the last ones are those of the reply in one piece."""
    async with desk() as api:
        whole = (await api.ask()).json["usage"]
        events = (await api.stream()).events
    told = [events[0]["message"]["usage"], *(event["usage"] for event in events if event["type"] == "message_delta")]
    assert all(one["output_tokens"] <= next_["output_tokens"] for one, next_ in pairwise(told))
    assert told[-1]["output_tokens"] == whole["output_tokens"]
    assert told[-1]["input_tokens"] == whole["input_tokens"]


@clause("SSE order")
async def there_may_be_several_message_deltas() -> None:
    """Only the last one says why; the tokens of each are all so far."""
    async with desk() as api:
        events = (await api.stream(fault="early-delta")).events
    first, last = [event for event in events if event["type"] == "message_delta"]
    assert (first["delta"]["stop_reason"], last["delta"]["stop_reason"]) == (None, "end_turn")
    assert 0 < first["usage"]["output_tokens"] < last["usage"]["output_tokens"]


@clause("SSE order")
async def every_kind_of_delta_comes() -> None:
    """Text, tool input, thinking, signature, citations."""
    asked: dict[str, Any] = {"tools": [TOOL], "thinking": {"type": "adaptive"}}
    kinds: set[str] = set()
    async with desk() as api:
        for said in ("think", "look", "cite"):
            events = (await api.stream(said, **asked)).events
            kinds |= {event["delta"]["type"] for event in events if event["type"] == "content_block_delta"}
    assert kinds == {"text_delta", "input_json_delta", "thinking_delta", "signature_delta", "citations_delta"}


@clause("mid-stream error")
async def an_error_may_come_inside_a_stream() -> None:
    """HTTP 200, then `event: error` of any of three types, and nothing behind it."""
    async with desk() as api:
        for kind in ("overloaded_error", "api_error", "rate_limit_error"):
            answer = await api.stream(fault=f"error-event,type={kind}")
            assert answer.status == 200
            assert answer.events[-1]["error"]["type"] == kind
            assert "message_stop" not in answer.kinds


@clause("variations")
async def tool_input_begins_with_an_empty_piece() -> None:
    """The first partial_json is empty."""
    async with desk() as api:
        events = (await api.stream(tools=[TOOL])).events
    pieces = [event["delta"]["partial_json"] for event in events if "partial_json" in event.get("delta", {})]
    assert pieces[0] == ""
    assert len(pieces) > 2


@clause("variations")
async def a_refusal_may_have_an_empty_text() -> None:
    """A block with no words, and stop_details."""
    async with desk() as api:
        whole = (await api.ask(body("silent"))).json
        streamed = (await api.stream("silent")).events
    assert whole["content"] == [{"type": "text", "text": ""}]
    assert whole["stop_details"]["type"] == "refusal"
    assert gathered(streamed) == whole["content"]


@clause("variations")
async def data_may_have_trailing_spaces() -> None:
    """Behind the JSON of every event; what it says is the same."""
    async with desk() as api:
        spaced, plain = await api.stream(fault="trailing-spaces"), await api.stream()
    assert spaced.events == plain.events
    assert spaced.text.count(b"}   \n\n") == len(plain.events)


@clause("variations")
async def a_tool_block_may_never_stop() -> None:
    """Its input breaks off, and the message stops for max_tokens."""
    async with desk() as api:
        events = (await api.stream(fault="open-tool", tools=[TOOL])).events
    kinds = [event["type"] for event in events]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") + 1
    assert kinds[-3:] == ["content_block_delta", "message_delta", "message_stop"]
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"


@clause("variations")
async def another_model_may_take_over() -> None:
    """A `fallback` block without deltas, in front of what that model says."""
    async with desk() as api:
        events = (await api.stream(fault="fallback-block")).events
    block = events[1]["content_block"]
    assert (block["type"], block["trigger"]) == ("fallback", {"type": "refusal"})
    assert block["from"]["model"]
    assert block["to"]["model"]
    assert [event["type"] for event in events[1:4]] == ["content_block_start", "ping", "content_block_stop"]


@clause("stops")
async def a_refusal_says_its_category() -> None:
    """Or none; other stops say nothing."""
    async with desk() as api:
        for fault, category in (("stop-reason,category=cyber", "cyber"), ("stop-reason", None)):
            delta = (await api.stream(fault=fault)).events[-2]["delta"]
            assert (delta["stop_reason"], delta["stop_details"]["category"]) == ("refusal", category)
        assert (await api.stream()).events[-2]["delta"]["stop_details"] is None


@clause("stops")
async def a_reply_keeps_to_max_tokens() -> None:
    """Text ends where it is, a call that does not fit is not there; no more is billed; whole and streamed alike."""
    async with desk() as api:
        for limit in (1, 5, 10, 20):
            cut = (await api.ask(body(max_tokens=limit, tools=[TOOL]))).json
            assert cut["stop_reason"] == "max_tokens"
            assert cut["usage"]["output_tokens"] <= limit
            assert "tool_use" not in {block["type"] for block in cut["content"]}
            assert gathered((await api.stream(max_tokens=limit, tools=[TOOL])).events) == cut["content"]
        whole = (await api.ask(body(tools=[TOOL]))).json
        again = (await api.ask(body(max_tokens=whole["usage"]["output_tokens"], tools=[TOOL]))).json
    assert (again["stop_reason"], again["content"][0]) == ("tool_use", whole["content"][0])


@clause("stops")
async def a_reply_ends_at_a_stop_sequence() -> None:
    """The first one in the text, which is named and not said."""
    async with desk() as api:
        cut = (await api.ask(body(stop_sequences=["pieces", ", long", "nowhere"]))).json
    assert cut["content"] == [{"type": "text", "text": "A simulated reply"}]
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("stop_sequence", ", long")


@clause("stops")
async def every_stop_reason_can_be_had() -> None:
    """By the script and by a fault, whole and streamed; a made-up one too."""
    for why in STOPS:
        async with desk(why=why) as api:
            assert (await api.ask(body("stop as that"))).json["stop_reason"] == why
            assert (await api.stream("stop as that")).events[-2]["delta"]["stop_reason"] == why
            assert (await api.stream(fault=f"stop-reason,value={why}")).events[-2]["delta"]["stop_reason"] == why


@clause("caching")
async def a_marked_prefix_is_written_once_and_then_read() -> None:
    """cache_creation first, cache_read after; what differs before the mark reads nothing."""
    async with desk() as api:
        first = (await api.ask(body("one", system=LONG))).json["usage"]
        second = (await api.ask(body("two", system=LONG))).json["usage"]
        third = (await api.ask(body("two", system=[{**LONG[0], "text": "B" + LONG[0]["text"]}]))).json["usage"]
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 1024
    assert first["cache_read_input_tokens"] == second["cache_creation_input_tokens"] == 0
    assert third["cache_read_input_tokens"] == 0


@clause("caching")
async def what_is_counted_is_what_is_billed() -> None:
    """count_tokens and the usage of a message agree, and counting costs nothing."""
    async with desk() as api:
        counted = (await api.ask(body(max_tokens=None), path="/v1/messages/count_tokens")).json
        assert api.server.billed == []
        usage = (await api.ask()).json["usage"]
        calls = history("x", [{"type": "text", "text": "y"}], "z", max_tokens=None)
        more = (await api.ask(calls, path="/v1/messages/count_tokens")).json
    assert counted["input_tokens"] == usage["input_tokens"] < more["input_tokens"]


def gathered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content that a stream tells."""
    import json  # noqa: PLC0415

    content: list[dict[str, Any]] = []
    raw: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_start":
            content.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            if delta["type"] == "citations_delta":
                content[event["index"]]["citations"].append(delta["citation"])
                continue
            name = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}.get(
                delta["type"]
            )
            if name is None:
                raw[event["index"]] = raw.get(event["index"], "") + delta["partial_json"]
            else:
                content[event["index"]][name] += delta[name]
    for index, text in raw.items():
        content[index]["input"] = json.loads(text)
    return content
