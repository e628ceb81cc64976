"""What cases with faults are played against: the simulator in this process, with the agent's own script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agentctl.agent.spec import Agent
from agentctl.cli.wiring import simulator_script
from agentctl.config.faults import Due
from agentctl.config.project import Project
from agentctl.evals.faults.player import FaultPlayer
from agentctl.evals.plan import Job
from agentctl.simulator.api import Api
from agentctl.simulator.memory import MemoryWire
from agentctl.simulator.script import load_script


@asynccontextmanager
async def fault_player(project: Project, jobs: Sequence[Job]) -> AsyncIterator[FaultPlayer]:
    """A player for these jobs; a script that is wrong is told before the first case runs.

    Raises:
        ConfigError: the simulator's script of an agent is wrong.
    """
    names = dict.fromkeys(job.agent.name for job in jobs)
    scripts = {name: load_script(simulator_script(project, name)) for name in names}

    def wire(agent: Agent, faults: Due) -> MemoryWire:
        return MemoryWire(Api(scripts[agent.name], faults))

    player = FaultPlayer(wire)
    try:
        yield player
    finally:
        player.close()
