"""The faults of one run as they come due: each as often as it is to happen, and counted when it does.

What decides is what is asked and what was asked before it in this run, never a clock and never another run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agentctl.agent.events import JsonObject, ToolCalled
from agentctl.agent.handler import ToolFailure
from agentctl.agent.spec import Agent, ToolSpec
from agentctl.agent.tools import LiveTools
from agentctl.config.faults import Fault, fault_of
from agentctl.evals.faults.clock import VirtualLoop
from agentctl.evals.faults.spec import OWN, Scripted


class SimulatedFailure(Exception):
    """What a tool raises that is to raise: an error that is none of its own."""


class Storm:
    """A `config.faults.Due` for the API, and `of_tool` for tools; `own` is the agent's own model."""

    def __init__(self, faults: Sequence[Scripted], own: str) -> None:
        self._own = own
        self._faults = [(each, fault_of(each.api) if each.api else None) for each in faults]
        self._happened: Counter[int] = Counter()
        self._calls: Counter[str] = Counter()

    def due(self, body: JsonObject, digest: str, turn: int) -> Iterator[tuple[int, Fault]]:  # noqa: ARG002
        """The faults that may happen to this request. A turn is the run's: what was replied before, and this one."""
        number = 1 + sum(message["role"] == "assistant" for message in body["messages"])
        for index, (each, fault) in enumerate(self._faults):
            asked = {"", body["model"], OWN if body["model"] == self._own else ""}
            wanted = each.turn in {None, number} and each.model in asked
            if fault is not None and wanted and self._is_left(index, each):
                yield index, fault

    def fired(self, index: int) -> None:
        """Counts a fault that happened."""
        self._happened[index] += 1

    def of_tool(self, name: str) -> Scripted | None:
        """What goes wrong with the next call of this tool, which this is."""
        self._calls[name] += 1
        for index, (each, _) in enumerate(self._faults):
            if each.tool == name and self._calls[name] >= (each.call or 1) and self._is_left(index, each):
                self._happened[index] += 1
                return each
        return None

    @property
    def happened(self) -> tuple[tuple[str, int], ...]:
        """Every fault as it is shown, and how often it happened."""
        return tuple((str(each), self._happened[index]) for index, (each, _) in enumerate(self._faults))

    def _is_left(self, index: int, each: Scripted) -> bool:
        return each.times is None or self._happened[index] < each.times


class FaultyTools(LiveTools):
    """The agent's tools, those calls of them failing that are to fail. Their work takes no time of the run's clock."""

    def __init__(self, agent: Agent, folder: Path, run_id: str, storm: Storm, loop: VirtualLoop) -> None:
        super().__init__(agent, folder, run_id)
        self._storm, self._loop = storm, loop

    async def execute(self, spec: ToolSpec, call: ToolCalled) -> Any:
        """See `LiveTools.execute`. A call that times out is one that is waited for longer than the tool may take."""
        fault = self._storm.of_tool(spec.name)
        if fault is None or fault.takes_effect:
            with self._loop.working():
                value = await super().execute(spec, call)
        if fault is None:
            return value
        if fault.error == "timeout":
            await asyncio.sleep(2 * spec.timeout)
        if fault.error in {"timeout", "raise"}:
            raise SimulatedFailure("it broke, as the case asks it to")
        raise ToolFailure(fault.error)
