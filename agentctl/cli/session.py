"""One agent, wired and ready to talk, and the conversation it is in: what `run` and `chat` have in common.

Every run is stored from its first entry on, and the store hears of an entry before anyone who draws it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from agentctl import __version__
from agentctl.agent.drive import drive, nobody
from agentctl.agent.ports import Answers, Approve, Hear, OnDelta, Sink, Tools, Wire
from agentctl.agent.run import Run
from agentctl.agent.spec import Agent
from agentctl.agent.tools import LiveTools
from agentctl.agent.values import replace
from agentctl.cassette.record import RecordingTools, RecordingWire, Tape
from agentctl.cassette.tape import API_BASE
from agentctl.cli.answers import RunAnswers, place_of
from agentctl.cli.console import note
from agentctl.cli.wiring import LiveWire, live_wire, open_project, with_model, workspace_for
from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.model.client import WireModel
from agentctl.store.answers import Answers as Kept
from agentctl.store.runs import Runs

DATABASE: Final = "agentctl.db"


@dataclass(slots=True)
class Session:
    """An agent on a live wire, in its project. `agent` may be exchanged between two conversations' drives."""

    project: Project
    agent: Agent
    live: LiveWire
    runs: Runs
    caches: bool = False
    """Whether cached answers are given and kept, by agents that say so."""

    def answers_for(self, run: str) -> Answers | None:
        """The cached answers for the run of that id; None when its questions are all asked."""
        rules = self.agent.cached_answers
        if rules is None or not self.caches:
            return None
        kept = Kept(self.project.state / DATABASE)
        return RunAnswers(kept, rules, self.agent, self.project, place_of(self.agent, self.live), run)

    @property
    def simulation(self) -> str:
        """The line that says the model is simulated; empty when it is real."""
        if not self.live.simulated:
            return ""
        if self.live.script is None:
            return "simulated model: there is no script for this agent, so it only echoes"
        return f"simulated model: answers come from {self.project.show(self.live.script)}"


@asynccontextmanager
async def open_session(
    ref: str,
    *,
    simulate: bool,
    model: str | None = None,
    max_seconds: float | None = None,
    caches: bool = False,
) -> AsyncIterator[Session]:
    """The agent `ref` of the project around the current directory, on a live wire that is closed on leaving.

    Raises:
        AgentctlError: there is no project, no such agent, no key, or a document is wrong.
    """
    project = open_project()
    agent = with_model(load_agent(ref, project), model)
    if max_seconds is not None:
        agent = replace(agent, limits=replace(agent.limits, max_seconds=max_seconds))
    async with live_wire(agent, project, simulate=simulate) as live:
        with open_runs(project) as runs:
            yield Session(project, agent, live, runs, caches)


def open_runs(project: Project) -> Runs:
    """The project's stored runs."""
    return Runs(project.state / DATABASE)


@dataclass(slots=True)
class Conversation:
    """One run of a session: it gets its id and its place in the store when it is first driven.

    With a `tape`, what goes over the wire and what tools answer is kept on it.
    """

    session: Session
    run: Run = field(default_factory=Run)
    id: str = ""
    tape: Tape | None = None

    @property
    def way_on(self) -> str:
        """The command that goes on with it when it was interrupted; empty while there is nothing to go on with."""
        if not self.id or (self.run.ended is not None and self.run.ended.reason != "interrupted"):
            return ""
        return f"go on with: agentctl resume {self.id}{' --simulate' if self.session.live.simulated else ''}"

    @property
    def finishing(self) -> list[str]:
        """The tools at work that an interruption waits for."""
        tools = (self.session.agent.tool(call["name"]) for call in self.run.unanswered if call["id"] in self.run.called)
        return [tool.name for tool in tools if tool is not None and tool.finishes]

    async def go(
        self, hear: Hear, *, approve: Approve = nobody, sinks: Sequence[Sink] = (), on_delta: OnDelta | None = None
    ) -> Run:
        """Drives the run with the session's agent; raises what `drive` raises."""
        session, agent = self.session, self.session.agent
        if not self.id:
            meta = {"model": agent.model, "source": session.live.source, "by": f"agentctl {__version__}"}
            self.id = session.runs.create(agent.ref, agent.bundle, meta=meta)
        wire: Wire = session.live.wire
        tools: Tools = LiveTools(agent, workspace_for(agent, session.project), self.id)
        if self.tape is not None:
            wire = RecordingWire(wire, self.tape, base_url=agent.provider.base_url or API_BASE)
            tools = RecordingTools(tools, self.tape)
        return await drive(
            agent,
            self.run,
            model=WireModel(wire, agent.retry, limits=agent.limits, health=session.live.health, breaker=agent.breaker),
            tools=tools,
            hear=hear,
            approve=approve,
            sinks=[session.runs.sink(self.id, waits=False), *sinks],
            safe=lambda: session.runs.safe(self.id),
            on_delta=on_delta,
            answers=session.answers_for(self.id),
        )


@dataclass(slots=True)
class Progress:
    """How far the run got; it can be read when the run was interrupted."""

    session: Session | None = None
    conversation: Conversation | None = None

    def way_on(self) -> str:
        """How to go on with what was interrupted; empty when there is nothing."""
        return "" if self.conversation is None else self.conversation.way_on

    def wait(self) -> None:
        """Says what an interruption waits for."""
        if self.conversation is not None and (names := self.conversation.finishing):
            with suppress(OSError):  # its reader may be gone
                note(f"interrupted: waiting for {', '.join(names)} to finish; Ctrl-C again does not wait")


def is_being_cancelled() -> bool:
    """Whether the current task itself is to end, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
