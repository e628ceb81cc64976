"""What is recorded is served, what is not goes on to the live side: the one place where a replay may become a call.

Completing an interrupted recording is this inside a recorder, so that the new take is whole by itself: it holds the
served replies again, in the order in which they were used.
"""

from __future__ import annotations

from agentctl.agent.events import ToolCalled, ToolReturned
from agentctl.agent.ports import Request, Tools, Wire, WireReply
from agentctl.cassette.play import RecordedTools, RecordedWire


class ExtendedWire:
    """A `ports.Wire` that answers from `recorded` while it can, and else through `live`."""

    def __init__(self, recorded: RecordedWire, live: Wire) -> None:
        self._recorded = recorded
        self._live = live

    async def send(self, request: Request) -> WireReply:
        """The recorded reply, or the live one. What the live wire raises goes through."""
        index = self._recorded.find(request)
        return await self._live.send(request) if index is None else self._recorded.reply(index)


class ExtendedTools:
    """A `ports.Tools` that answers from `recorded` while it can, and else through `live`."""

    def __init__(self, recorded: RecordedTools, live: Tools) -> None:
        self._recorded = recorded
        self._live = live

    async def call(self, call: ToolCalled) -> ToolReturned:
        """The recorded answer, or the live one."""
        returned = self._recorded.find(call)
        return await self._live.call(call) if returned is None else returned
