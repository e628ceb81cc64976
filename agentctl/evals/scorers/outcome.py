"""What a scorer sees: one finished run, read from its events and from nothing else.

The trajectory is no second recording of what happened, so a scorer gives the same verdict on a live run, a replay and a
stored run; and a `Place` names an entry of that same list, so a report can always say where a verdict came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol

import msgspec
from msgspec import Struct, field

from agentctl.agent.events import (
    Json,
    JsonObject,
    ModelAsked,
    ModelReplied,
    Observed,
    Recalled,
    ToolCalled,
    ToolReturned,
    to_json,
)
from agentctl.agent.run import Run, Usage


class Place(Struct, frozen=True):
    """An entry of the run: its `seq`, the model turn it belongs to (from 1), and the tool call where there is one."""

    seq: int
    turn: int
    call_id: str | None = None
    tool: str | None = None

    def to_json(self) -> JsonObject:
        """The fields that say something."""
        place: JsonObject = {"seq": self.seq, "turn": self.turn}
        return place if self.call_id is None else {**place, "call_id": self.call_id, "tool": self.tool}


class Call(Struct, frozen=True):
    """One tool call and its answer. Server tools, which the API runs itself, are calls too."""

    name: str
    input: JsonObject
    place: Place
    result: ToolReturned | None = None
    """None when nobody answered it here: a server tool, or a run that was cut."""


class Seen(Struct, frozen=True):
    """What a run shows when it is read from its first entry to its last: all that is large in an outcome."""

    run: Run
    text: str
    reply: Place
    calls: tuple[Call, ...]
    observed: Mapping[str, Json]

    @property
    def written(self) -> bytes | None:
        """The outcome as JSON, where it stands somewhere as such."""
        return None


class Sight(Protocol):
    """What shows a run: `Seen`, or what reads one again when somebody asks (`evals.kept`)."""

    @property
    def run(self) -> Run:
        """The run itself."""
        ...

    @property
    def text(self) -> str:
        """See `Outcome.text`."""
        ...

    @property
    def reply(self) -> Place:
        """See `Outcome.reply`."""
        ...

    @property
    def calls(self) -> tuple[Call, ...]:
        """See `Outcome.calls`."""
        ...

    @property
    def observed(self) -> Mapping[str, Json]:
        """See `Outcome.observed`."""
        ...

    @property
    def written(self) -> bytes | None:
        """See `Seen.written`."""
        ...


class Outcome(Struct, frozen=True):
    """Everything there is to know about one finished run of a case. `python:` checks get it whole."""

    seen: Sight
    turns: int
    """Replies the model was asked for."""
    usage: Usage
    """Tokens of the whole run."""
    ended: str
    """Why the run ended; see `events.END_REASONS`."""
    tool_names: list[str]
    """The names of the calls, in order."""
    began: float | None
    """When it began, in seconds since the epoch; None when nothing happened."""
    cost_usd: Decimal | None = None
    """List price of all replies; None when the price of one of them is not known."""
    seconds: float = 0.0
    """What model and tools took when it ran for real: recorded seconds in a replay."""
    case: str = ""
    input: tuple[str, ...] = ()
    """What the user says, turn by turn."""
    vars: Mapping[str, Json] = field(default_factory=dict)
    folder: Path = Path()
    """The folder of the suite: paths in `python:` are relative to it."""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """What else is known of the case or, of a scored trace, of the run: what `label` looks at."""

    @property
    def run(self) -> Run:
        """The run, entry by entry."""
        return self.seen.run

    @property
    def text(self) -> str:
        """The final reply's text, its blocks joined; of a multi-turn case, the last reply's."""
        return self.seen.text

    @property
    def reply(self) -> Place:
        """Where the final reply stands; the run's first entry when there is none."""
        return self.seen.reply

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tool calls, in the order they were made."""
        return self.seen.calls

    @property
    def observed(self) -> Mapping[str, Json]:
        """What state queries returned, by `Observed.name`."""
        return self.seen.observed

    def to_json(self) -> JsonObject:
        """The run as it stands in the document of a result."""
        written = self.seen.written
        if written is not None:
            document: JsonObject = msgspec.json.decode(written)
            return document
        entries = [{"seq": entry.seq, "at": entry.at, "event": to_json(entry.event)} for entry in self.run.entries]
        return {**self._figures, "entries": entries}

    def to_bytes(self) -> bytes:
        """The same, as JSON.

        Raises:
            TypeError: strict JSON cannot say it: half an emoji.
        """
        written = self.seen.written
        if written is not None:
            return written
        try:
            return msgspec.json.encode({**self._figures, "entries": self.run.entries})
        except UnicodeEncodeError as error:
            raise TypeError(str(error)) from None

    @property
    def _figures(self) -> JsonObject:
        """All but the entries."""
        return {
            "input": list(self.input),
            "text": self.text,
            "ended": self.ended,
            "turns": self.turns,
            "tool_calls": self.tool_names,
            "usage": self.usage.to_json(),
            "cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "seconds": round(self.seconds, 3),
        }


READ: Final = frozenset({ModelAsked, ToolCalled, ToolReturned, Recalled, ModelReplied, Observed})
"""The kinds of events that say something of the outcome."""


def outcome_of(
    run: Run,
    *,
    cost_usd: Decimal | None = None,
    seconds: float = 0.0,
    case: str = "",
    said: tuple[str, ...] = (),
    variables: Mapping[str, Json] | None = None,
    folder: Path | None = None,
    metadata: Mapping[str, Json] | None = None,
) -> Outcome:
    """Reads the run once, from its first entry to its last."""
    turn, reply = 0, (0, 0)
    called: dict[str, tuple[str, JsonObject, Place]] = {}
    results: dict[str, ToolReturned] = {}
    observed: dict[str, Json] = {}
    for entry in [each for each in run.entries if type(each.event) in READ]:
        event = entry.event
        if isinstance(event, ModelAsked):
            turn = event.turn
        elif isinstance(event, ToolCalled):
            called[event.call_id] = event.name, event.input, Place(entry.seq, turn, event.call_id, event.name)
            results.pop(event.call_id, None)  # called once more, it has no answer yet
        elif isinstance(event, ToolReturned):
            results[event.call_id] = event
        elif isinstance(event, Recalled):
            reply = (entry.seq, turn)
        elif isinstance(event, ModelReplied):
            reply = (entry.seq, turn)
            for block in event.content:
                if block.get("type") == "server_tool_use":
                    place = Place(entry.seq, turn, block["id"], block["name"])
                    called[block["id"]] = block["name"], block.get("input") or {}, place
        elif isinstance(event, Observed):
            observed[event.name] = event.value
    calls = tuple([Call(*call, results.get(call_id)) for call_id, call in called.items()])
    return Outcome(
        seen=Seen(run, run.text, Place(*reply), calls, observed),
        turns=run.turns,
        usage=run.usage,
        ended=run.ended.reason if run.ended is not None else "interrupted",
        tool_names=[call.name for call in calls],
        began=run.entries[0].at if run.entries else None,
        cost_usd=cost_usd,
        seconds=seconds,
        case=case,
        input=said,
        vars=variables or {},
        folder=folder or Path(),
        metadata=metadata or {},
    )


NO_OUTCOME: Final[JsonObject] = {
    "input": [],
    "text": "",
    "ended": None,
    "turns": 0,
    "tool_calls": [],
    "usage": Usage().to_json(),
    "cost_usd": None,
    "seconds": 0.0,
    "entries": [],
}
"""What stands in the place of an outcome where there is none."""
