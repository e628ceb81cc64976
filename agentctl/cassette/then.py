"""The times of a replay are those of the recording: a replay happens in no time, whenever it is made.

So what is made of a replay does not depend on when, where and how fast it was replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from agentctl.agent.events import Event, ModelFailed, ModelReplied, ToolCalled, ToolReturned
from agentctl.cassette.tape import Take


def times(events: Iterable[Event], at: str, take: Take) -> Iterator[float]:
    """When each event of a run happened that was recorded as `take` at `at`, in seconds since the epoch.

    Replies and failures take what the recording says, one after the other; tools what it says, from the moment they
    were called. Everything else takes no time. When `at` cannot be read, time begins at 0.
    """
    now = _began(at)
    replies = iter(take.seconds)
    tools = {tool.returned.call_id: tool.seconds for tool in take.tools}
    called: dict[str, float] = {}
    for event in events:
        if isinstance(event, ModelReplied | ModelFailed):
            now = round(now + next(replies, 0.0), 3)
        elif isinstance(event, ToolCalled):
            called[event.call_id] = now
        elif isinstance(event, ToolReturned):
            now = max(now, round(called.get(event.call_id, now) + tools.get(event.call_id, 0.0), 3))
        yield now


def _began(at: str) -> float:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0
