"""Runs the jobs of an evaluation side by side on one event loop; what comes out does not depend on who was first.

Results stand in the order of the jobs. There is nothing here that could open a socket or run a tool: what can is handed
in by those who asked for it; a witness counts what really happened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol

from agentctl.errors import AgentctlError
from agentctl.evals.judge.port import Bench
from agentctl.evals.kept import Shelf, kept
from agentctl.evals.plan import IMPORTED, Job
from agentctl.evals.prices import Prices
from agentctl.evals.replay import replay
from agentctl.evals.result import CaseResult, Evaluation, SuiteResult
from agentctl.evals.spending import PLAYING, Ticket, Unplayed
from agentctl.evals.terms import DEFAULT, today
from agentctl.evals.witness import Witness

TURN: Final = 0.01
"""Seconds of work between two looks at what else there is to do."""


class Player(Protocol):
    """Plays jobs with something live behind them; see `evals.live`."""

    recorded: list[Path]
    """Recordings written."""
    apart: bool
    """Whether threads of its own talk to others on its behalf, which is no request to a model."""

    @property
    def sent(self) -> int:
        """Requests sent to a model."""
        ...

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat; none at all when the case was left unplayed."""
        ...


class Faulty(Protocol):
    """Plays jobs whose cases have faults; see `evals.faults.player`."""

    executed: int
    """Tool handlers started."""

    async def play(self, job: Job, prices: Prices) -> list[CaseResult]:
        """One result for each repeat."""
        ...


async def evaluate(
    jobs: Sequence[Job],
    *,
    prices: Prices,
    live: Player | None = None,
    bench: Bench | None = None,
    faulty: Faulty | None = None,
    concurrency: int = 16,
    on_job: Callable[[list[CaseResult]], None] | None = None,
    already: Mapping[int, list[CaseResult]] | None = None,
) -> Evaluation:
    """Plays every job, `concurrency` at a time, and tells `on_job` of each one's results when it is done.

    What is `already` there, by the job's place, is not played.

    Without `live` every job is a replay, without `bench` every verdict of a judge is recorded; `faulty` plays the jobs
    whose cases have faults, and there must be one where there are any. Cancelled, it stops at
    once and returns what is finished, marked as interrupted.

    Raises:
        UsageError: `AGENTCTL_TODAY` holds no date.
    """
    now, day = time.time(), today()
    already = already or {}
    finished: list[list[CaseResult]] = [already.get(place, []) for place in range(len(jobs))]
    witness, interrupted = Witness(only_here=live is not None and live.apart), False
    try:
        with witness:
            await _side_by_side(jobs, _Hall(prices, live, bench, faulty), concurrency, finished, on_job)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # the interruption is answered here: what is finished is the result
        interrupted = True
    prices.save()
    return Evaluation(
        suites=_by_suite(jobs, finished, day),
        at=_iso(now if live is not None else _newest(finished)),
        network=max(witness.connections, sum(each.sent for each in (live, bench) if each is not None)),
        tools_executed=max(witness.executed, faulty.executed if faulty is not None else 0),
        planned=sum(job.repeats for job in jobs),
        interrupted=interrupted,
        recorded=tuple(path for each in (live, bench) if each is not None for path in each.recorded),
        resumed=sum(map(len, already.values())),
        unplayed=tuple(_unplayed(job) for job, results in zip(jobs, finished, strict=True) if not results),
    )


@dataclass(frozen=True, slots=True)
class _Hall:
    """What the jobs of an evaluation share."""

    prices: Prices
    live: Player | None
    bench: Bench | None
    faulty: Faulty | None

    async def results(self, job: Job) -> list[CaseResult]:
        """One result for each repeat, judged where the case asks for it; none when the money did not last for it."""
        ticket = Ticket()
        PLAYING.set(ticket)
        if job.case.faults:
            assert self.faulty is not None
            return await self.faulty.play(job, self.prices)
        if job.case.transcript:
            from agentctl.evals.transcripts import retell  # noqa: PLC0415  most suites hold none

            results = retell(job, self.prices)
        else:
            results = await (replay(job, self.prices) if self.live is None else self.live.play(job, self.prices))
        if job.is_judged and not ticket.refused:
            from agentctl.evals.judge.ruled import ruled  # noqa: PLC0415  few cases have judges

            results = await ruled(job, results, self.prices, self.bench)
        if ticket.refused:
            return []
        return results if job.case.transcript else await _explained(job, results, self.prices)


async def _side_by_side(
    jobs: Sequence[Job],
    hall: _Hall,
    concurrency: int,
    finished: list[list[CaseResult]],
    on_job: Callable[[list[CaseResult]], None] | None,
) -> None:
    """Workers that take the next job when they are done with one; `finished` is filled in place."""
    waiting, shelf = iter([(place, job) for place, job in enumerate(jobs) if not finished[place]]), Shelf()
    turn_over = time.monotonic()

    async def work() -> None:
        nonlocal turn_over
        for index, job in waiting:
            finished[index] = [kept(result, shelf) for result in await hall.results(job)]
            if on_job is not None and finished[index]:
                on_job(finished[index])
            if time.monotonic() > turn_over:  # a replay waits for nothing: this is where Ctrl-C gets in
                await asyncio.sleep(0)
                turn_over = time.monotonic() + TURN

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(concurrency, len(jobs))):
                workers.create_task(work())
    except ExceptionGroup as group:
        ours = next((error for error in group.exceptions if isinstance(error, AgentctlError)), None)
        if ours is None:
            raise
        raise ours from None


async def _explained(job: Job, results: list[CaseResult], prices: Prices) -> list[CaseResult]:
    """The results; what has no recording that fits says where it would leave the one there is."""
    unfit = [each for each in results if each.status in {"stale", "missing"} and not each.unjudged]
    if not any(result.parted is None for result in unfit):
        return results
    from agentctl.evals.divergence import explained  # noqa: PLC0415  what is fresh needs no explanation

    return await explained(job, results, prices)


def _unplayed(job: Job) -> Unplayed:
    return Unplayed(job.suite.name, job.suite.file, job.case.id, job.case.line, job.repeats)


def recorded_at(evaluation: Evaluation) -> str | None:
    """When the newest of its runs was recorded, as `Evaluation.at` says it of a replay."""
    return _iso(_newest([evaluation.cases]))


def _newest(finished: Sequence[Sequence[CaseResult]]) -> float | None:
    """When the newest of these runs was recorded."""
    outcomes = [result.outcome for results in finished for result in results if result.outcome is not None]
    return max((outcome.began for outcome in outcomes if outcome.began is not None), default=None)


def _iso(at: float | None) -> str | None:
    return None if not at else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by_suite(jobs: Sequence[Job], finished: Sequence[list[CaseResult]], day: date) -> tuple[SuiteResult, ...]:
    pairs = zip(jobs, finished, strict=True)
    suites: list[SuiteResult] = []
    for _, group in groupby(pairs, key=lambda pair: pair[0].suite.path):
        members = list(group)
        job = members[0][0]
        tested = next((each.agent for each, _ in members if not each.case.transcript), None)
        suites.append(
            SuiteResult(
                suite=job.suite.name,
                file=job.suite.file,
                agent=tested.ref if tested is not None else IMPORTED.name,
                bundle=tested.bundle if tested is not None else "",
                model=tested.model if tested is not None else "",
                cases=tuple(result for _, results in members for result in results),
                terms={each.case.id: each.case.terms for each, _ in members if each.case.terms is not DEFAULT},
                planned={each.case.id: each.repeats for each, _ in members},
                of=len(job.suite.cases),
                today=day,
            )
        )
    return tuple(suites)
