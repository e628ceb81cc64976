"""The decoder on replies as they should be and as they should not: one reply or one typed error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agentctl.agent.events import ModelReplied
from agentctl.agent.ports import WireReply
from agentctl.agent.run import text_of
from agentctl.errors import ApiError, ModelError, ProtocolError
from agentctl.model import blocks
from agentctl.model.decode import decode, decode_reply
from support.scripted import call, text
from support.wire import JSON, SSE, block_events, error_event, events_of, message, outcome, read, sse

THOUGHT = {"type": "thinking", "thinking": "First, the order.", "signature": "c2lnbmF0dXJl"}
STOPS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "made_up",
)


def stream_of(*content: dict[str, Any], **more: Any) -> bytes:
    """A well-formed stream of these blocks."""
    return sse(events_of(message(*content, **more)))


@pytest.mark.parametrize("stop", STOPS)
def test_stop_reasons(stop: str) -> None:
    """Every stop reason is passed on as it is, known or not, streamed or whole."""
    content = [call("look")] if stop == "tool_use" else [text("Hi.")]
    whole = message(*content, stop=stop)
    assert read(sse(events_of(whole))).stop_reason == stop
    assert read(orjson.dumps(whole), headers=JSON).stop_reason == stop


def test_message() -> None:
    """A stream becomes the message that it spells out, with the request's id."""
    content = [THOUGHT, text("Let me look."), call("look", order="ORD-1042", lines=[1, 2.5, None])]
    assert read(stream_of(*content)) == ModelReplied(
        id="msg_1",
        model="claude-sonnet-5-5",
        content=content,
        stop_reason="tool_use",
        usage={"input_tokens": 10, "output_tokens": 5},
        request_id="req_1",
    )


def test_whole_body_is_the_same_reply() -> None:
    """The same message streamed and not streamed is one value."""
    whole = message(THOUGHT, text("Hi."), call("look", "a", n=1), call("look", "b", n=2))
    assert read(sse(events_of(whole))) == read(orjson.dumps(whole), headers=JSON)


def test_stop_sequence_and_details() -> None:
    """What the end says about itself is kept."""
    events = events_of(message(text("Hi.")))
    events[-2]["delta"] = {"stop_reason": "refusal", "stop_sequence": "X", "stop_details": {"category": "cyber"}}
    replied = read(sse(events))
    assert (replied.stop_sequence, replied.stop_details) == ("X", {"category": "cyber"})


def deltas(*pieces: dict[str, Any], start: dict[str, Any]) -> ModelReplied:
    """The reply whose one block starts so and gets these deltas."""
    events = events_of(message(text("x")))
    first = {"type": "content_block_start", "index": 0, "content_block": start}
    events[2:-2] = [
        first,
        *({"type": "content_block_delta", "index": 0, "delta": piece} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
    ]
    return read(sse(events))


@pytest.mark.parametrize(
    ("start", "pieces", "block"),
    [
        (text(""), [{"type": "text_delta", "text": "a"}, {"type": "text_delta", "text": "b"}], text("ab")),
        (text("a"), [{"type": "text_delta", "text": "b"}], text("ab")),
        ({"type": "text", "text": None}, [{"type": "text_delta", "text": "b"}], text("b")),
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "s"}],
            {"type": "thinking", "thinking": "hm", "signature": "s"},
        ),
        (
            text(""),
            [
                {"type": "text_delta", "text": "a"},
                {"type": "citations_delta", "citation": {"cited_text": "x"}},
                {"type": "citations_delta", "citation": {"cited_text": "y"}},
            ],
            {"type": "text", "text": "a", "citations": [{"cited_text": "x"}, {"cited_text": "y"}]},
        ),
        (
            {"type": "compaction", "content": None},
            [{"type": "compaction_delta", "content": "Earlier.", "encrypted_content": "Ep"}],
            {"type": "compaction", "content": "Earlier.", "encrypted_content": "Ep"},
        ),
        (text(""), [{"type": "text_delta", "text": "a"}, {"type": "sparkle_delta", "sparkle": 1}], text("a")),
        (text(""), [{"no": "type"}], text("")),
        (
            {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
            [{"type": "input_json_delta", "partial_json": ""}, {"type": "input_json_delta", "partial_json": '{"q":1}'}],
            {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"q": 1}},
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "x"}]},
            [],
            {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"type": "x"}]},
        ),
        ({"type": "hologram", "depth": 3}, [{"type": "hologram_delta", "depth": 4}], {"type": "hologram", "depth": 3}),
        (
            {"type": "redacted_thinking", "data": "Ep"},
            [],
            {"type": "redacted_thinking", "data": "Ep"},
        ),
    ],
)
def test_kinds_of_delta(start: dict[str, Any], pieces: list[dict[str, Any]], block: dict[str, Any]) -> None:
    """Every kind of delta does what it does to its block, and an unknown kind does nothing."""
    assert deltas(*pieces, start=start).content == [block]


def test_unknown_events_are_passed_over() -> None:
    """The API may add events: they change nothing, wherever they stand."""
    events = events_of(message(text("Hi."), call("look")))
    expected = read(sse(events))
    for place in range(len(events) + 1):
        new = [{"type": "weather", "rain": True}, {"type": "ping"}, {"type": "message_pause", "index": 99}]
        assert read(sse([*events[:place], *new, *events[place:]])) == expected


def test_trailing_spaces_and_nameless_events() -> None:
    """Data padded with spaces, as the API sends it, and events without a name read the same."""
    events = events_of(message(text("Hi.")))
    expected = read(sse(events))
    padded = b"".join(b"data: %b      \n\n" % orjson.dumps(event) for event in events)
    assert read(padded) == expected


def test_several_data_lines() -> None:
    """An event whose JSON is pretty-printed over several data lines is one event."""
    stream = b""
    for event in events_of(message(text("Hi."))):
        lines = orjson.dumps(event, option=orjson.OPT_INDENT_2).splitlines()
        stream += b"".join(b"data: %b\n" % line for line in lines) + b"\n"
    assert read(stream) == read(stream_of(text("Hi.")))


@pytest.mark.parametrize("ping", [b"event: ping\ndata: {}\n\n", b"event: ping\ndata: ..\n\n", b"event: x\ndata:\n\n"])
def test_pings_and_empty_events(ping: bytes) -> None:
    """A ping may hold anything, and an event may hold nothing."""
    stream = stream_of(text("Hi."))
    assert read(ping + stream + ping).content == [text("Hi.")]


def test_usage_is_cumulative() -> None:
    """Later counts replace earlier ones, a count that is missing or null leaves the earlier one."""
    events = events_of(message(text("Hi.")))
    events[0]["message"]["usage"] = {"input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 3}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    events[-2:-1] = [
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 20}},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 25, "input_tokens": None, "server": {}}},
    ]
    assert read(sse(events)).usage == {
        "input_tokens": 7,
        "output_tokens": 25,
        "cache_read_input_tokens": 3,
        "server": {},
    }


def test_shown_as_it_arrives() -> None:
    """Text and thinking are shown piece by piece, tool input and signatures are not."""
    shown: list[tuple[str, str]] = []
    read(stream_of(THOUGHT, text("Let me look."), call("look", a=1)), on_delta=lambda *piece: shown.append(piece))
    assert "".join(piece for kind, piece in shown if kind == "thinking") == "First, the order."
    assert "".join(piece for kind, piece in shown if kind == "text") == "Let me look."
    assert len(shown) > 4
    assert {kind for kind, _ in shown} == {"thinking", "text"}


@pytest.mark.parametrize("content", [[text("Hello there.")], [call("look", a="bcd")], [THOUGHT, text("Hi")]])
def test_cut_anywhere_is_truncated(content: list[dict[str, Any]]) -> None:
    """A stream cut at any byte is a retryable error, until the last event is whole."""
    stream = stream_of(*content)
    whole = len(stream.rstrip())
    for cut in range(len(stream) + 1):
        replied, error, _ = outcome(stream[:cut])
        if cut < whole:
            assert replied is None
            assert error in {("ProtocolError", "stream_truncated", True), ("ProtocolError", "protocol_error", True)}
        else:
            assert replied == read(stream)


def test_cut_between_events_is_truncated() -> None:
    """A clean end after any event but the last says what is missing."""
    events = events_of(message(text("Hi."), call("look")))
    for count in range(len(events)):
        with pytest.raises(ProtocolError) as caught:
            read(sse(events[:count]))
        assert caught.value.type == "stream_truncated"
        assert caught.value.retryable
        assert caught.value.request_id == "req_1"


def test_whole_body_cut_anywhere() -> None:
    """A JSON body cut at any byte is an error."""
    body = orjson.dumps(message(text("Hi.")))
    for cut in range(len(body)):
        assert outcome(body[:cut], headers=JSON)[1] == ("ProtocolError", "protocol_error", False)


def test_empty_stream_can_be_asked_again() -> None:
    """A stream that holds nothing at all is the same error whether no chunk or an empty one arrived."""
    expected = (None, ("ProtocolError", "stream_truncated", True), "")
    assert outcome() == outcome(b"") == expected


def test_max_tokens_inside_a_tool_call() -> None:
    """A call that was cut off keeps its text, has no end, and is marked so that nobody runs it."""
    events = events_of(message(text("I will"), call("look", order="ORD-1042"), stop="max_tokens"))
    del events[-3]  # its content_block_stop
    del events[-3]  # its last delta
    replied = read(sse(events))
    assert replied.stop_reason == "max_tokens"
    block = replied.content[-1]
    assert block["partial_json"]
    assert not block["partial_json"].endswith("}")


def test_tool_call_left_open_is_refused() -> None:
    """A block without its end is no block, unless max_tokens cut it."""
    events = events_of(message(call("look", order="ORD-1042")))
    del events[-3]
    assert outcome(sse(events))[1] == ("ProtocolError", "protocol_error", True)


@pytest.mark.parametrize(
    "input_",
    ['{"a": 1', '{"a": 1}}', '{"a": NaN}', '{"a": Infinity}', "{'a': 1}", '{"a": 1,}', '{"a": 1e999}', "nul"],
)
def test_tool_input_is_strict_json(input_: str) -> None:
    """Input that is not JSON is an error that may be asked again, never repaired."""
    with pytest.raises(ProtocolError, match="not JSON") as caught:
        deltas(
            {"type": "input_json_delta", "partial_json": input_},
            start={"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
        )
    assert caught.value.retryable


@pytest.mark.parametrize("input_", ["[1]", "1", '"a"', "null", "true"])
def test_tool_input_is_an_object(input_: str) -> None:
    """Input that is JSON, but no object, is an error."""
    with pytest.raises(ProtocolError, match="no JSON object"):
        deltas(
            {"type": "input_json_delta", "partial_json": input_},
            start={"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
        )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "name": "look", "input": {}},
        {"type": "tool_use", "id": "", "name": "look", "input": {}},
        {"type": "tool_use", "id": "a", "name": 5, "input": {}},
        {"type": "tool_use", "id": "a", "name": "look", "input": None},
        {"type": "tool_use", "id": "a", "name": "look"},
        {"type": "server_tool_use", "id": "a", "input": {}},
        {"type": "text"},
        {"type": "text", "text": 5},
        {"type": "thinking", "thinking": []},
        {"type": ["text"]},
        {"text": "no type"},
        "text",
        None,
    ],
)
def test_malformed_blocks(block: Any) -> None:
    """A block that nobody could run, show or send back is refused, streamed or whole."""
    body = orjson.dumps({**message(), "content": [block]})
    assert outcome(body, headers=JSON)[1] == ("ProtocolError", "protocol_error", False)
    events = events_of(message(text("x")))
    events[2:-2] = [
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
    ]
    error = outcome(sse(events))[1]
    assert error is not None
    assert error[:2] == ("ProtocolError", "protocol_error")


def test_same_id_twice_is_refused() -> None:
    """Two calls with one id could not be answered each."""
    assert outcome(stream_of(call("look", "a"), call("find", "a")))[1] == ("ProtocolError", "protocol_error", False)


def test_tool_stop_without_a_call_is_refused() -> None:
    """A reply that stops for tools must name one."""
    assert outcome(stream_of(text("Hi."), stop="tool_use"))[1] == ("ProtocolError", "protocol_error", False)


@pytest.mark.parametrize("field", ["id", "model"])
def test_message_without_identity_is_refused(field: str) -> None:
    """A reply without id or model is none of the API's."""
    whole = {key: value for key, value in message(text("Hi.")).items() if key != field}
    assert outcome(sse(events_of(whole)))[1] == ("ProtocolError", "protocol_error", False)
    assert outcome(orjson.dumps(whole), headers=JSON)[1] == ("ProtocolError", "protocol_error", False)


PLAIN = events_of(message(text("Hi there."), call("look")))


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (2, {"index": 1}),
        (3, {"index": 1}),
        (3, {"index": -1}),
        (3, {"index": None}),
        (3, {"index": "0"}),
        (5, {"index": 1}),
        (6, {"index": 0}),
        (0, {"message": None}),
        (0, {"message": []}),
        (2, {"content_block": None}),
        (3, {"delta": None}),
        (3, {"delta": {"type": "text_delta"}}),
        (3, {"delta": {"type": "text_delta", "text": 5}}),
        (-2, {"delta": None}),
    ],
)
def test_broken_events(place: int, change: dict[str, Any]) -> None:
    """A wrong index or a missing part is an error of the protocol."""
    events = list(PLAIN)
    events[place] = {**events[place], **change}
    error = outcome(sse(events))[1]
    assert error is not None
    assert error[:2] == ("ProtocolError", "protocol_error")


@pytest.mark.parametrize(
    "order",
    [
        [0, 0],
        [2],
        [3],
        [5],
        [0, 3],
        [0, 5],
        [0, 2, 2],
        [0, 2, -1],
        [-2],
        [-1],
        [0, -2, -1, -1],
        [0, -2, -1, -2],
        [0, -2, -1, 2],
        [0, -2, -1, 0],
        [0, 2, 3, -2, 4, 5, -1],
        [*range(len(PLAIN) - 3), -2, -3, -1],
    ],
)
def test_events_out_of_order(order: list[int]) -> None:
    """Start, blocks one after the other, delta, stop: anything else is an error."""
    error = outcome(sse(PLAIN[place] for place in order))[1]
    assert error is not None
    assert error[:2] == ("ProtocolError", "protocol_error")


def test_nothing_follows_the_end_of_an_open_block() -> None:
    """A block that max_tokens left open can not grow or close after message_stop."""
    events = events_of(message(call("look", a="bcdefgh"), stop="max_tokens"))
    stop, last = events.pop(-3), events[3]
    read(sse(events))
    for late in (stop, last):
        assert outcome(sse([*events, late]))[1] == ("ProtocolError", "protocol_error", True)


def test_missing_message_delta_leaves_no_stop_reason() -> None:
    """Without a message_delta nothing says why the reply stopped, so nothing in it is run."""
    assert read(sse([*PLAIN[:-2], PLAIN[-1]])).stop_reason is None


@pytest.mark.parametrize(
    "data",
    [b"{", b"nonsense", b'{"type": "message_stop"', b"\xff\xfe", b'{"type":"x","y":"\xff"}', b"[1]", b"5", b"null"],
)
@pytest.mark.parametrize("place", [0, 3, 8])
def test_bad_data(data: bytes, place: int) -> None:
    """Data that is no JSON object, bad UTF-8 included, is an error that may be asked again."""
    stream = sse(PLAIN[:place]) + b"event: content_block_delta\ndata: " + data + b"\n\n" + sse(PLAIN[place:])
    assert outcome(stream)[1] == ("ProtocolError", "protocol_error", True)


def test_pieces_of_json_do_not_join_over_events() -> None:
    """Two events that are no JSON each are none together, however they arrive."""
    halves = b'data: {"type":"ping","a":[{"b":1}\n\ndata: {"c":2}]},{"type":"ping"}\n\n'
    stream = sse(PLAIN[:2]) + halves + sse(PLAIN[2:])
    assert outcome(stream)[1] == ("ProtocolError", "protocol_error", True)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        ("overloaded_error", True),
        ("api_error", True),
        ("rate_limit_error", True),
        ("timeout_error", True),
        ("invalid_request_error", False),
        ("authentication_error", False),
        ("permission_error", False),
        ("made_up_error", False),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 4, len(PLAIN)])
def test_error_in_the_stream(kind: str, retryable: bool, place: int) -> None:  # noqa: FBT001  a column of the table
    """An error event is told by its type, since its status says 200; garbage after it changes nothing."""
    stream = sse([*PLAIN[:place], error_event(kind)])
    assert outcome(stream)[1] == ("ApiError", kind, retryable)
    assert outcome(stream + b"data: {\n\n")[1] == ("ApiError", kind, retryable)
    with pytest.raises(ApiError, match="broke off") as caught:
        read(stream)
    assert (caught.value.status, caught.value.request_id) == (200, "req_1")


@pytest.mark.parametrize("error", [{}, None, "down", {"type": 5}, {"type": ["x"], "message": {}}])
def test_error_event_of_any_shape(error: Any) -> None:
    """An error event without a usable type is an api_error."""
    assert outcome(sse([*PLAIN[:3], {"type": "error", "error": error}]))[1] == ("ApiError", "api_error", True)


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "text/html"}, {"content-type": "application/json"}, {"content-type": "text/plain"}]
)
def test_html_with_status_200(headers: dict[str, str]) -> None:
    """A proxy's page is no reply: the error quotes it and says where to look."""
    with pytest.raises(ProtocolError, match="Welcome to the captive portal") as caught:
        read(b"<html>\n<body>Welcome to the captive\tportal", b"</body>", headers=headers)
    assert not caught.value.retryable
    assert "base_url" in caught.value.hint


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'"hi"', b'{"content": 5}', b'{"content": {}}', b"\xff"])
def test_body_that_is_no_message(body: bytes) -> None:
    """Empty, of another shape, or no JSON: a typed error."""
    assert outcome(body, headers=JSON)[1] == ("ProtocolError", "protocol_error", False)
    assert outcome(body, headers={})[1] == ("ProtocolError", "protocol_error", False)


def test_error_object_with_status_200() -> None:
    """A proxy that answers an error with 200 is understood by the type."""
    body = orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    assert outcome(body, headers=JSON)[1] == ("ApiError", "overloaded_error", True)


@pytest.mark.parametrize("headers", [{}, {"content-type": "TEXT/Event-Stream"}, {"content-type": "text/plain"}])
@pytest.mark.parametrize("start", [b"", b"\n", b"\xef\xbb\xbf", b": hello\n\n"])
def test_stream_is_told_from_its_first_bytes(headers: dict[str, str], start: bytes) -> None:
    """A recording that lost its headers is still read as what it is, also byte by byte."""
    stream = start + stream_of(text("Hi."))
    assert read(stream, headers=headers).content == [text("Hi.")]
    assert read(*(stream[at : at + 1] for at in range(len(stream))), headers=headers).content == [text("Hi.")]


def test_json_is_read_in_any_pieces() -> None:
    """A whole body may arrive byte by byte, without a content type too."""
    body = orjson.dumps(message(text("Hi.")))
    for headers in (JSON, {}):
        assert read(*(body[at : at + 1] for at in range(len(body))), headers=headers).content == [text("Hi.")]


def test_broken_reply_closes_its_body() -> None:
    """A body that is given up half way is closed, so that its connection goes back at once."""
    closed = []

    async def body() -> AsyncIterator[bytes]:
        try:
            yield b"data: {\n\n"
            yield b"never read"
        finally:
            closed.append(True)

    async def reading() -> None:
        with pytest.raises(ProtocolError):
            await decode(WireReply(200, SSE, body()))
        assert closed == [True]

    asyncio.run(reading())


def test_tool_input_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many deltas spell it out, the JSON of an input is parsed when its block stops, and not before."""
    parses = []
    real = blocks._tool_input

    def counted(text: str, block: dict[str, Any]) -> Any:
        parses.append(len(text))
        return real(text, block)

    monkeypatch.setattr(blocks, "_tool_input", counted)
    whole = message(call("write", text="x" * 100_000))
    replied = read(*(sse([event]) for event in events_of(whole, piece=20)))
    assert replied.content == whole["content"]
    assert parses == [len(orjson.dumps(whole["content"][0]["input"]))]


STOPPED = {
    "basic_response.txt": "end_turn",
    "compaction_response.txt": "end_turn",
    "fallback_credit_response.txt": "end_turn",
    "fallback_response.txt": "end_turn",
    "incomplete_partial_json_response.txt": "max_tokens",
    "refusal_response.txt": "refusal",
    "stream-a-refusal.sse": "refusal",
    "stream-a-toolrefusal.sse": "refusal",
    "stream-b-fallback.sse": "end_turn",
    "tool_use_response.txt": "tool_use",
}


@pytest.mark.parametrize("name", STOPPED)
def test_real_streams(real_data: Path, name: str) -> None:
    """The streams that the SDK's authors test with are read to their end, whole and byte by byte."""
    body = (real_data / "sse" / name).read_bytes()
    replied = decode_reply(200, {}, body)
    assert replied.stop_reason == STOPPED[name]
    assert read(*(body[at : at + 1] for at in range(len(body))), headers={}) == replied
    if replied.stop_reason == "tool_use":
        assert all("partial_json" not in block for block in replied.content)


def test_real_streams_cut(real_data: Path) -> None:
    """None of them is taken for an answer when it is cut between two lines."""
    for name in STOPPED:
        body = (real_data / "sse" / name).read_bytes().rstrip()
        lines = body.splitlines(keepends=True)
        for count in range(0, len(lines), 3):
            with pytest.raises(ModelError):
                decode_reply(200, SSE, b"".join(lines[:count]))


def test_text_of_a_real_fallback(real_data: Path) -> None:
    """Blocks of a kind that is not known stay in their place between the texts."""
    replied = decode_reply(200, {}, (real_data / "sse" / "stream-b-fallback.sse").read_bytes())
    assert "Solar eclipses" in text_of(replied.content)


def test_block_events_are_what_the_api_sends() -> None:
    """The builder of these tests spells a call out as the API does: empty input first, then its JSON in pieces."""
    start, *pieces, stop = block_events(3, call("look", a=1), piece=4)
    assert start["content_block"] == call("look")
    assert "".join(piece["delta"]["partial_json"] for piece in pieces) == '{"a":1}'
    assert stop == {"type": "content_block_stop", "index": 3}
