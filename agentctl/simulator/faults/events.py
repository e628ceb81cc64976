"""Streams that break off, say what no stream may say, or never end; as events, before they are framed and compressed.

A place that a stream does not have (inside a tool's input, when it calls no tool) is no place: the fault does not
happen, and waits for a reply that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import orjson

from agentctl.config.faults import Fault
from agentctl.simulator.stream import event

Events = Sequence[bytes]
PING: Final = event("ping")


def place(events: Events, at: str) -> int | None:
    """How many events come before this place; None when there is no such place."""
    if at.isdecimal():
        return int(at) if int(at) <= len(events) else None
    match at:
        case "start":
            return 1
        case "text":
            return _after(events, b'"text_delta"')
        case "tool":
            return _inside_tool(events)
        case "tool-end":
            inputs = [index for index, each in enumerate(events) if b'"input_json_delta"' in each]
            return inputs[-1] + 1 if inputs else None
        case _:
            return len(events) - 1


def broken(fault: Fault, events: Events) -> Iterator[bytes] | None:
    """The events with the fault in them; None when this stream has no place for it. `pings` do not end."""
    if fault.kind in WITHOUT_A_PLACE:
        return WITHOUT_A_PLACE[fault.kind](events)
    index = place(events, fault.at)
    if index is None or (fault.kind in NEEDS_NEXT and index >= len(events)):
        return None
    return BREAKS[fault.kind](fault, events, index)


def _after(events: Events, sign: bytes) -> int | None:
    return next((index + 1 for index, each in enumerate(events) if sign in each), None)


def _inside_tool(events: Events) -> int | None:
    """After the first piece of a tool's input that is not empty and not the whole of it."""
    inputs = [index for index, each in enumerate(events) if b'"input_json_delta"' in each]
    told = [index for index in inputs if _data(events[index])["delta"]["partial_json"]]
    return told[0] + 1 if told else None


def _half_input(events: Events) -> Iterator[bytes] | None:
    index = _inside_tool(events)
    if index is None:
        return None
    begun = _data(events[index - 1])
    piece = begun["delta"]["partial_json"]
    cut = event("content_block_delta", index=begun["index"], delta={**begun["delta"], "partial_json": piece[:-1]})
    rest = (each for each in events[index:] if b'"input_json_delta"' not in each)
    return iter([*events[: index - 1], cut, *rest])


def _open_tool(events: Events) -> Iterator[bytes] | None:
    """The last tool's input breaks off, its block does not stop, and the message says max_tokens."""
    index = _inside_tool(events)
    if index is None:
        return None
    final = _data(events[-2])
    ended = event("message_delta", delta={**final["delta"], **OUT_OF_TOKENS}, usage=final["usage"])
    return iter([*events[:index], ended, events[-1]])


def _early_delta(events: Events) -> Iterator[bytes]:
    """Usage is cumulative: what the first of two deltas says, the last one says again, and more."""
    final = _data(events[-2])
    so_far = {**final["usage"], "output_tokens": int(final["usage"]["output_tokens"]) // 2}
    begun = event("message_delta", delta=dict.fromkeys(final["delta"]), usage=so_far)
    return iter([*events[:-2], begun, *events[-2:]])


def _spaced(events: Events) -> Iterator[bytes]:
    return (each.removesuffix(b"\n\n") + b"   \n\n" for each in events)


def _data(each: bytes) -> dict[str, dict[str, str]]:
    parsed: dict[str, dict[str, str]] = orjson.loads(each[each.index(b"data: ") + 6 :])
    return parsed


def _error(fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    error = {"type": fault.values["type"], "message": "Overloaded"}
    return iter([*events[:index], event("error", error=error)])


def _eof(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    return iter(events[:index])


def _with(said: bytes) -> Callable[[Fault, Events, int], Iterator[bytes]]:
    def inserted(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
        return iter([*events[:index], said, *events[index:]])

    return inserted


def _swapped(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    """The next block's end comes at once, and what was in it after it."""
    ends = [at for at, each in enumerate(events) if at >= index and b'"content_block_stop"' in each]
    end = ends[0] if ends else len(events) - 1
    return iter([*events[:index], events[end], *events[index:end], *events[end + 1 :]])


def _wrong_index(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    stray = event("content_block_delta", index=99, delta={"type": "text_delta", "text": "stray"})
    return iter([*events[:index], stray, *events[index:]])


def _twice(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    return iter([*events[:index], events[index - 1], *events[index:]])


def _pings(_fault: Fault, events: Events, index: int) -> Iterator[bytes]:
    yield from events[:index]
    while True:
        yield PING


OUT_OF_TOKENS: Final = {"stop_reason": "max_tokens"}

WITHOUT_A_PLACE: Final[Mapping[str, Callable[[Events], Iterator[bytes] | None]]] = {
    "bad-tool-json": _half_input,
    "open-tool": _open_tool,
    "early-delta": _early_delta,
    "trailing-spaces": _spaced,
}
NEEDS_NEXT: Final = frozenset({"out-of-order"})

BREAKS: Final[Mapping[str, Callable[[Fault, Events, int], Iterator[bytes]]]] = {
    "error-event": _error,
    "eof": _eof,
    "bad-json": _with(b'event: content_block_delta\ndata: {"type": "content_block_de\n\n'),
    "bad-utf8": _with(b'event: content_block_delta\ndata: {"type": "content_block_delta", "x": "\xff"}\n\n'),
    "out-of-order": _swapped,
    "wrong-index": _wrong_index,
    "duplicate-event": _twice,
    "unknown-event": _with(b'event: forecast\ndata: {"type": "forecast", "sky": "clear"}\n\n'),
    "pings": _pings,
}
