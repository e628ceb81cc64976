"""Replays in chunks on other processes: the result is the one that this process alone would come to.

A worker reads the same project from the same path, which all of them share, and says so: it refuses when its version
is another one or when a case is not, digest for digest, the one that was planned. A chunk changes nothing, so one whose
worker died is run again elsewhere. What comes back are records, as in a journal.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import chdir
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import orjson

from agentctl import __version__
from agentctl.agent.values import replace
from agentctl.config.project import Project
from agentctl.errors import AgentctlError, RunError, UsageError
from agentctl.evals.journal.identity import identity
from agentctl.evals.journal.record import record_of, results_of
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay
from agentctl.evals.result import CaseResult
from agentctl.evals.witness import Witness

CHUNK: Final = 25
"""Cases in a chunk at least: finding the project takes a worker longer than playing one."""
AHEAD: Final = 3
"""Chunks per worker that are under way or wait for their turn in the result."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a worker needs to make the same plan. `token` is another one for every evaluation: files change."""

    root: str
    folder: str
    """The current directory, from which messages name files."""
    token: str
    suites: tuple[str, ...] = ()
    agent: str | None = None
    filters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    repeat: int | None = None
    adaptive: float | None = None
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a worker says of its cases: a record of each, or why it plays none of them."""

    records: tuple[bytes, ...] = ()
    network: int = 0
    executed: int = 0
    refused: str = ""


def play_chunk(ask: Ask, wanted: Sequence[tuple[str, str, str]]) -> Chunk:
    """Replays these cases (suite, case, identity) in this process, one chunk at a time."""
    if ask.version != __version__:
        return Chunk(refused=f"it has agentctl {__version__}, not {ask.version}")
    with _ALONE:
        try:
            with chdir(ask.folder):
                return asyncio.run(_play(_jobs(ask), wanted, Project(Path(ask.root)).state / "prices.json"))
        except (AgentctlError, OSError) as error:
            return Chunk(refused=f"it does not see the project at {ask.root}: {error}")


async def _play(jobs: dict[tuple[str, str], Job], wanted: Sequence[tuple[str, str, str]], prices_at: Path) -> Chunk:
    prices, witness, records = Prices(prices_at), Witness(only_here=True), []
    with witness:
        for suite, case, expected in wanted:
            job = jobs.get((suite, case))
            if job is None or identity(job) != expected:
                return Chunk(refused=f"it sees another {suite}/{case} at the same path")
            records.append(orjson.dumps(record_of(job, await replay(job, prices))))
    return Chunk(tuple(records), witness.connections, witness.executed)


class ClusterPlayer:
    """An `evaluate.Player` whose jobs an executor's workers replay, a few chunks ahead of what is asked for."""

    def __init__(self, executor: Executor, ask: Ask, jobs: Sequence[Job], workers: int) -> None:
        self.recorded: list[Path] = []
        """None: nothing is recorded."""
        self.apart = True
        """The cluster's client talks to its workers; what those did, they count."""
        self.sent = 0
        """Connections that workers made."""
        self.executed = 0
        """Tool handlers that workers started."""
        self._executor, self._ask = executor, ask
        size = max(CHUNK, -(-len(jobs) // (workers * 8)))
        self._chunks = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        self._place = {id(job): place for place, job in enumerate(jobs)}
        self._size, self._ahead = size, workers * AHEAD
        self._results: dict[int, asyncio.Task[dict[int, list[CaseResult]]]] = {}

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:  # noqa: ARG002  the worker has its own
        """One result for each repeat.

        Raises:
            UsageError: a worker refuses to play.
            RunError: the cluster lost the chunk again and again, or a worker broke down.
        """
        number = self._place[id(job)] // self._size
        for each in range(number, min(number + self._ahead, len(self._chunks))):
            if each not in self._results:
                self._results[each] = asyncio.create_task(self._chunk(each))
        return (await asyncio.shield(self._results[number])).pop(id(job))

    async def _chunk(self, number: int) -> dict[int, list[CaseResult]]:
        jobs = self._chunks[number]
        wanted = [(job.suite.name, job.case.id, identity(job)) for job in jobs]
        try:
            chunk: Chunk = await asyncio.wrap_future(self._executor.submit(play_chunk, self._ask, wanted))
        except Exception as error:
            hint = "every worker needs agentctl with the packages of your tools, at the same versions"
            raise RunError(f"the cluster could not play a chunk: {type(error).__name__}: {error}", hint=hint) from error
        if chunk.refused:
            hint = f"workers share the file system, and have agentctl {__version__}"
            raise UsageError(f"a worker of the cluster cannot play: {chunk.refused}", hint=hint)
        self.sent += chunk.network
        self.executed += chunk.executed
        return {id(job): results_of(job, orjson.loads(each)) for job, each in zip(jobs, chunk.records, strict=True)}

    async def close(self) -> None:
        """Gives up what is still under way."""
        tasks = list(self._results.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_ALONE: Final = threading.Lock()
"""A worker may have threads; the current directory, the witness and the plan are the process's."""


@lru_cache(maxsize=1)
def _jobs(ask: Ask) -> dict[tuple[str, str], Job]:
    jobs = plan(
        Project(Path(ask.root)), ask.suites, agent=ask.agent, filters=ask.filters, tags=ask.tags, repeat=ask.repeat
    )
    return {(job.suite.name, job.case.id): replace(job, adaptive=ask.adaptive) for job in jobs}
