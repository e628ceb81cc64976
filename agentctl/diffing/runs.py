"""Two runs, and the first thing that one did and the other did not.

What is compared is what was said, asked for, answered and seen. Not compared is what no two live runs share even when
they do the same: ids, signatures, token counts, times, attempts that were repeated, and the definition, whose changes
have names of their own (`components`). Calls that one reply asks for together have no order among themselves: neither
in the reply nor in the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, TypeAlias

import orjson

from agentctl.agent.events import (
    Block,
    Event,
    FellBack,
    Json,
    JsonObject,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Recalled,
    Resumed,
    RunStarted,
    Settled,
    to_json,
)
from agentctl.diffing.definitions import component_statuses, sides
from agentctl.diffing.paths import ABSENT, differences, same, step

PASSED_OVER: Final = (RunStarted, ModelAsked, ModelFailed, FellBack, Settled, Resumed)
Reply: TypeAlias = ModelReplied | Recalled
"""What the user was told: whether a model was asked for it is no difference in what happened."""

TOOL_USE: Final = "tool_use"
OWN_NAMES: Final = frozenset(("call_id", "run", "bundle", "model", "signature", "id"))
"""Fields of events and blocks that name the run, not what happened in it."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference: of the events `old_index` and `new_index` (None: the run had ended), the field `path`."""

    turn: int
    """Replies asked for so far, from 1; 0 before the first."""
    kind: str
    """Of the event in the old run, or in the new one when the old run had ended."""
    path: str
    """`tool_uses[0].input.order_id`; empty when the events are of different kinds."""
    old: Json
    new: Json
    old_index: int | None
    new_index: int | None

    def to_json(self) -> JsonObject:
        """The divergence as `diff --json` prints it."""
        return {
            "turn": self.turn,
            "event": self.kind,
            "path": self.path,
            **sides(self.old, self.new),
            "index": {"old": self.old_index, "new": self.new_index},
        }


@dataclass(slots=True)
class _Moment:
    """What happened next in a run: one event, or the calls of a reply, each with its events by call id."""

    index: int
    turn: int
    event: Event | None = None
    calls: dict[str, list[tuple[int, Event]]] = field(default_factory=dict)


Pairs: TypeAlias = dict[str, str]


def first_divergence(old: Sequence[Event], new: Sequence[Event]) -> Divergence | None:
    """Where the run `new` first did something else than `old`; None when they did the same."""
    before, after = list(_moments(old)), list(_moments(new))
    pairs: Pairs = {}
    for one, other in zip(before, after, strict=False):
        found = _between(one, other, pairs)
        if found is not None:
            return found
    longer = before[len(after) :] or after[len(before) :]
    if not longer:
        return None
    extra, is_old = longer[0], len(before) > len(after)
    event = _event_of(extra)
    views = (_view(event), ABSENT) if is_old else (ABSENT, _view(event))
    places = (extra.index, None) if is_old else (None, extra.index)
    return Divergence(extra.turn, event.kind, "", *views, *places)


def components(old: Sequence[Event], new: Sequence[Event]) -> dict[str, str]:
    """What changed of the definitions that the two runs began with; see `definitions.component_statuses`."""
    before, after = (
        next((event.components for event in run if isinstance(event, RunStarted)), {}) for run in (old, new)
    )
    return component_statuses(before, after)


def _moments(events: Sequence[Event]) -> Iterator[_Moment]:
    turn, together = 0, None
    for index, event in enumerate(events):
        if isinstance(event, ModelAsked):
            turn += 1
        if isinstance(event, PASSED_OVER):
            continue
        call_id = getattr(event, "call_id", None)
        if call_id is None:
            if together is not None:
                yield together
            together = None
            yield _Moment(index, turn, event)
        else:
            together = together or _Moment(index, turn)
            together.calls.setdefault(call_id, []).append((index, event))
    if together is not None:
        yield together


def _event_of(moment: _Moment) -> Event:
    return moment.event or next(iter(moment.calls.values()))[0][1]


def _between(one: _Moment, other: _Moment, pairs: Pairs) -> Divergence | None:
    """The first difference of two moments; a pair of replies that agree leaves its calls in `pairs`."""
    if one.event is None and other.event is None:
        return _calls_between(one, other, pairs)
    before, after = _event_of(one), _event_of(other)
    if isinstance(before, Reply) and isinstance(after, Reply):
        pairs.clear()
        pairs.update(_pair(_calls(before), _calls(after)))
        found = next(_replies(before, after, pairs), None)
    else:
        found = _events(before, after)
    return None if found is None else Divergence(one.turn, before.kind, *found, one.index, other.index)


def _calls_between(one: _Moment, other: _Moment, pairs: Pairs) -> Divergence | None:
    missing = dict(other.calls)
    for call_id, before in one.calls.items():
        after = missing.pop(pairs.get(call_id, call_id), [])
        for position, (index, event) in enumerate(before):
            if position >= len(after):
                return Divergence(one.turn, event.kind, "", _view(event), ABSENT, index, None)
            new_index, new_event = after[position]
            found = _events(event, new_event)
            if found is not None:
                return Divergence(one.turn, event.kind, *found, index, new_index)
        if len(after) > len(before):
            missing[call_id] = after[len(before) :]
    for (index, event), *_ in missing.values():
        return Divergence(one.turn, event.kind, "", ABSENT, _view(event), None, index)
    return None


Difference: TypeAlias = tuple[str, Json, Json]


def _events(old: Event, new: Event) -> Difference | None:
    """The first field that differs."""
    before, after = _view(old), _view(new)
    if old.kind != new.kind:
        return "", before, after
    return next(differences(before, after), None)


def _replies(old: Reply, new: Reply, pairs: Pairs) -> Iterator[Difference]:
    """What differs between two replies, whatever the order of the calls they ask for."""
    yield from _blocks(_said(old), _said(new))
    before, after = _calls(old), {call["id"]: call for call in _calls(new)}
    for index, call in enumerate(before):
        other = after.pop(pairs.get(call["id"], ""), None)
        path = step("tool_uses", index)
        yield from differences(_bare(call), ABSENT if other is None else _bare(other), path)
    for index, call in enumerate(after.values(), len(before)):
        yield step("tool_uses", index), ABSENT, _bare(call)
    yield from differences(
        {"stop_reason": old.stop_reason, "stop_sequence": old.stop_sequence},
        {"stop_reason": new.stop_reason, "stop_sequence": new.stop_sequence},
    )


def _blocks(old: Sequence[Block], new: Sequence[Block]) -> Iterator[Difference]:
    """What differs between blocks in the same places; those of another kind differ as a whole."""
    for index, (one, other) in enumerate(zip_longest(old, new, fillvalue=ABSENT)):
        path = step("content", index)
        if isinstance(one, dict) and isinstance(other, dict) and one.get("type") == other.get("type"):
            yield from differences(one, other, path)
        else:
            yield path, one, other


def _said(reply: Reply) -> list[Block]:
    return [_bare(block) for block in reply.content if block.get("type") != TOOL_USE]


def _calls(reply: Reply) -> list[Block]:
    return [block for block in reply.content if block.get("type") == TOOL_USE and isinstance(block.get("id"), str)]


def _pair(old: Sequence[Block], new: Sequence[Block]) -> Pairs:
    """Calls by id: equal ones first, then those of the same tool, then what is left, each in order."""
    pairs: Pairs = {}
    free = list(new)
    for is_like in (_is_equal, _is_of_same_tool, _is_any):
        for call in old:
            if call["id"] in pairs:
                continue
            match = next((other for other in free if is_like(call, other)), None)
            if match is not None:
                pairs[call["id"]] = match["id"]
                free.remove(match)
    return pairs


def _is_equal(one: Block, other: Block) -> bool:
    return same(_bare(one), _bare(other))


def _is_of_same_tool(one: Block, other: Block) -> bool:
    return bool(one.get("name") == other.get("name"))


def _is_any(_one: Block, _other: Block) -> bool:
    return True


def _bare(block: Block) -> Block:
    """A block without its own names, those of its result included."""
    return {key: value for key, value in block.items() if key not in OWN_NAMES and key != "tool_use_id"}


def _view(event: Event) -> JsonObject:
    """The event's fields that say what happened; a result that is JSON text is looked into."""
    if isinstance(event, Reply):
        return {"content": [_bare(block) for block in event.content], "stop_reason": event.stop_reason}
    shown = {key: value for key, value in to_json(event).items() if key not in OWN_NAMES and key != "kind"}
    if isinstance(content := shown.get("content"), str):
        shown["content"] = _parsed(content)
    return shown


def _parsed(text: str) -> Json:
    if not text.startswith(("{", "[")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
