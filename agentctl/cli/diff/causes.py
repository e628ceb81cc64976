"""The definitions behind two runs, found again by their digests, and what in them may be why the runs part.

A run keeps the digests of its definition and not the text. The text is looked for under the agent's name, and taken
only when it has the very digests of the run: a definition that has moved on since explains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agentctl.agent.events import Event, RunStarted
from agentctl.agent.spec import Agent
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.diffing.causes import Cause, nearest_lines
from agentctl.diffing.definitions import diff
from agentctl.diffing.runs import Divergence
from agentctl.errors import AgentctlError


def causes_of(parting: Divergence, old: Sequence[Event], new: Sequence[Event]) -> tuple[Cause, ...]:
    """The nearest changed lines; none where the definitions are the same or one of them is no longer there."""
    before, after = _definition(old), _definition(new)
    if before is None or after is None or before.bundle == after.bundle:
        return ()
    return nearest_lines(parting, diff(before, after))


def _definition(events: Sequence[Event]) -> Agent | None:
    """The agent as it was when the run began; None when that is not to be found."""
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    if started is None or not started.bundle:
        return None
    try:
        agent = load_agent(started.agent, Project.find(Path.cwd()))
    except AgentctlError:
        return None
    return agent if agent.bundle == started.bundle else None
