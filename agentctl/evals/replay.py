"""Cases from their recordings. What is served is fresh: a recording that no longer fits is named, never played.

Freshness is decided before the run, from digests alone; a request that the recording does not answer all the same (a
file edited by hand) is a miss.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import Final

from agentctl.agent.events import ModelAsked, Observed, ToolCalled
from agentctl.agent.run import Run
from agentctl.agent.values import replace
from agentctl.cassette.play import RecordedTools, RecordedWire
from agentctl.cassette.tape import Cassette, Take
from agentctl.cassette.then import Then
from agentctl.evals.marks import reused_of
from agentctl.evals.plan import Job
from agentctl.evals.play import Played, outcome, play
from agentctl.evals.prices import Prices
from agentctl.evals.result import CaseResult
from agentctl.evals.standing import Standing, standing
from agentctl.evals.takes import takes
from agentctl.evals.verdict import errored, failed_run, judged
from agentctl.model.client import WireModel

NO_JITTER: Final = Random(0)  # noqa: S311  waits are skipped: whatever it says is not waited for


async def replay(job: Job, prices: Prices) -> list[CaseResult]:
    """Every repeat of the case from its take; no socket, no tool."""
    found = standing(job)
    if found.cassette is None:
        return [unplayed(found, job, number) for number in range(job.repeats)]
    cassette = found.cassette
    return await takes(job, cassette, lambda number: _replay_take(job, cassette, number, prices))


async def _replay_take(job: Job, cassette: Cassette, number: int, prices: Prices) -> CaseResult:
    tools = RecordedTools(cassette, number)

    async def observe() -> list[Observed]:
        return [tools.observed(query.name) for query in job.queries]

    model = recorded_model(job, cassette, number)
    then = Then(cassette.header.at if cassette.header is not None else "", cassette.takes[number])
    driven = partial(play, job, agent=job.unhurried, model=model, tools=tools, observe=observe, when=then.of)
    if job.case.user is None:
        played = await driven()
    else:
        from agentctl.evals.user.seat import recorded_voice  # noqa: PLC0415  few cases have a simulated user

        voice = recorded_voice(job, cassette, number, sleep=at_once)
        played = await driven(user=voice)
        played = replace(played, voice=voice)
    return concluded(job, number + 1, played, prices, then.elapsed, recorded=True)


def unplayed(found: Standing, job: Job, number: int) -> CaseResult:
    """The result of repeat `number`, from 0, when the recording cannot be played."""
    return failed_run(job, number + 1, found.reason, hint=found.hint, status=found.status, stale=found.stale)


def recorded_model(job: Job, cassette: Cassette, number: int) -> WireModel:
    """The model as it answered in that take; a retry that once waited does not wait again."""
    return model_on(job, recorded_wire(job, cassette, number))


def recorded_wire(job: Job, cassette: Cassette, number: int, *, lenient: bool = False) -> RecordedWire:
    """That take, for the requests of this case."""
    redactor = job.suite.rules.for_replay(os.environ)
    return RecordedWire(cassette, number, redactor=redactor, lenient=lenient)


def model_on(job: Job, wire: RecordedWire) -> WireModel:
    """The model behind a recorded wire."""
    return WireModel(wire, job.agent.retry, sleep=at_once, rng=NO_JITTER)


def concluded(
    job: Job, repeat: int, played: Played, prices: Prices, seconds: float, *, recorded: bool = False
) -> CaseResult:
    """The result of a run that was played to its end, or to the error that ended it.

    `seconds` is what the run took when it ran for real; `recorded` says that all of it was.
    """
    seen = outcome(job, played, prices, seconds)
    if played.error is not None:
        found = errored(job, repeat, played.error, seen)
    else:
        reused = reused_of(seen.turns, seen.usage, seen.cost_usd) if recorded else None
        found = judged(job, repeat, seen, reused)
    if played.voice is None:
        return found
    return replace(found, user=played.voice.part(failed=found.status == "fail"))


def recorded_seconds(take: Take, run: Run) -> float:
    """What the run took when it was recorded: every reply, and of each turn's tools the slowest; they ran together."""
    took = {tool.call_id: tool.seconds for tool in take.tools}
    total, slowest = sum(take.seconds), 0.0
    for entry in run.entries:
        event = entry.event
        if isinstance(event, ToolCalled):
            slowest = max(slowest, took.get(event.call_id, 0.0))
        elif slowest and isinstance(event, ModelAsked):
            total, slowest = total + slowest, 0.0
    return total + slowest


async def at_once(_seconds: float) -> None:
    """Does not wait: in a replay there is nothing to wait for."""
