"""Other people's recordings as runs: which replies form one conversation, and what each event is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from agentctl.agent.events import (
    Event,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    RunEnded,
    RunStarted,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.run import Run
from agentctl.cassette.file import parse, read
from agentctl.cassette.foreign import runs
from agentctl.cassette.tape import Cassette, Interaction
from agentctl.cli.replay.recorded import replay_line, replay_runs
from agentctl.errors import CassetteError
from agentctl.model.decode import decode_reply

URI = "https://api.anthropic.com/v1/messages"


def said(text: str) -> dict[str, Any]:
    """A user message."""
    return {"role": "user", "content": text}


def answer(*content: dict[str, Any], stop: str = "end_turn") -> bytes:
    """A whole reply."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": stop}
    return orjson.dumps({**message, "content": list(content), "usage": {"input_tokens": 1, "output_tokens": 1}})


def text(value: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": value}


def use(call_id: str) -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "id": call_id, "name": "look", "input": {"at": call_id}}


def result(call_id: str, **more: Any) -> dict[str, Any]:
    """A tool result."""
    return {"type": "tool_result", "tool_use_id": call_id, **more}


def reconstructed(*calls: tuple[list[dict[str, Any]], int, bytes]) -> list[list[Event]]:
    """The runs in a file of (messages, status, reply)."""
    made = [
        Interaction("POST", URI, json.dumps({"model": "claude-x", "messages": messages}), status, {}, body)
        for messages, status, body in calls
    ]
    return runs(Cassette(tuple(made), path=Path("theirs.yaml")), decode_reply)


OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


def test_a_conversation_with_tools_is_one_run() -> None:
    """Replies, calls, their results out of the next request, a retry and the next question come in their order."""
    first = [said("a?")]
    second = [
        *first,
        {"role": "assistant", "content": [use("t1"), use("t2")]},
        {"role": "user", "content": [result("t1", content="one"), result("t2", is_error=True), text("and?")]},
    ]
    third = [*second, {"role": "assistant", "content": "both"}, said("thanks")]
    (events,) = reconstructed(
        (first, 200, answer(text("hm"), use("t1"), use("t2"), stop="tool_use")),
        (second, 529, OVERLOADED),
        (second, 529, OVERLOADED),
        (second, 200, answer(text("both"))),
        (third, 200, answer(text("bye"))),
    )
    assert [type(event).__name__ for event in events] == [
        *("RunStarted", "UserSaid", "ModelAsked", "ModelReplied", "ToolCalled", "ToolCalled"),
        *("ToolReturned", "ToolReturned", "UserSaid", "ModelAsked", "ModelFailed", "ModelFailed", "ModelReplied"),
        *("UserSaid", "ModelAsked", "ModelReplied", "RunEnded"),
    ]
    assert events[0] == RunStarted(agent="theirs.yaml", bundle="", model="claude-x")
    assert events[4] == ToolCalled("t1", "look", {"at": "t1"})
    assert events[6:9] == [
        ToolReturned("t1", "look", "one"),
        ToolReturned("t2", "look", "", "reported"),
        UserSaid([text("and?")]),
    ]
    failures = [event for event in events if isinstance(event, ModelFailed)]
    assert [(event.attempt, event.error_type, event.status) for event in failures] == [
        (1, "overloaded_error", 529),
        (2, "overloaded_error", 529),
    ]
    assert [event.turn for event in events if isinstance(event, ModelAsked)] == [1, 2, 3]
    assert events[-1] == RunEnded("completed")
    assert Run.of(events).text == "bye"


def test_conversations_in_one_file_are_told_apart() -> None:
    """The same question twice is two runs; interleaved ones are told apart by the ids of their tool calls."""
    first = [said("a?")]

    def second(call_id: str) -> list[dict[str, Any]]:
        results = {"role": "user", "content": [result(call_id, content=call_id)]}
        return [*first, {"role": "assistant", "content": [use(call_id)]}, results]

    found = reconstructed(
        (first, 200, answer(use("t1"), stop="tool_use")),
        (first, 200, answer(use("t2"), stop="tool_use")),
        ([said("b?")], 200, answer(text("B"))),
        (second("t1"), 200, answer(text("one"))),
        (second("t2"), 200, answer(text("two"))),
    )
    assert [Run.of(events).text for events in found] == ["one", "B", "two"] or [
        Run.of(events).text for events in found
    ] == ["one", "two", "B"]
    assert [len([e for e in events if isinstance(e, ToolReturned)]) for events in found] == [1, 1, 0]


def test_what_was_said_before_the_recording_is_kept() -> None:
    """A first request that already holds a conversation brings its earlier turns as events too."""
    history = [
        said("a?"),
        {"role": "assistant", "content": [text("let me see"), use("t0")]},
        {"role": "user", "content": [result("t0", content=[text("seen")])]},
        {"role": "assistant", "content": "so"},
        said("b?"),
    ]
    (events,) = reconstructed((history, 200, answer(text("B"))))
    run = Run.of(events)
    assert [message["role"] for message in run.messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert run.messages[1]["content"] == history[1]["content"]
    assert run.messages[2]["content"][0]["content"] == [text("seen")]
    assert run.turns == 3


def test_cache_marks_do_not_part_a_conversation() -> None:
    """Clients move `cache_control` to the newest message; it is no part of what was said."""
    first = [{"role": "user", "content": [{**text("a?"), "cache_control": {"type": "ephemeral"}}]}]
    second = [said("a?"), {"role": "assistant", "content": [text("A")]}, said("b?")]
    (events,) = reconstructed((first, 200, answer(text("A"))), (second, 200, answer(text("B"))))
    assert [event.content for event in events if isinstance(event, ModelReplied)] == [[text("A")], [text("B")]]


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "completed"),
        ("refusal", "refused"),
        ("max_tokens", "max_tokens"),
        ("pause_turn", "interrupted"),
        ("surprise", "unknown_stop"),
    ],
)
def test_the_end_says_why(stop: str, reason: str) -> None:
    """The last stop reason decides how the run ended."""
    (events,) = reconstructed(([said("a?")], 200, answer(text("A"), stop=stop)))
    assert isinstance(events[-1], RunEnded)
    assert events[-1].reason == reason


def test_a_refused_request_is_a_run_too() -> None:
    """A request without messages, or that is no JSON, has its error as its only event of interest."""
    made = [Interaction("POST", URI, body, 400, {}, b'{"error":{}}') for body in ("{}", "not json", '{"messages": 1}')]
    for events in runs(Cassette(tuple(made[:1])), decode_reply) + runs(Cassette(tuple(made[1:])), decode_reply):
        assert isinstance(events[-1], RunEnded)
        assert events[-1].reason == "model_error"


def test_a_file_without_calls_says_what_it_holds() -> None:
    """The reason names the calls that are there."""
    other = Interaction("POST", "https://api.openai.com/v1/chat/completions?x=secret", "{}", 200, {}, "{}")
    with pytest.raises(CassetteError, match=r"only POST https://api\.openai\.com/v1/chat/completions$"):
        runs(Cassette((other,)), decode_reply)


def test_a_file_that_cannot_be_read_is_a_line_too(tmp_path: Path) -> None:
    """Refused, with the reason and without the path twice."""
    path = tmp_path / "torn.yaml"
    path.write_text('{"interactions": [')
    line = replay_line(path)
    assert (line["file"], line["replies"]) == (str(path), [])
    assert line["refused"].startswith("the file begins as JSON but is torn or damaged")


def test_real_recordings_read_as_the_sdk_reads_them(real_data: Path) -> None:
    """On every interaction of every file, what we show equals what the official SDK parsed out of it."""
    root = real_data / "cassettes"
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in (root / "expected.jsonl").read_text().splitlines():
        row = json.loads(line)
        rows.setdefault(row["file"], []).append(row)
    shown = ("i", "status", "ok", "stop_reason", "blocks", "text", "tool_uses", "usage", "error_type")
    for file, expected in rows.items():
        line = replay_line(root / file)
        assert line["refused"] is None, file
        assert len(line["replies"]) == len(expected), file
        for reply, row in zip(line["replies"], expected, strict=True):
            assert {key: reply[key] for key in shown if key in row} == {key: row[key] for key in shown if key in row}, (
                file
            )
    assert len(rows) == 193


def test_real_recordings_become_runs(real_data: Path) -> None:
    """Every reply of every file stands in exactly one run, and every run has a beginning and an end."""
    for path in sorted((real_data / "cassettes").rglob("*.yaml")):
        calls = sum(each.is_messages_call for each in read(path).interactions)
        found = replay_runs(path)
        replied = [e for events in found for e in events if isinstance(e, ModelFailed) or getattr(e, "id", "")]
        assert len(replied) == calls, path
        for events in found:
            assert isinstance(events[0], RunStarted)
            assert isinstance(events[-1], RunEnded)
            assert sum(isinstance(event, RunEnded) for event in events) == 1


def test_torn_real_recordings_never_crash(real_data: Path) -> None:
    """Cut at any of many places, a file is refused with a reason or read as the whole interactions it still holds."""
    paths = sorted((real_data / "cassettes").rglob("*.yaml"), key=lambda path: path.stat().st_size)[:6]
    for path in paths:
        data, whole = path.read_bytes(), read(path).interactions
        for size in range(0, len(data), max(1, len(data) // 150)):
            torn = path.name, size
            for mine, theirs in zip(_left_of(data[:size])[:-1], whole, strict=False):
                assert mine == theirs, torn


def _left_of(data: bytes) -> tuple[Interaction, ...]:
    try:
        return parse(data).interactions
    except CassetteError:
        return ()


@pytest.mark.parametrize("call", [{}, {"id": 7, "name": None, "input": {}}, {"id": [], "name": "look", "input": "x"}])
def test_a_call_in_a_request_that_lacks_what_makes_it_one_is_still_shown(call: dict[str, Any]) -> None:
    """What a request says of earlier turns was checked by nobody: it is told as far as it goes, and ends nothing."""
    history = [said("a?"), {"role": "assistant", "content": [{"type": "tool_use", **call}]}, said("and?")]
    (events,) = reconstructed((history, 200, answer(text("bye"))))
    assert Run.of(events).ended is not None
    replied = next(event for event in events if isinstance(event, ModelReplied))
    assert isinstance(replied.content[0]["id"], str)
