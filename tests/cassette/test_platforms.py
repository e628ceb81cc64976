"""The Messages API on other platforms and through gateways: the same replies, told from what is no call of it."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentctl.cassette.eventstream import as_sse, is_event_stream
from agentctl.cassette.secrets.redact import SHAPES_ONLY
from agentctl.cassette.secrets.scan import scan
from agentctl.cassette.tape import Interaction
from agentctl.cli.replay.recorded import replay_line, replay_runs
from agentctl.errors import CassetteError
from agentctl.evals import importing

BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-5-5-v1%3A0"
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models"
HOME = "https://api.anthropic.com/v1/messages"

MESSAGES = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
ON_BEDROCK = {"anthropic_version": "bedrock-2023-05-31", **MESSAGES}
ON_VERTEX = {"anthropic_version": "vertex-2023-10-16", **MESSAGES}

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "content": [{"type": "text", "text": "Hello there"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 4},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "something_new", "x": 1},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]


def frame(payload: bytes, **headers: str) -> bytes:
    """One frame of Amazon's event stream; `_` in a header's name stands for `-`."""
    named = {f":{name.replace('_', '-')}": value.encode() for name, value in headers.items()}
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in named.items()
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + packed + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def chunk(event: Any) -> bytes:
    """A frame that carries one event, as Bedrock sends it."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    return frame(json.dumps({"bytes": inner, "p": "abcd"}).encode(), message_type="event", event_type="chunk")


def framed(events: Sequence[Any]) -> bytes:
    """A whole body of Bedrock's."""
    return b"".join(map(chunk, events))


def sse(events: Sequence[Any], end: str = "\n") -> str:
    """The same events as the API itself sends them."""
    return "".join(f"event: {event['type']}{end}data: {json.dumps(event)}{end}{end}" for event in events)


def call(uri: str, body: Any, reply: Any, *, status: int = 200, **headers: str) -> dict[str, Any]:
    """One raw interaction of vcrpy's."""
    return {
        "request": {"method": "POST", "uri": uri, "body": json.dumps(body), "headers": {}},
        "response": {"status": {"code": status, "message": "OK"}, "headers": headers, "body": {"string": reply}},
    }


def recorded(path: Path, *calls: dict[str, Any]) -> Path:
    """A vcrpy file that holds these."""
    path.write_text(yaml.safe_dump({"interactions": list(calls), "version": 1}))
    return path


STREAM = "application/vnd.amazon.eventstream"

SAME = {
    "Bedrock": call(f"{BEDROCK}/invoke", ON_BEDROCK, json.dumps(ANSWER)),
    "Bedrock, streamed": call(
        f"{BEDROCK}/invoke-with-response-stream", ON_BEDROCK, framed(EVENTS), **{"Content-Type": STREAM}
    ),
    "Bedrock, streamed, without headers": call(f"{BEDROCK}/invoke-with-response-stream", ON_BEDROCK, framed(EVENTS)),
    "Vertex": call(f"{VERTEX}/claude-sonnet-5-5:rawPredict", ON_VERTEX, json.dumps(ANSWER)),
    "Vertex, streamed": call(f"{VERTEX}/claude-sonnet-5-5@20260101:streamRawPredict", ON_VERTEX, sse(EVENTS)),
    "a gateway": call("https://gateway.example/anthropic/v1/messages", MESSAGES, sse(EVENTS) + "data: [DONE]\n\n"),
    "a host that was blotted out": call("https://[REDACTED]/v1/messages?beta=true", MESSAGES, json.dumps(ANSWER)),
    "a stream that is said to be JSON": call(HOME, MESSAGES, sse(EVENTS), **{"content-type": "application/json"}),
    "lines that end with CRLF": call(HOME, MESSAGES, sse(EVENTS, "\r\n")),
    "a mark before JSON": call(HOME, MESSAGES, "\ufeff" + json.dumps(ANSWER)),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_reply_on_every_platform(tmp_path: Path, name: str) -> None:
    """Text, stop reason and usage come out, and the conversation becomes a case."""
    path = recorded(tmp_path / "theirs.yaml", SAME[name])
    line = replay_line(path)
    assert line["refused"] is None
    (reply,) = line["replies"]
    assert (reply["ok"], reply["text"], reply["stop_reason"]) == (True, "Hello there", "end_turn")
    assert reply["usage"] == {"input_tokens": 9, "output_tokens": 4}
    (draft,) = importing.read(path).drafts
    assert draft.messages == 2


def test_the_model_stands_in_the_path(tmp_path: Path) -> None:
    """What the run asked is named, though the body does not say it."""
    (events,) = replay_runs(recorded(tmp_path / "theirs.yaml", SAME["Bedrock, streamed"]))
    assert "us.anthropic.claude-sonnet-5-5-v1:0" in repr(events[0])


OTHERS = {
    "converse": (f"{BEDROCK}/converse", {"messages": []}),
    "converse, streamed": (f"{BEDROCK}/converse-stream", {"messages": []}),
    "another maker's model": ("https://bedrock.example/model/amazon.titan-text-v1/invoke", {"inputText": "Hi"}),
    "token counting on Vertex": (f"{VERTEX}/count-tokens:rawPredict", ON_VERTEX),
    "another maker's model on Vertex": (VERTEX.replace("anthropic", "google") + "/gemini:generateContent", {}),
    "chat completions": ("https://api.openai.com/v1/chat/completions", MESSAGES),
    "token counting": (f"{HOME}/count_tokens", MESSAGES),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_calls_are_named(tmp_path: Path, name: str) -> None:
    """Alone they are the reason for a refusal; beside calls of the API they are passed over, and named on import."""
    uri, body = OTHERS[name]
    other = call(uri, body, "{}")
    alone = replay_line(recorded(tmp_path / "alone.yaml", other))
    assert uri in alone["refused"]
    path = recorded(tmp_path / "mixed.yaml", other, SAME["Bedrock"])
    assert [reply["i"] for reply in replay_line(path)["replies"]] == [1]
    (left,) = importing.read(path).left
    assert uri in left.reason


BROKEN = {
    "an exception": (
        framed(EVENTS[:4])
        + frame(b'{"message":"Too many"}', message_type="exception", exception_type="throttlingException"),
        "rate_limit_error",
    ),
    "an error": (
        frame(b"", message_type="error", error_code="InternalError", error_message="Sorry"),
        "InternalError",
    ),
    "cut off": (framed(EVENTS)[:-30], "stream_truncated"),
    "nothing but padding": (framed(EVENTS) + frame(b"{}", message_type="event", event_type="other"), None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_streams_that_break_off(tmp_path: Path, name: str) -> None:
    """An exception inside a 200 is an error of its kind, and a torn stream is no answer."""
    body, error = BROKEN[name]
    assert is_event_stream(body)
    line = replay_line(recorded(tmp_path / "t.yaml", call(f"{BEDROCK}/invoke-with-response-stream", ON_BEDROCK, body)))
    assert [reply["error_type"] for reply in line["replies"]] == [error]


def test_a_damaged_frame_is_refused(tmp_path: Path) -> None:
    """A checksum that does not fit refuses the file, with the place."""
    body = bytearray(framed(EVENTS))
    body[150] ^= 1
    path = recorded(tmp_path / "t.yaml", call(f"{BEDROCK}/invoke-with-response-stream", ON_BEDROCK, bytes(body)))
    assert replay_line(path)["refused"] == (
        "interaction 0: the event stream is damaged: a frame is not what its checksum says"
    )
    with pytest.raises(CassetteError, match="no base64"):
        as_sse(frame(b'{"bytes": "*"}', message_type="event"))


def test_frames_are_scanned_for_secrets() -> None:
    """A key that a chunk hides in base64 is found."""
    key = "sk-ant-api03-" + "aB3" * 31 + "AA"
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": key}}
    body = framed([*EVENTS[:3], event, *EVENTS[4:]])
    document = {"interactions": [call(f"{BEDROCK}/invoke-with-response-stream", ON_BEDROCK, body)]}
    assert scan(yaml.safe_dump(document).encode(), SHAPES_ONLY).leaks
    assert not scan(yaml.safe_dump({"interactions": [SAME["Bedrock, streamed"]]}).encode(), SHAPES_ONLY).leaks


def test_only_frames_are_frames() -> None:
    """Bytes that begin with zeros and are none stay what they are."""
    body = b"\x00\x00\x00\x10 and then something else that is no frame"
    assert Interaction("POST", HOME, "", 200, {}, body).body == body


def test_retries_as_they_really_come(tmp_path: Path) -> None:
    """429 as JSON, 529 as a page, 500 without a word, then the answer: each is a reply, and all are one run."""
    limited = json.dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}})
    path = recorded(
        tmp_path / "t.yaml",
        call(HOME, MESSAGES, limited, status=429, **{"Retry-After": "1"}),
        call(HOME, MESSAGES, "<html><body>Overloaded</body></html>", status=529, **{"content-type": "text/html"}),
        call(HOME, MESSAGES, None, status=500),
        call(HOME, MESSAGES, json.dumps(ANSWER)),
    )
    replies = replay_line(path)["replies"]
    assert [reply["error_type"] for reply in replies] == ["rate_limit_error", "overloaded_error", "api_error", None]
    (events,) = replay_runs(path)
    assert [type(event).__name__ for event in events] == [
        *("RunStarted", "UserSaid", "ModelAsked", "ModelFailed", "ModelFailed", "ModelFailed"),
        *("ModelReplied", "RunEnded"),
    ]


def test_texts_of_python_2(tmp_path: Path) -> None:
    """Its two kinds of text had tags; they are read as text."""
    path = tmp_path / "old.yaml"
    text = yaml.safe_dump({"interactions": [SAME["a gateway"]], "version": 1})
    path.write_text(text.replace("method: POST", "method: !!python/unicode 'POST'"))
    assert replay_line(path)["replies"][0]["ok"]
