"""The times of a replay are those of the recording: a replay happens in no time, whenever it is made.

So what is made of a replay does not depend on when, where and how fast it was replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from agentctl.agent.events import Event, ModelFailed, ModelReplied, ToolCalled, ToolReturned
from agentctl.cassette.tape import Take

TAKE_TIME: Final = frozenset({ModelReplied, ModelFailed, ToolCalled, ToolReturned})
"""What is looked at; everything else takes no time."""


class Then:
    """Tells of event after event when it happened in a run that was recorded as `take` at `at`.

    Replies and failures take what the recording says, one after the other; tools what it says, from the moment they
    were called. Everything else takes no time. When `at` cannot be read, time begins at 0.
    """

    def __init__(self, at: str, take: Take) -> None:
        self._now = self._began = _began(at)
        self._replies = iter(take.seconds)
        self._tools = {tool.call_id: tool.seconds for tool in take.tools}
        self._called: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since it began: of every reply and failure so far, and of each turn's tools the slowest."""
        return round(self._now - self._began, 3)

    def of(self, event: Event) -> float:
        """When the next event happened, in seconds since the epoch."""
        if type(event) not in TAKE_TIME:
            return self._now
        if isinstance(event, (ModelReplied, ModelFailed)):
            self._now = round(self._now + next(self._replies, 0.0), 3)
        elif isinstance(event, ToolCalled):
            self._called[event.call_id] = self._now
        elif isinstance(event, ToolReturned):
            took = self._tools.get(event.call_id, 0.0)
            self._now = max(self._now, round(self._called.get(event.call_id, self._now) + took, 3))
        return self._now


def times(events: Iterable[Event], at: str, take: Take) -> Iterator[float]:
    """When each of these events happened; see `Then`."""
    then = Then(at, take)
    return (then.of(event) for event in events)


def _began(at: str) -> float:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0
