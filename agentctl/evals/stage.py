"""What is real in an evaluation: workspaces that tools change, wires to models that answer now.

Every take has its own workspace, every agent its own wire, which counts the requests it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentctl.agent.ports import Wire
from agentctl.agent.spec import Agent
from agentctl.agent.tools import LiveTools
from agentctl.evals.plan import Job
from agentctl.evals.workspace import Workspaces


class CountingWire(Wire, Protocol):
    """A wire that counts the requests that left."""

    sent: int


class Live(Protocol):
    """A model that answers now, and where its answers come from: a host, or the simulator."""

    @property
    def wire(self) -> CountingWire:
        """Where requests go."""
        ...

    @property
    def source(self) -> str:
        """Named in recordings."""
        ...


GoLive = Callable[[Agent], AbstractAsyncContextManager[Live]]
"""Opens a live wire for an agent. Raises UsageError when there is no key."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """One take's tools in one take's workspace."""

    tools: LiveTools
    folder: Path


class Stage:
    """Workspaces and wires by agent, and the recordings written. `close` gives all of it back."""

    def __init__(self) -> None:
        self._workspaces: dict[str, Workspaces] = {}
        self._lives: dict[str, Live] = {}
        self._opened = AsyncExitStack()
        self.apart = False
        self.recorded: list[Path] = []
        """Recordings written."""

    @property
    def sent(self) -> int:
        """Requests sent to a model."""
        return sum(live.wire.sent for live in self._lives.values())

    @contextmanager
    def workshop(self, job: Job, take: int) -> Iterator[Workshop]:
        """Tools on a fresh workspace, which is gone afterwards.

        Raises:
            RunError: the agent's `setup` failed.
        """
        agent = job.agent
        workspaces = self._workspaces.setdefault(agent.ref, Workspaces(agent))
        with workspaces.copy() as folder:
            tools = LiveTools(agent, folder, f"{job.suite.name}/{job.case.id}/{take + 1}")
            yield Workshop(tools, folder)

    async def open(self, agent: Agent, go_live: GoLive) -> None:
        """Opens the agent's wire, if it is not open yet.

        Raises:
            UsageError: there is no key to go live with.
        """
        if agent.ref not in self._lives:
            self._lives[agent.ref] = await self._opened.enter_async_context(go_live(agent))

    def live(self, agent: Agent) -> Live:
        """The agent's wire, which `open` opened."""
        return self._lives[agent.ref]

    async def close(self) -> None:
        """Closes every wire and removes every workspace."""
        for workspaces in self._workspaces.values():
            workspaces.close()
        await self._opened.aclose()
