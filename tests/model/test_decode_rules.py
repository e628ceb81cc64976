"""What holds for the decoder whatever the bytes: chunking changes nothing, what is unfinished never runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.agent.events import ModelReplied, from_json, to_json
from agentctl.agent.run import Run, text_of
from support.replies import messages
from support.wire import JSON, error_event, events_of, outcome, sse


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces, cut at these places."""
    inside = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(inside)]


PLACES = st.lists(st.integers(0, 100_000), max_size=6)


@given(messages(), st.integers(1, 9))
def test_streamed_and_whole_are_equal(whole: dict[str, Any], piece: int) -> None:
    """Any message gives one reply, streamed in deltas of any size or sent whole, and shows the same text."""
    streamed, _, _ = outcome(sse(events_of(whole, piece)))
    at_once, _, _ = outcome(orjson.dumps(whole), headers=JSON)
    assert streamed == at_once
    assert streamed is not None
    assert streamed.content == whole["content"]
    assert streamed.usage == whole["usage"]


@given(messages(), PLACES)
def test_chunking_changes_nothing(whole: dict[str, Any], places: list[int]) -> None:
    """The same bytes in any pieces give the same reply and show the same text."""
    stream = sse(events_of(whole))
    assert outcome(*cut(stream, places)) == outcome(stream)


@given(messages())
@settings(max_examples=30)
def test_byte_by_byte_changes_nothing(whole: dict[str, Any]) -> None:
    """One byte a chunk is the hardest cutting."""
    stream = sse(events_of(whole))
    assert outcome(*(stream[at : at + 1] for at in range(len(stream)))) == outcome(stream)


DAMAGE = st.lists(
    st.tuples(st.sampled_from(["drop", "twice", "swap", "error"]), st.integers(0, 1000), st.integers(0, 1000)),
    min_size=1,
    max_size=3,
)


def damaged(events: list[dict[str, Any]], damage: list[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """The events with some lost, doubled, exchanged, or broken off by an error."""
    events = list(events)
    for kind, first, second in damage:
        if not events:
            break
        here, there = first % len(events), second % len(events)
        if kind == "drop":
            del events[here]
        elif kind == "twice":
            events.insert(here, events[here])
        elif kind == "swap":
            events[here], events[there] = events[there], events[here]
        else:
            events[here:] = [error_event("overloaded_error")]
    return events


def finished_calls(events: list[dict[str, Any]]) -> list[Any]:
    """By the rules and nothing else: the calls between a start and a stop of their own, their input parsed strictly."""
    calls, open_, pieces = [], None, ""
    for event in events:
        if event["type"] == "content_block_start":
            open_, pieces = event["content_block"], ""
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            pieces += event["delta"]["partial_json"]
        elif event["type"] == "content_block_stop" and open_ is not None:
            if open_["type"] == "tool_use":
                calls.append({**open_, "input": orjson.loads(pieces or "{}")})
            open_ = None
    return calls


@given(messages(), DAMAGE, PLACES)
@settings(max_examples=300)
def test_damaged_streams_run_nothing_unfinished(
    whole: dict[str, Any], damage: list[tuple[str, int, int]], places: list[int]
) -> None:
    """A reply whose tools would run had all its events: each call finished, then message_delta, then message_stop."""
    events = damaged(events_of(whole), damage)
    replied, error, _ = outcome(*cut(sse(events), places))
    assert (replied is None) != (error is None)
    if replied is None or replied.stop_reason != "tool_use":
        return
    kinds = [event["type"] for event in events if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [block for block in replied.content if block["type"] == "tool_use"] == finished_calls(events)


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.just("text"), st.just([]), st.just({}), st.just(["text"])
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value."""
    paths = [path] if path else []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return paths + [found for key, inner in steps for found in places_in(inner, (*path, key))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of the value with `new` at the path."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@given(messages(), st.data())
@settings(max_examples=300)
def test_any_field_may_hold_anything(whole: dict[str, Any], data: st.DataObject) -> None:
    """Whatever stands in any field, the outcome is a reply that the loop can fold and store, or one of our errors."""
    events = events_of(whole)
    streamed = put(events, data.draw(st.sampled_from(places_in(events))), data.draw(JUNK))
    body = put(whole, data.draw(st.sampled_from(places_in(whole))), data.draw(JUNK))
    frames = b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in streamed)
    for replied, error, _ in (outcome(frames), outcome(orjson.dumps(body), headers=JSON)):
        assert (replied is None) != (error is None)
        if replied is not None:
            usable(replied)
    assert outcome(*cut(frames, data.draw(PLACES))) == outcome(frames)


def usable(replied: ModelReplied) -> None:
    """What every reader of a reply does with it."""
    run = Run.of([replied])
    assert isinstance(text_of(replied.content), str)
    assert min(run.usage.to_json().values()) >= 0
    assert from_json(orjson.loads(orjson.dumps(to_json(replied)))) == replied


@given(st.binary(max_size=60), messages(), st.integers(0, 100_000), PLACES)
def test_any_bytes(noise: bytes, whole: dict[str, Any], place: int, places: list[int]) -> None:
    """Noise in the middle of a stream is read the same in any pieces, and never raises anything but our errors."""
    stream = sse(events_of(whole))
    place %= len(stream)
    stream = stream[:place] + noise + stream[place + len(noise) :]
    assert outcome(*cut(stream, places)) == outcome(stream)
