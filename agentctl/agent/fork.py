"""Another future for a run: its facts up to a turn, some of them changed, as the beginning of a new run.

A fork holds every fact that the turn was decided on and none that came of it, so the next move of the loop is to ask
the model for that turn. Facts that are changed are changed for good: the new run never knew the old ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentctl.agent.events import Event, ModelAsked, Observed, RunEnded, RunStarted, ToolReturned, UserSaid
from agentctl.agent.spec import Agent
from agentctl.agent.values import replace
from agentctl.errors import UsageError


def turns_of(events: Sequence[Event]) -> int:
    """How many replies were asked for."""
    return sum(isinstance(event, ModelAsked) for event in events)


def before_turn(events: Sequence[Event], turn: int) -> list[Event]:
    """The facts that turn `turn` (from 1) was decided on; for the turn after the last one, all but how it ended.

    Raises:
        UsageError: the run has no such turn, and none that comes next.
    """
    total = turns_of(events)
    if not 1 <= turn <= total + 1:
        raise UsageError(f"there is no turn {turn} to go on from: the run has {total}")
    asked = 0
    before: list[Event] = []
    for event in events:
        asked += isinstance(event, ModelAsked)
        if asked == turn:
            break
        if not isinstance(event, RunEnded | Observed):
            before.append(event)
    return before


def turn_after(events: Sequence[Event], call_id: str) -> int:
    """The turn that was the first to know the result of that call."""
    asked = 0
    for event in events:
        asked += isinstance(event, ModelAsked)
        if isinstance(event, ToolReturned) and event.call_id == call_id:
            return asked + 1
    raise UsageError(f"the run has no result of a call {call_id}")


def call_named(events: Sequence[Event], name: str) -> str:
    """The id of the one call that `name` means: its id, the end of it, or its tool when that was called once.

    Raises:
        UsageError: no answered call fits, or several do.
    """
    answered = [event for event in events if isinstance(event, ToolReturned)]
    for fits in (
        [each for each in answered if each.call_id == name],
        [each for each in answered if each.call_id.endswith(name) or each.name == name],
    ):
        if len(fits) == 1:
            return fits[0].call_id
        if fits:
            listed = ", ".join(f"{each.call_id} ({each.name})" for each in fits)
            raise UsageError(f"{name!r} fits several calls: {listed}", hint="give the id of one")
    listed = ", ".join(f"{each.call_id} ({each.name})" for each in answered) or "none"
    raise UsageError(f"no answered call fits {name!r}", hint=f"the calls are: {listed}")


def with_result(events: Sequence[Event], call_id: str, content: str) -> list[Event]:
    """The facts, with this call answered by `content`."""
    return [
        ToolReturned(event.call_id, event.name, content)
        if isinstance(event, ToolReturned) and event.call_id == call_id
        else event
        for event in events
    ]


def with_words(events: Sequence[Event], said: str) -> list[Event]:
    """The facts, with `said` in the place of what the user said last, or after them where the turn was not theirs."""
    if events and isinstance(events[-1], UserSaid):
        return [*events[:-1], UserSaid(said)]
    return [*events, UserSaid(said)]


def started_by(events: Sequence[Event], agent: Agent) -> list[Event]:
    """The facts of a run that `agent` began."""
    return [
        replace(event, agent=agent.ref, bundle=agent.bundle, model=agent.model, components=dict(agent.components))
        if isinstance(event, RunStarted)
        else event
        for event in events
    ]
