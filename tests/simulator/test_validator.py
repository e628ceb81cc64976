"""The validator refuses what the real API refuses, in its words, and passes what it takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.simulator.compose import signature_of
from agentctl.simulator.errors import Refusal
from agentctl.simulator.validator import validate

VERSION = "2026-10-21"
USER = {"role": "user", "content": "Hello"}


def use(call_id: str = "toolu_1", name: str = "look") -> dict[str, Any]:
    """A tool call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def result(call_id: str = "toolu_1") -> dict[str, Any]:
    """Its answer."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": "ok"}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A request with these messages."""
    return {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": list(messages) or [USER], **fields}


def said(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    """A message of blocks."""
    return {"role": role, "content": list(blocks)}


def text(value: str = "x") -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": value}


TOOL = {"name": "look", "description": "", "input_schema": {"type": "object"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": signature_of("hm")}

REFUSED: list[tuple[str, Any, str]] = [
    ("unanswered call", body(USER, said("assistant", use()), USER), "without `tool_result` blocks immediately after"),
    ("unanswered at the end", body(USER, said("assistant", use())), "without `tool_result`"),
    ("unknown result", body(said("user", result())), "unexpected `tool_use_id`"),
    ("answered twice", body(USER, said("assistant", use()), said("user", result(), result())), "a single result"),
    (
        "results split",
        body(USER, said("assistant", use("a"), use("b")), said("user", result("a")), said("assistant", text()), USER),
        "without `tool_result`",
    ),
    (
        "text before the result",
        body(USER, said("assistant", use()), said("user", text(), result())),
        "must come first in the content",
    ),
    (
        "text after a call",
        body(USER, said("assistant", use(), text()), said("user", result())),
        "must be at the end of an `assistant` message",
    ),
    (
        "the same id again",
        body(USER, said("assistant", use()), said("user", result()), said("assistant", use()), said("user", result())),
        "ids must be unique",
    ),
    ("empty text", body(said("user", text(""))), "text content blocks must be non-empty"),
    ("empty message", body({"role": "user", "content": ""}), "non-empty content"),
    ("no messages", body() | {"messages": []}, "at least one message"),
    ("messages no list", body() | {"messages": "hi"}, "valid list"),
    ("assistant first", body({"role": "assistant", "content": "Hi"}, USER), "first message"),
    ("system role", body({"role": "system", "content": "Hi"}), "'user' or 'assistant'"),
    ("call by the user", body(said("user", use())), "only be specified in `assistant`"),
    ("result by the assistant", body(USER, said("assistant", result())), "only be specified in `user`"),
    ("changed thinking", body(USER, said("assistant", THOUGHT | {"thinking": "no"}), USER), "Invalid `signature`"),
    ("unsigned thinking", body(USER, said("assistant", {"type": "thinking", "thinking": "hm"}), USER), "signature"),
    ("document by the assistant", body(USER, said("assistant", {"type": "document"}), USER), "not permitted"),
    ("prefill", body(USER, said("assistant", text())), "prefill"),
    ("no model", {"messages": [USER], "max_tokens": 1}, "model: Field required"),
    ("unknown field", body(temprature=1), "temprature: Extra inputs are not permitted"),
    ("temperature", body(temperature=1), "temperature: Extra inputs"),
    ("no max_tokens", {"model": "claude-sonnet-5-5", "messages": [USER]}, "max_tokens: Field required"),
    ("max_tokens 0", body(max_tokens=0), "greater than or equal to 1"),
    ("max_tokens too many", body(max_tokens=10**7), "maximum allowed number of output tokens"),
    ("max_tokens text", body(max_tokens="9"), "valid integer"),
    ("tool name", body(tools=[TOOL | {"name": "a b"}]), "String should match pattern"),
    ("tool twice", body(tools=[TOOL, TOOL]), "Tool names must be unique"),
    ("tool without schema", body(tools=[{"name": "look"}]), "input_schema: Field required"),
    ("tool schema no object", body(tools=[TOOL | {"input_schema": {"type": "string"}}]), "should be 'object'"),
    ("tool_choice without tools", body(tool_choice={"type": "any"}), "while providing tools"),
    ("thinking budget small", body(thinking={"type": "enabled", "budget_tokens": 10}), "1024"),
    ("thinking budget over", body(thinking={"type": "enabled", "budget_tokens": 2000}), "must be greater than"),
    ("thinking unknown", body(thinking={"type": "deep"}), "expected tags"),
    ("empty system", body(system=[text("")]), "non-empty"),
    (
        "five breakpoints",
        body(said("user", *[text() | {"cache_control": {"type": "ephemeral"}}] * 5)),
        "maximum of 4 blocks with cache_control",
    ),
    ("no object", [1], "not a JSON object"),
]


@pytest.mark.parametrize(("request_body", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(request_body: Any, words: str) -> None:
    """Each rule answers 400 with the API's words."""
    with pytest.raises(Refusal) as refusal:
        validate(request_body, VERSION)
    assert refusal.value.status == 400
    assert words in refusal.value.message


TAKEN = {
    "plain": body(),
    "tools": body(USER, said("assistant", text(), use("a"), use("b")), said("user", result("b"), result("a"), text())),
    "consecutive user messages are merged": body(USER, USER),
    "results in two merged messages": body(
        USER, said("assistant", use("a"), use("b")), said("user", result("a")), said("user", result("b"))
    ),
    "thinking": body(USER, said("assistant", THOUGHT, use()), said("user", result())),
    "paused turn": body(
        USER, said("assistant", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
    ),
    "server tool": body(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    """What the API takes passes."""
    validate(TAKEN[name], VERSION)


def test_sampling_depends_on_the_version() -> None:
    """An older API version still takes sampling parameters; the version header is required and known."""
    validate(body(temperature=0.5), "2023-06-01")
    for version in (None, "2020-01-01"):
        with pytest.raises(Refusal, match="anthropic-version"):
            validate(body(), version)


def test_unknown_model_is_not_found() -> None:
    """A model nobody knows is 404."""
    with pytest.raises(Refusal) as refusal:
        validate(body() | {"model": "gpt-9"}, VERSION)
    assert (refusal.value.status, refusal.value.type) == (404, "not_found_error")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "id", "tool_use_id", "name"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["model", "messages", "system", "tools", "thinking", "max_tokens"]), JSON))
def test_garbage_is_refused_never_a_crash(garbage: dict[str, Any]) -> None:
    """Whatever a client sends, the answer is a refusal or nothing."""
    try:
        validate({"model": "claude-x", "max_tokens": 5, "messages": [USER], **garbage}, VERSION)
    except Refusal:
        return
