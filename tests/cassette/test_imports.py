"""Foreign transcripts: every message is carried or named, and what is carried comes back as it was."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied, RunEnded, ToolCalled, ToolReturned, UserSaid
from agentctl.cassette.file import parse, serialise
from agentctl.cassette.foreign import transcribed
from agentctl.cassette.imports import anthropic, claude_code, openai
from agentctl.cassette.imports.files import format_of
from agentctl.cassette.imports.talk import Conversation, Message, stop_reason
from agentctl.cassette.tape import Cassette
from agentctl.cassette.transcript import recorded
from agentctl.errors import CassetteError
from agentctl.model.decode import decode_reply

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


def lines(*records: Any) -> bytes:
    """JSON lines."""
    return b"\n".join(orjson.dumps(record) for record in records)


def events_of(conversation: Conversation) -> list[Any]:
    """The events of the conversation's recording, after it was a file."""
    interactions, take = recorded(conversation)
    cassette = parse(serialise(Cassette(interactions)))
    return transcribed(cassette, take, decode_reply)


TEXT = WORDS.map(lambda word: {"type": "text", "text": word})
REPLIES = st.builds(
    lambda word, calls: [
        {"type": "text", "text": word},
        *({"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": {"x": n}} for n, name in enumerate(calls)),
    ],
    WORDS,
    st.lists(WORDS, max_size=2),
)
MESSAGES = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), st.one_of(WORDS, st.lists(TEXT, min_size=1, max_size=2))),
        REPLIES.map(lambda blocks: Message("assistant", blocks, stop_reason=stop_reason(blocks, None))),
    ),
    max_size=8,
)


@given(MESSAGES)
@settings(max_examples=150)
def test_a_transcript_comes_back_message_by_message(messages: list[Message]) -> None:
    """Whatever the order of speakers, what is read back is what was written, and how it ends says who spoke last."""
    events = events_of(Conversation("line 1", messages=messages))
    spoken = [
        (type(event) is UserSaid, event.content) for event in events if isinstance(event, UserSaid | ModelReplied)
    ]
    assert spoken == [(message.role == "user", message.content) for message in messages]
    assert isinstance(events[-1], RunEnded)
    if messages:
        last = messages[-1]
        complete = last.role == "assistant" and last.stop_reason == "end_turn"
        assert (events[-1].reason == "completed") is complete


ANTHROPIC = st.one_of(
    st.builds(lambda word: {"role": "user", "content": word}, WORDS),
    st.builds(lambda word: {"role": "assistant", "content": [{"type": "text", "text": word}]}, WORDS),
    st.just({"role": "system", "content": "Be kind."}),
    st.sampled_from([{"role": "robot", "content": "x"}, {"role": "user"}, {"content": "x"}, 7, None, []]),
    st.just({"role": "assistant", "content": [{"type": "text"}, {}]}),
)
OPENAI = st.one_of(
    st.builds(lambda word: {"role": "user", "content": word}, WORDS),
    st.builds(lambda word: {"role": "assistant", "content": word}, WORDS),
    st.sampled_from(["{}", '{"a": 1}', "[1]", "{", None, 3]).map(
        lambda given_: {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": given_}}],
        }
    ),
    st.just({"role": "tool", "tool_call_id": "c1", "content": "one"}),
    st.just({"role": "developer", "content": "Be kind."}),
    st.just({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
    st.sampled_from([{"role": "robot", "content": "x"}, {"role": "user"}, {"content": "x"}, 7, None]),
)


@pytest.mark.parametrize(("reader", "raw"), [(anthropic.read, ANTHROPIC), (openai.read, OPENAI)])
@given(data=st.data())
@settings(max_examples=80)
def test_no_message_is_lost_without_a_word(reader: Any, raw: Any, data: st.DataObject) -> None:
    """Each message of a file is in a conversation, or its place is among what was left out."""
    messages = data.draw(st.lists(raw, max_size=8))
    found = reader(lines({"messages": messages}, {"messages": messages, "id": 1}))
    for line in (1, 2):
        conversation = found.conversations[line - 1]
        places = {left.place for left in found.left if left.place.startswith(f"line {line},")}
        assert conversation.carried + len(places) >= len(messages)
        lost = [n for n in range(1, len(messages) + 1) if f"line {line}, message {n}" not in places]
        assert conversation.carried >= len(lost)
        assert not any(event.error_type for event in events_of(conversation) if hasattr(event, "attempt"))


def test_openai_calls_become_blocks_and_results() -> None:
    """Arguments are parsed, results of one turn are one message, pictures and PDFs have their place."""
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    found = openai.read(
        lines(
            {
                "messages": [
                    {"role": "system", "content": "One."},
                    {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Look"},
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                            {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
                        ],
                    },
                    {"role": "assistant", "content": None, "tool_calls": [{**call, "id": "a"}, {**call, "id": "b"}]},
                    {"role": "tool", "tool_call_id": "a", "content": "1"},
                    {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
                    {"role": "assistant", "content": None, "refusal": "No."},
                ],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            }
        )
    )
    (conversation,) = found.conversations
    assert (found.left, conversation.carried) == ([], 7)
    assert conversation.system == "One.\n\nTwo."
    assert conversation.tools == [{"name": "f", "input_schema": {"type": "object"}}]
    said, calls, results, refusal = conversation.messages
    assert [block["type"] for block in said.content if isinstance(block, dict)] == [
        "text",
        "image",
        "image",
        "document",
    ]
    assert [block["input"] for block in calls.content if isinstance(block, dict)] == [{"a": 1}, {"a": 1}]
    assert [block["content"] for block in results.content if isinstance(block, dict)] == [
        "1",
        [{"type": "text", "text": "2"}],
    ]
    assert refusal.stop_reason == "refusal"
    events = events_of(conversation)
    assert [event.input for event in events if isinstance(event, ToolCalled)] == [{"a": 1}, {"a": 1}]
    assert [event.name for event in events if isinstance(event, ToolReturned)] == ["f", "f"]
    assert events[-1] == RunEnded("refused", "the model refused")


def session(*chain: tuple[str, str | None, dict[str, Any]], **more: Any) -> bytes:
    """A session: (uuid, parent, message), each with whatever else its line has."""
    made = []
    for uuid, parent, message in chain:
        extra = message.pop("_", {})
        made.append({"type": message["role"], "uuid": uuid, "parentUuid": parent, "message": message, **extra, **more})
    return lines({"type": "summary", "summary": "A fix"}, *made)


def part(kind: str, **fields: Any) -> list[dict[str, Any]]:
    """One block as a content."""
    return [{"type": kind, **fields}]


def test_a_session_is_put_together() -> None:
    """Blocks of a reply come a line each, parallel results hang where they like, subagents stand apart."""
    data = session(
        ("u1", None, {"role": "user", "content": "fix it"}),
        (
            "a1",
            "u1",
            {"role": "assistant", "id": "m1", "content": part("text", text="Well"), "usage": {"input_tokens": 1}},
        ),
        ("a2", "a1", {"role": "assistant", "id": "m1", "content": part("tool_use", id="t1", name="Read", input={})}),
        ("a3", "a2", {"role": "assistant", "id": "m1", "content": part("tool_use", id="t2", name="Task", input={})}),
        ("r1", "a2", {"role": "user", "content": part("tool_result", tool_use_id="t1", content="text")}),
        ("s1", "a3", {"role": "user", "content": "subtask", "_": {"isSidechain": True}}),
        (
            "s2",
            "s1",
            {"role": "assistant", "id": "ms", "content": part("text", text="done"), "_": {"isSidechain": True}},
        ),
        ("r2", "a3", {"role": "user", "content": part("tool_result", tool_use_id="t2", content="done")}),
        ("b1", "r2", {"role": "assistant", "id": "m2", "content": part("text", text="rewound")}),
        ("b2", "r2", {"role": "assistant", "id": "m3", "content": part("text", text="Fixed.")}),
        sessionId="S",
    )
    found = claude_code.read(data)
    main, side = found.conversations
    assert [message.role for message in main.messages] == ["user", "assistant", "user", "assistant"]
    assert [block["type"] for block in main.messages[1].content if isinstance(block, dict)] == [
        "text",
        "tool_use",
        "tool_use",
    ]
    assert len(main.messages[2].content) == 2
    assert (main.carried, side.carried) == (7, 2)
    assert main.metadata == {"sessionId": "S", "summary": "A fix"}
    assert (side.name, side.metadata["sidechain"]) == ("side-S", True)
    assert [left.place for left in found.left] == ["line 10"]
    assert found.passed == {"summary": 1}
    assert events_of(main)[-1] == RunEnded("completed")


def test_a_compacted_session_is_one_conversation() -> None:
    """Across a compaction the chain goes on at its logical parent."""
    boundary = {"type": "system", "uuid": "c", "parentUuid": None, "logicalParentUuid": "a1", "content": "compacted"}
    data = session(
        ("u1", None, {"role": "user", "content": "one"}),
        ("a1", "u1", {"role": "assistant", "id": "m1", "content": part("text", text="1")}),
    )
    data += b"\n" + lines(boundary) + b"\n"
    data += session(
        ("u2", "c", {"role": "user", "content": "summary of one"}),
        ("a2", "u2", {"role": "assistant", "id": "m2", "content": part("text", text="2")}),
    )
    found = claude_code.read(data)
    assert [len(each.messages) for each in found.conversations] == [4]
    assert found.left == []


USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (lines({"messages": [USER]}), "anthropic"),
        (lines(USER, {"role": "assistant", "content": "Hello"}), "anthropic"),
        (json.dumps([{"traj": [USER]}], indent=1).encode(), "anthropic"),
        (lines({"messages": [USER, {"role": "tool", "tool_call_id": "c", "content": ""}]}), "openai"),
        (lines({"body": {"messages": [{"role": "developer", "content": "x"}]}}), "openai"),
        (lines({"type": "summary", "summary": "x"}), "claude-code"),
        (session(("u", None, USER), sessionId="S"), "claude-code"),
        (b'{"version": 1, "interactions": []}', "vcr"),
        (b"interactions:\n- request: {}\n", "vcr"),
        (b'[{"request": {"uri": "https://x"}, "response": {}}]', "vcr"),
    ],
)
def test_the_format_is_told_by_the_content(data: bytes, format_: str) -> None:
    """Each format has something that only it has."""
    assert format_of(data) == format_


@pytest.mark.parametrize("data", [b"", b" \n", b"{broken", b"[1, 2]", b'{"a": 1}\n{"b": 2}'])
def test_what_is_no_format_is_refused(data: bytes) -> None:
    """A file that holds neither messages nor requests is an error, not an empty import."""
    with pytest.raises(CassetteError):
        format_of(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_format_or_refused(data: bytes) -> None:
    """Nothing but our own error comes out of bytes that nobody meant to be imported."""
    for reader in (anthropic.read, openai.read, claude_code.read):
        try:
            reader(data)
        except CassetteError:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "messages",
                    "type",
                    "uuid",
                    "parentUuid",
                    "message",
                    "id",
                    "text",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "tool_use_id",
                    "input",
                    "request",
                    "response",
                    "choices",
                    "tools",
                    "system",
                    "usage",
                    "isSidechain",
                    "url",
                    "image_url",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, min_size=1, max_size=5))
@settings(max_examples=300)
def test_any_json_is_read_or_left_out(values: list[Any]) -> None:
    """Keys we know with values nobody expects: no reader falls over, and every recording of it can be read back."""
    with suppress(CassetteError):
        format_of(lines(*values))
    for reader in (anthropic.read, openai.read, claude_code.read):
        try:
            found = reader(lines(*values))
        except CassetteError:
            continue
        for conversation in found.conversations:
            events_of(conversation)
