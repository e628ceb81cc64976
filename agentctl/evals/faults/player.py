"""Plays cases with faults: the agent as it is, against its simulator, in this process and on a clock of the run's own.

Nothing is recorded and nothing is replayed: the whole path is the real one (the wire, the decoder, retries, breaker,
fallbacks, tools on the case's own workspace), and yet a case comes out the same byte for byte, because nothing in it
depends on the machine: time is the run's, chance is seeded by the case, and a breaker knows of this run alone. A fault
that never happened proves nothing, so a case that would pass without one of its faults is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, Protocol

from agentctl.agent.events import Observed
from agentctl.agent.spec import Agent
from agentctl.agent.tools import in_thread
from agentctl.agent.values import replace
from agentctl.config.faults import Due
from agentctl.errors import AgentctlError
from agentctl.evals.faults.clock import VirtualLoop
from agentctl.evals.faults.storm import FaultyTools, Storm
from agentctl.evals.faults.written import scripted
from agentctl.evals.plan import Job
from agentctl.evals.play import Played, play
from agentctl.evals.prices import Prices
from agentctl.evals.replay import concluded
from agentctl.evals.result import CaseResult
from agentctl.evals.stage import CountingWire
from agentctl.evals.takes import settled
from agentctl.evals.verdict import errored
from agentctl.evals.workspace import Workspaces, observe
from agentctl.model.client import WireModel
from agentctl.model.health import Health

HOST: Final = "the simulator"
SCRIPT: Final = "mend the agent's simulator.yaml, so that it has an answer for this too"
LEAST: Final = 1e-6
"""Seconds of a run that waited for nothing: not none, which would be a time that nobody knows."""


class FaultyWire(CountingWire, Protocol):
    """A wire to what answers by a script."""

    @property
    def refused(self) -> str:
        """Why a request was refused that no fault was to refuse; empty when none was."""
        ...


WireOf = Callable[[Agent, Due], FaultyWire]
"""A wire to what answers this agent, with these faults, in this process; a new one for every run."""


class FaultPlayer:
    """Plays the jobs whose cases have faults; `executed` counts the tools' handlers that were started for them."""

    def __init__(self, wire_of: WireOf) -> None:
        self.executed = 0
        self._wire_of = wire_of
        self._workspaces: dict[str, Workspaces] = {}

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat that is needed, each with dice of its own."""
        results: list[CaseResult] = []
        for number in range(job.repeats):
            if settled(job, results, job.adaptive):
                break
            results.append(await self._take(job, number, prices))
        return results

    def close(self) -> None:
        """Removes every workspace."""
        for each in self._workspaces.values():
            each.close()

    async def _take(self, job: Job, number: int, prices: Prices) -> CaseResult:
        storm = Storm([scripted(each) for each in job.case.faults], job.agent.model)
        loop: VirtualLoop | None = None
        try:
            with self._workspaces.setdefault(job.agent.ref, Workspaces(job.agent)).copy() as folder:
                loop = VirtualLoop()
                wire = self._wire_of(job.agent, storm)
                run = _Run(wire, job, number, folder, storm)
                played = await in_thread(lambda: loop.run(run.play), name=f"case {job.case.id}")
                self.executed += run.executed
        except AgentctlError as error:
            return replace(errored(job, number + 1, error), faults=storm.happened)
        result = concluded(job, number + 1, played, prices, loop.time() or LEAST)
        if wire.refused:  # what followed was made of a failure that the case does not ask for
            reason = f"the simulator refused a request, and no fault of the case did: {wire.refused}"
            result = replace(result, status="error", reason=reason, hint=SCRIPT)
        return _unless_vacuous(replace(result, faults=storm.happened))


class _Run:
    """One run, played in a thread of its own."""

    def __init__(self, wire: CountingWire, job: Job, number: int, folder: Path, storm: Storm) -> None:
        self.executed = 0
        self._wire, self._job, self._number, self._folder, self._storm = wire, job, number, folder, storm

    async def play(self, loop: VirtualLoop) -> Played:
        job, agent = self._job, self._job.agent
        name = f"{job.suite.name}/{job.case.id}/{self._number + 1}"
        dice = Random(name)  # noqa: S311  seeded on purpose
        model = WireModel(
            self._wire,
            agent.retry,
            limits=agent.limits,
            health=Health(HOST, clock=loop.time, rng=dice),
            breaker=agent.breaker,
            rng=dice,
        )
        tools = FaultyTools(agent, self._folder, name, self._storm, loop)

        async def look() -> list[Observed]:
            return observe(self._folder, job.queries)

        played = await play(job, agent=agent, model=model, tools=tools, observe=look, when=lambda _event: loop.time())
        self.executed = tools.executed
        return played


def _unless_vacuous(result: CaseResult) -> CaseResult:
    """The result; where it is no verdict of fail, only if every fault of the case happened."""
    missed = [shown for shown, times in result.faults if not times]
    if result.status not in {"pass", "error"} or not missed:
        return result
    seen = result.outcome
    calls = "" if seen is None or not seen.tool_names else f", with the calls {', '.join(seen.tool_names)}"
    turns = 0 if seen is None else seen.turns
    reason = f"a fault of the case never happened: {missed[0]} (the run had {turns} turns{calls})"
    return replace(result, status="error", reason=reason, hint="correct the fault, or leave it out")
