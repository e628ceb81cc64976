"""Events as values: frozen, compared by what they say, and JSON that begins with the kind."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.agent.events import EVENT_TYPES, Entry, Event, RunEnded, ToolCalled, UserSaid, from_json, to_json

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXT, inside, max_size=3),
    max_leaves=6,
)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    str | None: st.none() | TEXT,
    int: st.integers(0, 2**53),
    int | None: st.none() | st.integers(0, 2**53),
    bool: st.booleans(),
    float: st.floats(0, 1e12),
    float | None: st.none() | st.floats(0, 1e12),
    Any: JSON,
    dict[str, str]: st.dictionaries(TEXT, TEXT, max_size=3),
    dict[str, Any]: st.dictionaries(TEXT, JSON, max_size=3),
    list[dict[str, Any]]: st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=2),
    str | list[dict[str, Any]]: TEXT,
}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event of any kind, with anything its fields may hold."""
    cls = draw(st.sampled_from(list(EVENT_TYPES.values())))
    return cls(**{each.name: draw(VALUES[each.type]) for each in msgspec.structs.fields(cls)})


@given(events(), st.integers(0, 9), st.floats(0, 1e12))
def test_json_and_back(event: Event, seq: int, at: float) -> None:
    """By way of a dictionary or written at once, alone or as an entry: the same event, the same JSON."""
    data = to_json(event)
    assert next(iter(data)) == "kind"
    assert data["kind"] == event.kind == event.__struct_config__.tag
    assert from_json(data) == event
    assert orjson.loads(msgspec.json.encode(event)) == orjson.loads(orjson.dumps(data))
    entry = Entry(seq, at, event)
    assert msgspec.json.decode(msgspec.json.encode(entry), type=Entry) == entry


def test_nobody_changes_what_happened() -> None:
    """An event is a fact."""
    event = ToolCalled("c", "look", {})
    with pytest.raises(AttributeError):
        event.name = "leap"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        event.more = 1  # type: ignore[attr-defined]


def test_what_is_the_same() -> None:
    """What was said, by events of one kind; what a person can do about an end is no part of it."""
    assert UserSaid("hi") == UserSaid("hi") != UserSaid("ho")
    assert RunEnded("error", "x", "look") == RunEnded("error", "x") != RunEnded("error", "y")
    assert len({RunEnded("error", "x", "look"), RunEnded("error", "x")}) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "user_spoke"}, "unknown event kind 'user_spoke'"),
        ({"kind": ["user_said"]}, "unknown event kind"),
        ({}, "unknown event kind None"),
        ({"kind": "user_said"}, "bad user_said event: .*content"),
        ({"kind": "user_said", "content": "", "loud": True}, "bad user_said event: .*loud"),
    ],
)
def test_what_is_no_event_is_refused(data: dict[str, Any], words: str) -> None:
    """With its kind and the field at fault."""
    with pytest.raises(ValueError, match=words):
        from_json(data)
