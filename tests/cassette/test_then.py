"""When things happen in a replay."""

from __future__ import annotations

from agentctl.agent.events import ModelAsked, ModelFailed, RunEnded, RunStarted, ToolCalled, ToolReturned, UserSaid
from agentctl.cassette.tape import RecordedTool, Take
from agentctl.cassette.then import times
from support.scripted import call, reply, text

EVENTS = [
    RunStarted("a@1", "sha256:0", "m"),
    UserSaid("go"),
    ModelAsked(1, "m"),
    ModelFailed(1, "overloaded_error", "Overloaded"),
    reply(call("slow", "x"), call("quick", "y")),
    ToolCalled("x", "slow", {}),
    ToolCalled("y", "quick", {}),
    ToolReturned("x", "slow", ""),
    ToolReturned("y", "quick", ""),
    ModelAsked(2, "m"),
    reply(text("done")),
    RunEnded("completed"),
]
TOOLS = (RecordedTool.of(ToolReturned("x", "slow", ""), 2.0), RecordedTool.of(ToolReturned("y", "quick", ""), 0.5))


def test_time_goes_on_as_it_was_recorded() -> None:
    """Replies one after the other, tools side by side, nothing else takes time."""
    take = Take((0, 1, 2), seconds=(1.0, 4.0, 0.25), tools=TOOLS)
    moments = list(times(EVENTS, "1970-01-01T00:01:40Z", take))
    assert moments == [100, 100, 100, 101, 105, 105, 105, 107, 107, 107, 107.25, 107.25]


def test_what_is_not_known_takes_no_time() -> None:
    """A recording without times, or with a date that is none, still has its order."""
    assert set(times(EVENTS, "yesterday", Take(()))) == {0.0}
